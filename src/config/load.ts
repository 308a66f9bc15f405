/**
 * The configuration as it stands on disk now. Reads, decides nothing for the next call and keeps nothing: two calls
 * with a change between them differ. A broken file leads to the last one that was good, or to defaults that let nobody
 * in; a file that would leave the gateway without a lock leads to a refusal.
 */
import { systemClock, type Clock } from "../platform/clock.ts";
import { AppError } from "../domain/app-error.ts";
import type { ConfigIssue, ConfigSnapshot } from "./contract.ts";
import type { Environment } from "./environment.ts";
import { readFileText } from "./text/file-text.ts";
import { interpret, textHash, type Interpretation, type InterpretOptions } from "./meaning/interpret.ts";
import type { Move } from "./migrations/document.ts";
import type { Overrides } from "./meaning/overrides.ts";
import { statePaths } from "./paths.ts";
import type { SecretSource } from "./meaning/secret-reference.ts";
import { createSchemaSet, type ChannelSettings, type SchemaSet } from "./meaning/schema-set.ts";
import type { Config } from "./schema/root.ts";

export interface LoadOptions extends ChannelSettings {
  readonly environment: Environment;
  /** What the command line says, by dot path; wins over everything. */
  readonly overrides?: Overrides;
  /** This program's version, to tell a newer one's file. */
  readonly version?: string;
  readonly clock?: Clock;
  /** Where `${secret:NAME}` leads; without it, every reference is a mistake. */
  readonly secrets?: SecretSource;
}

export interface LoadedConfig extends Omit<ConfigSnapshot, "version"> {
  readonly source: "file" | "last-known-good" | "defaults";
  /** The real environment with what `.env`, `env.vars` and the login shell add. */
  readonly environment: Environment;
  /** Every file that was read: what to watch. */
  readonly files: readonly string[];
  readonly fingerprint: string;
  /** Of the vault's answers; see `Interpretation`. */
  readonly secretsInUse: readonly string[];
  readonly secretsMark: string;
  readonly secretsExpireMs: number | null;
  /** What an older file's values are called today; empty where nothing had to be migrated. */
  readonly moves: readonly Move[];
}

/** Throws CFG_003 or CFG_004 where starting would be unsafe; for everything else there is a way to run. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  return loadWith(interpretOptions(options));
}

export function interpretOptions(
  options: LoadOptions,
  schemas: SchemaSet = createSchemaSet(options),
): InterpretOptions {
  return {
    environment: options.environment,
    schemas,
    clock: options.clock ?? systemClock(),
    ...(options.overrides === undefined ? {} : { overrides: options.overrides }),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
  };
}

export async function loadWith(options: InterpretOptions): Promise<LoadedConfig> {
  const { configPath } = options.environment;
  const read = await readConfigText(configPath);
  const base = {
    path: configPath,
    exists: read.exists,
    raw: read.text,
    hash: textHash(read.text),
    loadedMs: options.clock.nowMs(),
  };
  const meant =
    read.error === null
      ? await interpret(configPath, read.exists ? read.text : "{}", options)
      : await unread(read.error, options);
  if (meant.verdict === "refuse" && meant.error !== null) throw meant.error;
  if (meant.config !== null) return { ...base, ...meant, config: meant.config, source: "file" };
  const fallback = await fallBack(options);
  const issues = [...meant.issues, notice(fallback.source, configPath)];
  // What was read stays visible and is what a repair starts from; only what is in force comes from elsewhere.
  return {
    ...base,
    ...meant,
    config: fallback.config,
    environment: fallback.environment,
    missingSecrets: fallback.missingSecrets,
    secretsInUse: fallback.secretsInUse,
    issues,
    source: fallback.source,
  };
}

/** The text of the file; an error where it is there but cannot be read. */
export async function readConfigText(file: string): Promise<{ text: string; exists: boolean; error: AppError | null }> {
  try {
    return { text: await readFileText(file), exists: true, error: null };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { text: "", exists: false, error: null };
    const reason =
      error instanceof AppError
        ? error.message
        : `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`;
    return { text: "", exists: true, error: new AppError("CFG_001", reason, { cause: error, details: { file } }) };
  }
}

interface Fallback extends Pick<Interpretation, "environment" | "missingSecrets" | "secretsInUse"> {
  readonly config: Config;
  readonly source: "last-known-good" | "defaults";
}

async function fallBack(options: InterpretOptions): Promise<Fallback> {
  const { configPath, stateDir } = options.environment;
  const { lastGoodFile } = statePaths(stateDir, configPath);
  const lastGood = await readConfigText(lastGoodFile);
  if (lastGood.exists && lastGood.error === null) {
    const meant = await interpret(lastGoodFile, lastGood.text, options);
    if (meant.config !== null) return { ...meant, config: meant.config, source: "last-known-good" };
  }
  // A variable alone may ask for a channel; what the broken file said about who may write to it is not known.
  const channels = { ...options.schemas.channels, channelEnvironment: {} };
  const meant = await interpret(configPath, "{}", { ...options, schemas: { ...options.schemas, channels } });
  // Even nothing can be unsafe: a placeholder in the environment's own token.
  if (meant.config === null) throw meant.error ?? new AppError("CFG_004", "No configuration can be used.");
  return { ...meant, config: meant.config, source: "defaults" };
}

async function unread(error: AppError, options: InterpretOptions): Promise<Interpretation> {
  const { configPath } = options.environment;
  const empty = await interpret(configPath, "{}", options);
  const issue: ConfigIssue = { severity: "error", path: "", message: error.message, file: configPath, line: null };
  return { ...empty, config: null, verdict: "broken", error, issues: [...empty.issues, issue] };
}

function notice(source: LoadedConfig["source"], file: string): ConfigIssue {
  const what =
    source === "last-known-good"
      ? "The last configuration that was good is in force instead."
      : "Safe defaults are in force instead: no channel runs.";
  return { severity: "error", path: "", message: what, file, line: null };
}
