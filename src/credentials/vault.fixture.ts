/** A vault of its own for one test, and handles to it as other processes have them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { Clock } from "../platform/clock.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import type { Keychain } from "./key-sources/keychain-entry.ts";
import { keychainSource } from "./key-sources/keychain.ts";
import { keyFileSource } from "./key-sources/key-file.ts";
import { passphraseSource, type Passphrases } from "./key-sources/passphrase.ts";
import { keyFileOf, type MasterKeys } from "./master-keys.ts";
import type { KeySource, KeySourceId } from "./key-sources/contract.ts";
import { createVault, type VaultHandle } from "./vault.ts";

export interface VaultScene {
  readonly folder: string;
  readonly clock: FakeClock;
  readonly told: string[];
  readonly keychain: Keychain & { readonly held: Map<string, string> };
  readonly vault: VaultHandle;
  /** Another process, or the same one after a restart; with another passphrase or another place for a new key. */
  again(options?: {
    passphrase?: string | null;
    fresh?: string;
    preferred?: KeySourceId;
    diesBehindCreate?: boolean;
  }): VaultHandle;
}

/** Two processes wait for each other in real time; everything else has a clock of its own. */
export async function vaultScene(time: Clock = new FakeClock()): Promise<VaultScene> {
  const home = await mkdtemp(path.join(tmpdir(), "openclaw-vault-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const folder = path.join(home, "credentials");
  const told: string[] = [];
  const held = new Map<string, string>();
  const keychain = {
    held,
    get: (account: string) => Promise.resolve(held.get(account) ?? null),
    set: (account: string, text: string) => Promise.resolve(void held.set(account, text)),
    remove: (account: string) => Promise.resolve(void held.delete(account)),
  };
  const again: VaultScene["again"] = (options = {}) => {
    const { passphrase = "correct horse battery", fresh, preferred = "file", diesBehindCreate = false } = options;
    const passphrases: Passphrases = {
      isGiven: passphrase !== null,
      current: () => Promise.resolve(passphrase),
      fresh: () => Promise.resolve(fresh ?? passphrase),
    };
    const keys = keysOf(folder, passphrases, keychain);
    const add = (secret: string): void => void told.push(secret);
    return createVault({
      folder,
      clock: time,
      redactor: { add },
      keys: {
        source: (id) => (diesBehindCreate ? dying(keys.source(id)) : keys.source(id)),
        preferred: () => Promise.resolve(preferred),
      },
    });
  };
  return { folder, clock: time as FakeClock, told, keychain, vault: again(), again };
}

/** The new key is kept, and nothing that would follow happens. */
function dying(source: KeySource): KeySource {
  return {
    ...source,
    create: async () => {
      await source.create();
      throw new Error("died");
    },
  };
}

/** A cost that a test can pay. */
export const cheap = { cost: 1024, blockSize: 1, parallelization: 1 };

function keysOf(folder: string, passphrases: Passphrases, keychain: Keychain): Pick<MasterKeys, "source"> {
  const sources = {
    file: keyFileSource(keyFileOf(folder)),
    passphrase: passphraseSource(passphrases, cheap),
    keychain: keychainSource(keychain, folder),
  };
  return { source: (id) => sources[id] };
}
