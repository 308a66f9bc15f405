/** Where the vault's master key comes from. One file per kind of place; the vault knows none of them. */
import type { KeyDerivation } from "../../platform/sealing.ts";

export const keySourceIds = ["file", "passphrase", "keychain"] as const;
export type KeySourceId = (typeof keySourceIds)[number];

export interface NewKey {
  /** 32 bytes. */
  readonly key: Buffer;
  /** How it came from a passphrase; stands in the vault's file beside what the key has sealed. */
  readonly derivation: KeyDerivation | null;
}

export interface KeySource {
  readonly id: KeySourceId;
  /** Null where it could give a key now, else the reason why not, as a sentence. Asks nobody, changes nothing. */
  trouble(): Promise<string | null>;
  /**
   * The keys it has. One of them is the vault's, or none: several while a key is being replaced. Empty where it has no
   * key yet. Throws VAULT_001 where it has one and may not use it, with what to do about it.
   */
  keys(derivation: KeyDerivation | null): Promise<readonly Buffer[]>;
  /** A new key, kept beside those that there are before this resolves. Throws VAULT_001 where it cannot keep one. */
  create(): Promise<NewKey>;
  /** Forgets all keys but this one; all where it is null. Called when the vault is sealed with another. */
  keepOnly(key: Buffer | null): Promise<void>;
}
