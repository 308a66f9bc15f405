/**
 * What a change makes of the file, worked out and proven before anything is written: the new text loads, brings no new
 * mistake, and says what was asked for. Throws instead of planning something else.
 */
import { AppError } from "../../domain/app-error.ts";
import type { ConfigChange, ConfigIssue } from "../contract.ts";
import { deepEqual } from "../diff.ts";
import { formatPath, getAt, isRecord, parsePath, setAt, unsetAt } from "../dot-path.ts";
import { editText } from "../edit/edit-text.ts";
import { interpret, textHash, type Interpretation, type InterpretOptions } from "../meaning/interpret.ts";
import { readConfigText } from "../load.ts";
import { mergePatch, restoreRedacted } from "./merge-patch.ts";
import { migrate } from "../migrations/migrate.ts";
import { readText } from "../text/read-text.ts";
import { newerThan } from "./version-stamp.ts";

export interface WritePlan {
  readonly file: string;
  readonly before: { readonly text: string; readonly hash: string; readonly exists: boolean };
  /** Null where the change changes nothing. */
  readonly text: string | null;
  readonly after: Interpretation;
  /** Whether values of an older form are written in today's. */
  readonly migrates: boolean;
}

/** Throws CFG_001–006 and leaves everything as it is. */
export async function planWrite(change: ConfigChange, options: InterpretOptions): Promise<WritePlan> {
  const file = options.environment.configPath;
  const read = await readConfigText(file);
  if (read.error !== null) throw read.error;
  const before = { text: read.text, hash: textHash(read.text), exists: read.exists };
  if (change.baseHash !== undefined && change.baseHash !== before.hash) throw stale();
  const text = read.exists && read.text.trim() !== "" ? read.text : "{}\n";
  const current = await interpret(file, text, options);
  refuseNewer(current.parsed, options.version);
  const channels = Object.keys(options.schemas.channels.channelSchemas);
  const root = rootOf(text, change, file);
  const migrated = migrate(root, channels);
  const wanted = withoutMarks(targetOf(change, migrated.value, file), migrated.value);
  if (change.kind !== "replace" && deepEqual(wanted, migrated.value)) {
    provePut(change, current.parsed, current.parsed);
    return { file, before, text: null, after: current, migrates: false };
  }
  const base = change.kind === "replace" ? change.raw : text;
  const written = editText(base, stamped(wanted, options), file);
  const after = await interpret(file, written, options);
  refuseMistakes(current, after);
  if (change.kind !== "replace") provePut(change, current.parsed, after.parsed);
  return { file, before, text: written, after, migrates: change.kind !== "replace" && migrated.moves.length > 0 };
}

export function stale(): AppError {
  return new AppError("CFG_005", "The configuration changed since it was read; read it again and repeat the change.");
}

/** For a replacement the old text may be anything; for everything else it must be readable. */
function rootOf(text: string, change: ConfigChange, file: string): unknown {
  if (change.kind !== "replace") return readText(text, file);
  try {
    return readText(text, file);
  } catch (error) {
    if (error instanceof AppError && error.code === "CFG_001") return {};
    throw error;
  }
}

function targetOf(change: ConfigChange, root: unknown, file: string): unknown {
  switch (change.kind) {
    case "patch":
      return mergePatch(root, change.patch);
    case "replace":
      return readText(change.raw, file);
    case "set": {
      const path = parsePath(change.path);
      return change.value === undefined ? unsetAt(root, path) : setAt(root, path, change.value);
    }
  }
}

function withoutMarks(target: unknown, root: unknown): unknown {
  const restored = restoreRedacted(target, root);
  const [first] = restored.unknown;
  if (first === undefined) return restored.value;
  throw new AppError(
    "CFG_004",
    `${formatPath(first)} holds the mark of a hidden secret, and there is no secret to keep.`,
  );
}

function stamped(value: unknown, { version, clock }: InterpretOptions): unknown {
  if (version === undefined || !isRecord(value)) return value;
  const meta = isRecord(value["meta"]) ? value["meta"] : {};
  return {
    ...value,
    meta: { ...meta, lastTouchedVersion: version, lastTouchedAt: new Date(clock.nowMs()).toISOString() },
  };
}

function refuseNewer(parsed: unknown, version: string | undefined): void {
  const written = getAt(parsed, ["meta", "lastTouchedVersion"]);
  if (version === undefined || typeof written !== "string" || !newerThan(written, version)) return;
  throw new AppError(
    "CFG_006",
    `The configuration was written by version ${written}; this is ${version} and will not change it.`,
  );
}

/** What was wrong already may stay wrong; nothing else may become so. */
function refuseMistakes(current: Interpretation, after: Interpretation): void {
  const known = new Set(current.issues.filter(isError).map((issue) => issue.path));
  const fresh = after.issues.filter((issue) => isError(issue) && !known.has(issue.path));
  if (after.config !== null && fresh.length === 0) return;
  const shown = fresh.length > 0 ? fresh : after.issues.filter(isError);
  const code = after.error?.code ?? "CFG_004";
  throw new AppError(code, shown.map((issue) => `${issue.path} ${issue.message}`.trim()).join("; "), {
    details: { issues: shown.slice(0, 50) },
  });
}

/** A value that an included file brings cannot be taken away here; saying so beats saying "done". */
function provePut(change: Exclude<ConfigChange, { kind: "replace" }>, before: unknown, after: unknown): void {
  const withoutStamp = (value: unknown): unknown => (isRecord(value) ? { ...value, meta: null } : value);
  const wanted =
    change.kind === "patch"
      ? withoutMarks(mergePatch(before, change.patch), before)
      : withoutMarks(targetOf(change, before, ""), before);
  if (deepEqual(withoutStamp(wanted), withoutStamp(after))) return;
  throw new AppError("CFG_002", "The change concerns a value that an included file brings; change it there.");
}

function isError(issue: ConfigIssue): boolean {
  return issue.severity === "error";
}
