/** The log: one JSON object per line, by subsystem, with secrets taken out before anything is written. */
import type { Clock } from "./clock.ts";
import type { LogFile, LogFileStatus } from "./log-file.ts";
import type { Redactor } from "./redact.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** What a sink shows: this level and above, or nothing at all. */
export type LogThreshold = LogLevel | "silent";

export type LogFields = Readonly<Record<string, unknown>>;

/** Never throws and never waits for a disk: a line is made, queued and forgotten. */
export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  /** A logger of a part: `log.child("channels").child("irc")` writes under `channels.irc`. */
  child(scope: string): Log;
}

/** The log that `app/compose.ts` owns. */
export interface RootLog extends Log {
  /** For a configuration that changes while it runs. */
  setLevels(levels: { readonly file?: LogThreshold; readonly console?: LogThreshold }): void;
  /** Resolves when everything logged so far was handed to the disk, or the disk refused it. */
  flush(): Promise<void>;
  /** Flushes and closes the file; lines after it are dropped. Idempotent. */
  close(): Promise<void>;
  status(): LogFileStatus;
}

export interface LogOptions {
  readonly clock: Clock;
  readonly redactor: Redactor;
  /** See `createLogFile`; the log closes it. Null logs to the console alone. */
  readonly file: LogFile | null;
  readonly level: LogThreshold;
  readonly consoleLevel: LogThreshold;
  /** Takes one line without its line break. Standard error where none is given. */
  readonly writeConsole?: (line: string) => void;
}

export function createLog(options: LogOptions): RootLog {
  const { clock, redactor, file } = options;
  const toTerminal = options.writeConsole === undefined ? openStandardError() : null;
  const writeConsole = options.writeConsole ?? ((line: string) => toTerminal?.write(line));
  const levels = { file: options.level, console: options.consoleLevel };

  function write(level: LogLevel, scope: string, message: string, fields: LogFields | undefined): void {
    const toFile = file !== null && passes(level, levels.file);
    const toConsole = passes(level, levels.console);
    if (!toFile && !toConsole) return;
    const entry: Entry = {
      atMs: clock.nowMs(),
      level,
      scope,
      message: redactor.text(message),
      fields: fields === undefined ? {} : (redactor.value(fields) as LogFields),
    };
    if (toFile) file.write(jsonLine(entry));
    if (toConsole) writeConsole(humanLine(entry));
  }

  function scoped(scope: string): Log {
    const at =
      (level: LogLevel) =>
      (message: string, fields?: LogFields): void =>
        write(level, scope, message, fields);
    return {
      trace: at("trace"),
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      fatal: at("fatal"),
      child: (name) => scoped(scope === "" ? name : `${scope}.${name}`),
    };
  }

  return {
    ...scoped(""),
    setLevels: (next) => void Object.assign(levels, next),
    flush: async () => file?.flush(),
    close: async () => {
      toTerminal?.close();
      await file?.close();
    },
    status: () => file?.status() ?? { dropped: 0, failures: 0, lastFailure: null },
  };
}

/** A log that goes nowhere, for tests and tools. */
export function silentLog(): Log {
  const drop = (): void => undefined;
  const log: Log = { trace: drop, debug: drop, info: drop, warn: drop, error: drop, fatal: drop, child: () => log };
  return log;
}

interface Entry {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly scope: string;
  readonly message: string;
  readonly fields: LogFields;
}

const severity: Readonly<Record<LogThreshold, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: 99,
};
/** A line longer than this loses its fields: a tail that reads lines must be able to hold one. */
const longestLineChars = 64 * 1024;
const ownFields: readonly string[] = ["time", "level", "scope", "message"];

function passes(level: LogLevel, threshold: LogThreshold): boolean {
  return severity[level] >= severity[threshold];
}

/** One line of JSON. Whatever a stranger sent stands inside a JSON string, so it can neither end the line nor forge one. */
function jsonLine(entry: Entry): string {
  const { level, scope, message, fields } = entry;
  const head = { time: new Date(entry.atMs).toISOString(), level, scope, message };
  const line = JSON.stringify({ ...head, ...withoutOwn(fields) });
  if (line.length <= longestLineChars) return escapeUnseen(line);
  return escapeUnseen(
    JSON.stringify({ ...head, message: message.slice(0, longestLineChars / 8), cutChars: line.length }),
  );
}

/** A field named like one of ours keeps its value under another name instead of changing what the line says of itself. */
function withoutOwn(fields: LogFields): LogFields {
  if (!ownFields.some((name) => name in fields)) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [ownFields.includes(name) ? `${name}_` : name, value]),
  );
}

function humanLine(entry: Entry): string {
  const time = new Date(entry.atMs).toISOString().slice(11, 23);
  const scope = entry.scope === "" ? "" : ` ${entry.scope}`;
  const fields = Object.entries(entry.fields).map(([name, value]) => ` ${name}=${shortValue(value)}`);
  return escapeUnseen(`${time} ${entry.level.toUpperCase().padEnd(5)}${scope} ${entry.message}${fields.join("")}`);
}

function shortValue(value: unknown): string {
  // An expected failure is its sentence; where it was thrown says nothing to whoever reads along.
  if (isForeseen(value)) return `${value.message} (${value.code})`;
  if (typeof value === "object" && value !== null && "stack" in value && typeof value.stack === "string")
    return value.stack;
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "undefined");
  return text.length > 1_000 ? `${text.slice(0, 1_000)}…` : text;
}

/** An error of the table, as itself or as JSON. What nobody foresaw keeps its stack. */
function isForeseen(value: unknown): value is { readonly code: string; readonly message: string } {
  if (typeof value !== "object" || value === null || !("code" in value) || !("message" in value)) return false;
  const { code, message } = value;
  return typeof code === "string" && /^[A-Z]+_\d{3}$/.test(code) && code !== "SYS_001" && typeof message === "string";
}

/**
 * Line breaks, terminal commands and marks that turn text around, as their escapes. JSON has no rule for those above
 * 0x7f, and a terminal obeys them.
 */
function escapeUnseen(text: string): string {
  return text.replace(unseen, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// oxlint-disable-next-line eslint/no-control-regex -- control characters are what it looks for.
const unseen = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function openStandardError(): { write(line: string): void; close(): void } {
  // A reader that went away (a closed pipe) must not end the process that logs; the file has the line.
  const nobodyReads = (): void => undefined;
  process.stderr.on("error", nobodyReads);
  return {
    write: (line) => void process.stderr.write(`${line}\n`),
    close: () => void process.stderr.removeListener("error", nobodyReads),
  };
}
