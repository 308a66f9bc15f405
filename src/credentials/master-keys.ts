/**
 * Which key opens the vault, and which one a new vault gets. The vault's file says by which source its key is kept, so
 * opening asks nobody's settings; a setting only decides about a new vault.
 */
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import type { KeyDerivation, KeySource, KeySourceId, NewKey } from "./key-sources/contract.ts";
import { keyFileSource } from "./key-sources/key-file.ts";

export interface MasterKeys {
  source(id: KeySourceId): KeySource;
  /** Where the key of a new vault is to be kept. Throws VAULT_001 where the one that is asked for cannot keep it. */
  preferred(): Promise<KeySourceId>;
}

export function keyFileOf(folder: string): string {
  return path.join(folder, "master.key");
}

/** A key file in the vault's folder and nothing else. */
export function keyFileOnly(folder: string): MasterKeys {
  const file = keyFileSource(keyFileOf(folder));
  return {
    source(id) {
      if (id === "file") return file;
      throw new AppError("VAULT_001", `The key of the vault is kept by ${sourceWords[id]}, which is not asked here.`);
    },
    preferred: () => Promise.resolve("file"),
  };
}

/** For a sentence: "is kept by …". */
export const sourceWords: Readonly<Record<KeySourceId, string>> = {
  file: "a key file",
  passphrase: "a passphrase",
  keychain: "the system's keychain",
};

/** Of the keys that a source has, the one that is meant. Throws VAULT_001 where it has none, or only others. */
export async function masterKey(
  source: KeySource,
  derivation: KeyDerivation | null,
  isTheOne: (key: Buffer) => boolean,
): Promise<Buffer> {
  const keys = await source.keys(derivation);
  if (keys.length === 0) {
    throw new AppError("VAULT_001", `The key of the vault is missing: ${sourceWords[source.id]} kept it.`, {
      details: { source: source.id },
    });
  }
  const found = keys.find(isTheOne);
  if (found !== undefined) return found;
  throw new AppError("VAULT_001", `The key that ${sourceWords[source.id]} has is not the one of this vault.`, {
    details: { source: source.id },
  });
}

/** A key that is there already is used again: the vault's file may have been taken away on purpose. */
export async function keyForNewVault(source: KeySource): Promise<NewKey> {
  if (source.id === "passphrase") return source.create();
  const [known] = (await source.keys(null)).slice(-1);
  return known === undefined ? source.create() : { key: known, derivation: null };
}
