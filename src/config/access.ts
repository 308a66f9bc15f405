/**
 * The configuration of one running process: a numbered snapshot that changes as a whole, one writer, and the watch that
 * takes over edits of the file. A bad edit never replaces a good snapshot. Kept by `compose`, not by a module.
 */
import { realpath } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../domain/app-error.ts";
import { ensurePrivateDir, isErrno, writeFileAtomic } from "../platform/atomic-file.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import { noFailpoints, type Failpoints } from "../platform/failpoints.ts";
import type { Log } from "../platform/log.ts";
import { keepBackup, keepBeforeMigration } from "./change/backups.ts";
import type { ConfigAccess, ConfigChange, ConfigIssue, ConfigSnapshot } from "./contract.ts";
import { changedPaths, deepEqual } from "./diff.ts";
import type { Environment } from "./environment.ts";
import { interpret, textHash, type Interpretation } from "./meaning/interpret.ts";
import { fileJsonSchema, uiHints } from "./json-schema.ts";
import { interpretOptions, loadWith, readConfigText, type LoadedConfig, type LoadOptions } from "./load.ts";
import { statePaths } from "./paths.ts";
import { planWrite, stale, type WritePlan } from "./change/plan-write.ts";
import { redactConfig, secretPathsOf, secretValues } from "./redact.ts";
import { createSchemaSet } from "./meaning/schema-set.ts";
import { watchFiles, type FileWatch } from "./change/watch-files.ts";
import { withWriteLock } from "../platform/write-lock.ts";

export interface ConfigHandle extends ConfigAccess {
  /** The real environment with what `.env`, `env.vars` and the login shell add, as of the current snapshot. */
  environment(): Environment;
  /** Where what is in force came from. */
  source(): LoadedConfig["source"];
  /** What a change would make of the file, without making it. Throws what `write` would throw. */
  preview(change: ConfigChange): Promise<ConfigPreview>;
  /** Reads the file again now, as the watch does. Resolves when the outcome is in force or refused. */
  reload(): Promise<ConfigSnapshot>;
  /** Secrets in use, for the log to take out. */
  secrets(): readonly string[];
  uiHints(): Record<string, { sensitive?: boolean }>;
  /** Begins to watch, and keeps a copy of what is good. */
  start(): Promise<void>;
  /** Waits for a write under way. Idempotent. */
  close(): Promise<void>;
}

export interface ConfigPreview {
  /** The text that would be written; null where the change changes nothing. Holds secrets. */
  readonly text: string | null;
  readonly changedPaths: readonly string[];
  readonly issues: readonly ConfigIssue[];
}

export interface ConfigAccessOptions extends LoadOptions {
  readonly log: Log;
  readonly failpoints?: Failpoints;
  /** Called once for each edit of the file that was kept out. */
  readonly onRefused?: (reason: string, issues: readonly ConfigIssue[]) => void;
}

/** Loads; throws what `loadConfig` throws. Nothing is watched or written before `start` and `write`. */
export async function createConfigAccess(options: ConfigAccessOptions): Promise<ConfigHandle> {
  const keeper = new ConfigKeeper(options);
  await keeper.load();
  return keeper;
}

/** A timer may be a little early for the wall clock, and would find the secret still good. */
const expiryGraceMs = 10;

