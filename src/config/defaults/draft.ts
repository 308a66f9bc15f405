/** A configuration that is not complete yet, and the one way defaults enter it: what is set stays as it is. Pure. */
import { isRecord } from "../dot-path.ts";
import type { Config } from "../schema/root.ts";

/** Every object may lack anything; lists and leaves are whole. */
export type Partially<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Key in keyof T]?: Partially<T[Key]> | undefined }
    : T;

export type ConfigDraft = Partially<Config>;

/** What defaults depend on besides the file. */
export interface DefaultsContext {
  readonly homeDir: string;
  readonly stateDir: string;
  readonly logFile: string;
  readonly workspaceDir: string;
}

export type DefaultsLayer = (draft: ConfigDraft, context: DefaultsContext) => ConfigDraft;

/** Adds what is missing, also deep inside objects. Lists are never merged: an empty list is a decision. */
export function fill<T>(draft: T, defaults: Partially<T>): T {
  return fillValue(draft, defaults) as T;
}

function fillValue(value: unknown, defaults: unknown): unknown {
  if (value === undefined) return defaults;
  if (!isRecord(value) || !isRecord(defaults)) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [key, fallback] of Object.entries(defaults)) {
    filled[key] = fillValue(Object.hasOwn(value, key) ? value[key] : undefined, fallback);
  }
  return filled;
}
