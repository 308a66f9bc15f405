/**
 * What the house keeps secret, and who may have it: a vault of named secrets, and the logins at model providers that are
 * made of them. A secret leaves the vault only for the part that it belongs to, as late as can be, and is told to the
 * log's redactor before anybody else sees it.
 */
import type { AwsCredential } from "../domain/aws-credential.ts";
import type { SecretScope } from "../domain/secret-scope.ts";

export type { SecretScope };

export interface SecretInfo {
  readonly scope: SecretScope;
  /** Within its scope: letters, digits, `.`, `_`, `-`; at most 64. */
  readonly name: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Null: for good. */
  readonly expiresMs: number | null;
}

export interface Vault {
  /** Names and times alone. Opens nothing: works without the master key. */
  list(): Promise<readonly SecretInfo[]>;
  /** The view of one owner: the only way to read. There is no method that reads across scopes. */
  scoped(scope: SecretScope): ScopedVault;
  /** New data key, every entry wrapped anew; all of it or nothing. */
  rotate(): Promise<void>;
}

export interface ScopedVault {
  /**
   * Null where there is none, or where it has expired (`list` tells which). Throws VAULT_001 where the master key is
   * missing or wrong, VAULT_002 where the entry or its file was tampered with.
   */
  read(name: string): Promise<string | null>;
  /** Resolves when it is durable. Never longer than `limits.secretBytes`. */
  write(name: string, value: string, options?: { readonly expiresMs?: number | null }): Promise<void>;
  /**
   * Reads and replaces while nobody else does, over all processes of this machine: `change` gets the newest value and
   * returns the next one, or null to leave it. Used where a refresh token may be spent once.
   */
  update(
    name: string,
    change: (current: string | null) => Promise<{ readonly value: string; readonly expiresMs?: number | null } | null>,
  ): Promise<void>;
  remove(name: string): Promise<boolean>;
}

export const profileKinds = ["api-key", "oauth", "token", "aws-sdk"] as const;
export type ProfileKind = (typeof profileKinds)[number];

/** A login at a provider, without its secret. */
export interface AuthProfile {
  /** `<provider>:<name>`, e.g. `openai:work`; `<provider>:config` and `<provider>:env` are made of settings and environment. */
  readonly id: string;
  readonly provider: string;
  readonly kind: ProfileKind;
  readonly source: "vault" | "config" | "environment" | "aws-chain";
  /** Null: does not expire, or nobody knows. */
  readonly expiresMs: number | null;
  /** Another one with every change of the secret: a failure that was remembered of an older one is forgotten. */
  readonly revision: string;
  /** `expired`: no refresh can mend it, somebody has to log in again. `refresh-failed`: it is tried again by itself. */
  readonly state: "usable" | "expired" | "refresh-failed";
}

/** What a provider is given with a call. */
export type Credential =
  | { readonly kind: "key"; readonly apiKey: string }
  /** A token that goes into `Authorization: Bearer`. */
  | { readonly kind: "bearer"; readonly token: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "aws"; readonly aws: AwsCredential }
  /** Endpoints that ask for nothing. */
  | { readonly kind: "none" };

export interface AuthProfiles {
  /** Every login of a provider, in the order in which they are tried by default. Cheap; asks nobody, opens no secret. */
  of(providerId: string): readonly AuthProfile[];
  get(profileId: string): AuthProfile | undefined;
  /**
   * The secret, fresh: a token that is about to expire is refreshed first, once over all callers and processes. Throws
   * MODEL_002 with `details.reason` `auth` where only a change of the login helps, MODEL_004 (`network`) where a refresh
   * failed and is tried again by itself, and what the vault throws where the vault is at fault.
   */
  credential(profileId: string): Promise<Credential>;
  /** Called when a profile came, went or changed. Returns the way to stop. */
  subscribe(listener: (providerId: string) => void): () => void;
}