class ConfigKeeper implements ConfigHandle {
  readonly #options: ConfigAccessOptions;
  readonly #failpoints: Failpoints;
  readonly #interpreting: ReturnType<typeof interpretOptions>;
  readonly #listeners = new Set<(next: ConfigSnapshot, paths: readonly string[]) => void>();
  #secretPaths: readonly (readonly string[])[] | null = null;
  #snapshot: ConfigSnapshot | null = null;
  #loaded: LoadedConfig | null = null;
  #refused: string | null = null;
  #lastGood: string | null = null;
  #watch: FileWatch | null = null;
  /** When the first secret in use expires. */
  #expiry: Timer | null = null;
  /** Writes and reloads one after the other; never rejects. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: ConfigAccessOptions) {
    this.#options = options;
    this.#failpoints = options.failpoints ?? noFailpoints;
    this.#interpreting = interpretOptions(options, createSchemaSet(options));
  }

  async load(): Promise<void> {
    this.#take(await loadWith(this.#interpreting));
  }

  current(): ConfigSnapshot {
    return present(this.#snapshot);
  }

  environment(): Environment {
    return present(this.#loaded).environment;
  }

  source(): LoadedConfig["source"] {
    return present(this.#loaded).source;
  }

  subscribe(listener: (next: ConfigSnapshot, paths: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  write(change: ConfigChange): Promise<ConfigSnapshot> {
    return this.#inOrder(async () => {
      const plan = await planWrite(change, this.#interpreting);
      if (plan.text === null) return this.#readAgain();
      await commit(plan, plan.text, this.#interpreting.clock);
      await this.#failpoints.reach("config-swap");
      this.#take(this.#loadedFrom(plan.text, plan.after));
      await this.#keepGood();
      return this.current();
    });
  }

  preview(change: ConfigChange): Promise<ConfigPreview> {
    return this.#inOrder(async () => {
      const plan = await planWrite(change, this.#interpreting);
      return {
        text: plan.text,
        changedPaths: changedPaths(this.current().config, plan.after.config),
        issues: plan.after.issues,
      };
    });
  }

  reload(): Promise<ConfigSnapshot> {
    return this.#inOrder(() => this.#readAgain());
  }

  schema(): unknown {
    return fileJsonSchema(this.#interpreting.schemas);
  }

  uiHints(): Record<string, { sensitive?: boolean }> {
    return uiHints(this.#interpreting.schemas);
  }

  secretPaths(): readonly string[] {
    return this.#secrets().map((secretPath) => secretPath.join("."));
  }

  redacted(): unknown {
    return this.redact(this.current().config);
  }

  redact(value: unknown): unknown {
    return redactConfig(value, this.#secrets(), present(this.#loaded).secretsInUse);
  }

  secrets(): readonly string[] {
    return [...secretValues(this.current().config, this.#secrets()), ...present(this.#loaded).secretsInUse];
  }

  async start(): Promise<void> {
    const { log, onRefused: _onRefused } = this.#options;
    this.#watch ??= watchFiles({
      clock: this.#interpreting.clock,
      log,
      debounceMs: () => this.current().config.gateway.reload.debounceMs,
      changed: () => this.#onFileChange(),
    });
    this.#follow();
    await this.#inOrder(() => this.#keepGood());
  }

  async close(): Promise<void> {
    this.#watch?.close();
    this.#watch = null;
    this.#expiry?.cancel();
    await this.#queue;
  }

  #onFileChange(): void {
    if (this.current().config.gateway.reload.mode !== "off") this.#reloadQuietly();
  }

  #reloadQuietly(): void {
    this.reload().catch((error: unknown) =>
      this.#options.log.error("The configuration could not be read again.", { error }),
    );
  }

  async #readAgain(): Promise<ConfigSnapshot> {
    const file = this.#interpreting.environment.configPath;
    const read = await readConfigText(file);
    if (read.error !== null) return this.#refuse(read.error.code, read.error.message, []);
    if (!read.exists) {
      return this.current().exists ? this.#refuse("removed", `${file} is gone.`, []) : this.current();
    }
    const meant = await interpret(file, read.text, this.#interpreting);
    const before = present(this.#loaded);
    const isSameText = meant.fingerprint === before.fingerprint && meant.config !== null;
    if (isSameText && meant.secretsMark === before.secretsMark) {
      this.#refused = null;
      this.#follow();
      return this.current();
    }
    // A secret that is gone or has expired is not an edit to keep out: what needed it must stop using it.
    const problem = isSameText ? null : this.#newProblem(meant);
    if (problem !== null) return this.#refuse(meant.fingerprint, problem, meant.issues);
    await this.#failpoints.reach("config-swap");
    this.#take(this.#loadedFrom(read.text, meant));
    await this.#keepGood();
    return this.current();
  }

  /** What was wrong when this snapshot was taken may still be; anything else that is wrong keeps the edit out. */
  #newProblem(meant: Interpretation): string | null {
    const errors = meant.issues.filter((issue) => issue.severity === "error");
    const known = new Set(this.current().issues.map((issue) => (issue.severity === "error" ? issue.path : null)));
    const fresh = meant.config === null ? errors : errors.filter((issue) => !known.has(issue.path));
    if (meant.config !== null && fresh.length === 0) return null;
    return fresh.map(describe).join("; ");
  }

  /** Says it once for each refused text, however often the file is touched. */
  #refuse(mark: string, reason: string, issues: readonly ConfigIssue[]): ConfigSnapshot {
    if (this.#refused !== mark) {
      this.#refused = mark;
      this.#options.log.warn("An edit of the configuration was kept out.", { reason });
      this.#options.onRefused?.(reason, issues);
    }
    return this.current();
  }

  #loadedFrom(text: string, meant: Interpretation): LoadedConfig {
    const { configPath } = this.#interpreting.environment;
    if (meant.config === null) throw meant.error ?? new AppError("CFG_004", "The configuration cannot be used.");
    const loadedMs = this.#interpreting.clock.nowMs();
    const base = { path: configPath, exists: true, raw: text, hash: textHash(text), loadedMs, source: "file" as const };
    return { ...base, ...meant, config: meant.config };
  }

  #take(loaded: LoadedConfig): void {
    const before = this.#snapshot;
    const { config, hash, path: file, exists, raw, parsed, issues, missingSecrets, loadedMs } = loaded;
    const next = {
      version: (before?.version ?? 0) + 1,
      config,
      hash,
      path: file,
      exists,
      raw,
      parsed,
      issues,
      missingSecrets,
      loadedMs,
    };
    this.#loaded = loaded;
    this.#snapshot = Object.freeze(next);
    this.#refused = null;
    this.#follow();
    if (before !== null) this.#tellMissing(before, next);
    const paths = before === null ? [] : changedPaths(before.config, config);
    const sameLacks = deepEqual(before?.missingSecrets ?? missingSecrets, missingSecrets);
    if (paths.length === 0 && sameLacks) return;
    for (const listener of this.#listeners) {
      try {
        listener(next, paths);
      } catch (error) {
        this.#options.log.error("A part failed to take over a change of the configuration.", { error });
      }
    }
  }

  #follow(): void {
    const { configPath } = this.#interpreting.environment;
    const { files, secretsExpireMs } = present(this.#loaded);
    this.#watch?.follow([configPath, ...files]);
    this.#expiry?.cancel();
    const { clock } = this.#interpreting;
    const isNoted = this.#watch !== null && secretsExpireMs !== null;
    const inMs = isNoted ? Math.max(0, secretsExpireMs - clock.nowMs()) + expiryGraceMs : 0;
    this.#expiry = isNoted ? clock.after(inMs, () => this.#reloadQuietly()) : null;
  }

  #tellMissing(before: ConfigSnapshot, next: ConfigSnapshot): void {
    const known = new Set(before.missingSecrets.map((one) => `${one.path} ${one.message}`));
    for (const { path: where, code, message } of next.missingSecrets) {
      if (!known.has(`${where} ${message}`)) this.#options.log.warn(`${where} ${message}`, { code });
    }
  }

  /** Only a running gateway vouches for a configuration; a command that reads it does not. */
  async #keepGood(): Promise<void> {
    const { parsed, exists, issues, path: file } = this.current();
    if (this.#watch === null || !exists || this.source() !== "file") return;
    if (issues.some((issue) => issue.severity === "error")) return;
    const text = `${JSON.stringify(parsed, null, 2)}\n`;
    if (text === this.#lastGood) return;
    try {
      await writeFileAtomic(statePaths(path.dirname(file), file).lastGoodFile, text);
      this.#lastGood = text;
    } catch (error) {
      this.#options.log.warn("The copy of the good configuration could not be written.", { error });
    }
  }

  #secrets(): readonly (readonly string[])[] {
    this.#secretPaths ??= secretPathsOf(this.#interpreting.schemas);
    return this.#secretPaths;
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => "the caller hears of it");
    return done;
  }
}

