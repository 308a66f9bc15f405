/** The master key in the system's keychain: it opens with the login of the person the gateway runs as. */
import { createHash } from "node:crypto";
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import { freshBytes, keyBytes } from "../../platform/sealing.ts";
import type { KeySource } from "./contract.ts";
import type { Keychain } from "./keychain-entry.ts";
import { readKeys, writeKeys } from "./key-text.ts";

/** `folder`: the vault's; each vault of a person has an entry of its own. */
export function keychainSource(keychain: Keychain, folder: string): KeySource {
  const account = createHash("sha256").update(path.resolve(folder)).digest("hex").slice(0, 32);

  async function keys(): Promise<readonly Buffer[]> {
    const text = await keychain.get(account);
    return text === null ? [] : readKeys(text, "The keychain's entry");
  }

  return {
    id: "keychain",
    async trouble() {
      try {
        await keychain.get(account);
        return null;
      } catch (error) {
        return AppError.from(error, "VAULT_001").message;
      }
    },
    keys,
    async create() {
      const key = freshBytes(keyBytes);
      await keychain.set(account, writeKeys([...(await keys()), key]));
      return { key, derivation: null };
    },
    keepOnly: (key) => (key === null ? keychain.remove(account) : keychain.set(account, writeKeys([key]))),
  };
}
