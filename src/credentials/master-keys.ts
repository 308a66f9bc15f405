/**
 * Which key opens the vault, and which one a new vault gets. The vault's file says by which source its key is kept, so
 * opening asks nobody's settings; a setting only decides about a new vault.
 */
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import type { KeyDerivation } from "../platform/sealing.ts";
import type { KeySource, KeySourceId, NewKey } from "./key-sources/contract.ts";
import { keyFileSource } from "./key-sources/key-file.ts";
import type { Keychain } from "./key-sources/keychain-entry.ts";
import { keychainSource } from "./key-sources/keychain.ts";
import { passphraseSource, type Passphrases } from "./key-sources/passphrase.ts";

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

export type KeySetting = "auto" | KeySourceId;

export interface MasterKeyOptions {
  readonly folder: string;
  /** Asked when a new vault needs a key. */
  readonly setting: () => KeySetting | Promise<KeySetting>;
  readonly passphrases: Passphrases;
  readonly keychain: Keychain;
  readonly platform: NodeJS.Platform;
}

export function createMasterKeys({ folder, setting, passphrases, keychain, platform }: MasterKeyOptions): MasterKeys {
  const sources: Readonly<Record<KeySourceId, KeySource>> = {
    file: keyFileSource(keyFileOf(folder)),
    passphrase: passphraseSource(passphrases),
    keychain: keychainSource(keychain, folder),
  };
  return {
    source: (id) => sources[id],
    async preferred() {
      const wanted = await setting();
      if (wanted !== "auto") {
        const trouble = await sources[wanted].trouble();
        if (trouble === null) return wanted;
        throw new AppError("VAULT_001", `vault.key is ${wanted}, which cannot keep the vault's key: ${trouble}`);
      }
      if (passphrases.isGiven) return "passphrase";
      // Where everybody has a keychain that is open while somebody is logged in. On a server without a desktop it is
      // closed when the gateway starts, and nobody is there to open it.
      const hasKeychain = platform === "darwin" || platform === "win32";
      return hasKeychain && (await sources.keychain.trouble()) === null ? "keychain" : "file";
    },
  };
}

/** For a sentence: "is kept by …". */
export const sourceWords: Readonly<Record<KeySourceId, string>> = {
  file: "a key file",
  passphrase: "a passphrase",
  keychain: "the system's keychain",
};

/** What a source gave that opens nothing. */
const wrongWords: Readonly<Record<KeySourceId, string>> = {
  file: "The key in the key file",
  passphrase: "The passphrase",
  keychain: "The key in the system's keychain",
};

/** Of the keys that a source has, the one that is meant. Throws VAULT_001 where it has none, or only others. */
export async function masterKey(
  source: KeySource,
  derivation: KeyDerivation | null,
  isTheOne: (key: Buffer) => boolean,
): Promise<Buffer> {
  const keys = await source.keys(derivation);
  if (keys.length === 0) {
    throw new AppError("VAULT_001", `The key of the vault is missing: it was kept by ${sourceWords[source.id]}.`, {
      details: { source: source.id },
    });
  }
  const found = keys.find(isTheOne);
  if (found !== undefined) return found;
  throw new AppError("VAULT_001", `${wrongWords[source.id]} is not the one of this vault.`, {
    details: { source: source.id },
  });
}

/** A key that is there already is used again: the vault's file may have been taken away on purpose. */
export async function keyForNewVault(source: KeySource): Promise<NewKey> {
  if (source.id === "passphrase") return source.create();
  const [known] = (await source.keys(null)).slice(-1);
  return known === undefined ? source.create() : { key: known, derivation: null };
}