/** Throws CFG_005 where somebody else was faster, CFG_007 where the disk says no; the old file stands then. */
async function commit(plan: WritePlan, text: string, clock: Clock): Promise<void> {
  const file = await targetFile(plan.file);
  try {
    await ensurePrivateDir(path.dirname(file));
    await withWriteLock(file, clock, async () => {
      // What another process wrote in the meantime is not ours to overwrite.
      const now = await readConfigText(plan.file);
      if (now.exists !== plan.before.exists || textHash(now.text) !== plan.before.hash) throw stale();
      if (plan.before.exists) {
        if (plan.migrates) await keepBeforeMigration(file, plan.before.text, plan.before.hash);
        await keepBackup(file, plan.before.text);
      }
      await writeFileAtomic(file, text);
    });
  } catch (error) {
    if (error instanceof AppError && error.code === "CFG_005") throw error;
    throw new AppError("CFG_007", `${plan.file} could not be written; it is as it was.`, { cause: error });
  }
}

/** A configuration that is a link (kept under version control elsewhere) stays a link. */
async function targetFile(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return file;
    throw new AppError("CFG_007", `${file} cannot be resolved.`, { cause: error });
  }
}

function describe(issue: ConfigIssue): string {
  const line = issue.line === null ? "" : `line ${issue.line}: `;
  return `${line}${issue.path} ${issue.message}`.trim();
}

function present<T>(value: T | null): T {
  if (value === null) throw new AppError("SYS_001", "The configuration was asked for before it was loaded.");
  return value;
}
