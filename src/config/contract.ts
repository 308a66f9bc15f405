/** What the house sees of the configuration: immutable, numbered snapshots, and one writer. */
import type { ErrorCode } from "../domain/error-codes.ts";
import type { Config } from "./schema/root.ts";

export interface ConfigSnapshot {
  /** 1, 2, 3 … within this process. A running turn keeps the snapshot it started with. */
  readonly version: number;
  /** Deep-frozen, complete: every default applied, every path absolute. */
  readonly config: Config;
  /** SHA-256 of the file's text, hex: what a patch must name as its base. */
  readonly hash: string;
  readonly path: string;
  /** False where no file exists. */
  readonly exists: boolean;
  /** The file's text as it is; may hold secrets: never on the wire. */
  readonly raw: string;
  /** After includes and migrations, before ${VAR}: what a write starts from. */
  readonly parsed: unknown;
  readonly issues: readonly ConfigIssue[];
  /** References to secrets that lead to none: what needs them does not run. Each is among the issues too. */
  readonly missingSecrets: readonly MissingSecret[];
  readonly loadedMs: number;
}

export interface MissingSecret {
  /** Of the setting that needs it. */
  readonly keys: readonly (string | number)[];
  /** The same as a dot path. */
  readonly path: string;
  /** As it is written between the braces. Whose it is follows from the keys. */
  readonly name: string;
  /** VAULT_003: it is not there, or has expired. VAULT_001: the vault is closed. CFG_004: it may not stand there. */
  readonly code: ErrorCode;
  /** What comes behind the path in a sentence; names what to do. */
  readonly message: string;
}

export interface ConfigIssue {
  readonly severity: "warning" | "error";
  /** Dot path, e.g. `channels.irc.port`. */
  readonly path: string;
  readonly message: string;
  readonly file: string;
  /** 1-based; null where it cannot be told. */
  readonly line: number | null;
}

export interface ConfigAccess {
  current(): ConfigSnapshot;
  /** Called after the swap, with the paths whose effective value changed. Returns the way to stop. */
  subscribe(listener: (next: ConfigSnapshot, changedPaths: readonly string[]) => void): () => void;
  /**
   * Writes a change to the file and applies it. `patch`: a merge patch (null removes). `replace`: the whole text.
   * Throws CFG_005 on a stale base hash, CFG_001–004 where the result would not load (nothing is written then),
   * CFG_006 where the file is a newer version's, CFG_007 where the disk says no.
   */
  write(change: ConfigChange): Promise<ConfigSnapshot>;
  /** JSON Schema of the file, draft 2020-12, channels' schemas included. */
  schema(): unknown;
  /** Dot paths (with `*`) of every leaf that holds a secret. */
  secretPaths(): readonly string[];
  /** The effective configuration with every secret leaf replaced by `__OPENCLAW_REDACTED__`. */
  redacted(): unknown;
  /** Any other view of it (`parsed`, a part) with the same replaced. */
  redact(value: unknown): unknown;
}

export type ConfigChange =
  | { readonly kind: "patch"; readonly patch: Readonly<Record<string, unknown>>; readonly baseHash?: string }
  | { readonly kind: "replace"; readonly raw: string; readonly baseHash?: string }
  /** One dot path; `value` undefined removes it. */
  | { readonly kind: "set"; readonly path: string; readonly value: unknown; readonly baseHash?: string };
