/**
 * What earlier attempts at a part have left to know, kept in the details of its error so that it survives a restart:
 * that a piece of it may be there already, that what it was to edit is gone, that its chat was told it would not come, and
 * how many attempts nobody but ourselves has spoiled.
 */
import type { AppErrorJson } from "../../domain/app-error.ts";
import type { RetryRule } from "../../domain/delivery-policy.ts";
import { limits } from "../../domain/limits.ts";
import type { OutboxRow, PartAction } from "../../store/port.ts";

/**
 * Whether it was tried often enough. An attempt that ended with the process is none of the platform's refusals: otherwise a
 * few crashes in a row would use up the attempts of a reply that nobody has refused. Only a part that is there whenever the
 * process goes down is given up in the end.
 */
export function isTriedEnough(row: Pick<OutboxRow, "error" | "attempts">, retry: RetryRule): boolean {
  return refusedAttempts(row) > retry.attempts || crashesOf(row) > limits.deliveryCrashes;
}

/** Attempts that the platform has answered, or left without an answer. */
export function refusedAttempts(row: Pick<OutboxRow, "error" | "attempts">): number {
  return row.attempts - crashesOf(row);
}

export function crashesOf({ error }: Pick<OutboxRow, "error">): number {
  const crashes = error?.details["crashes"];
  return typeof crashes === "number" ? crashes : 0;
}

type Known = Pick<OutboxRow, "error" | "chunksSent">;

/** Something to remember about a part from here on. */
export interface KnownFacts {
  /** The piece, by its index, that may have got through where nobody can look. */
  readonly mayHaveBeenSent?: number;
  /** The piece, by its index, that may have got through, and that may be sent again since nobody would see it twice. */
  readonly mayBeThere?: number;
  /** What it was to edit is gone: its text is said anew. */
  readonly sendInstead?: true;
  /** The transcript says that it did not arrive. */
  readonly toldUnsent?: true;
  /** How many attempts ended because the process did, and not with a word of the platform. */
  readonly crashes?: number;
}

/** True where an earlier attempt at the next piece may have got through. The doubt is about that piece and no other. */
export function mayRepeat({ error, chunksSent }: Known): boolean {
  // Rows of the version before said `true`, of whatever piece came next.
  const doubtful = error?.details["mayHaveBeenSent"];
  return doubtful === chunksSent || doubtful === true;
}

/** True where the next piece may be seen already, whether or not sending it again would show it twice. */
export function maySeeNext(row: Known): boolean {
  return mayRepeat(row) || row.error?.details["mayBeThere"] === row.chunksSent;
}

export function toldUnsent({ error }: Known): boolean {
  return error?.details["toldUnsent"] === true;
}

/** What the part does now: an edit whose message is gone says its text anew. */
export function actionOf({ error, action }: Pick<OutboxRow, "error" | "action">): PartAction {
  return error?.details["sendInstead"] === true ? { type: "send" } : action;
}

/** Whether the next step may be repeated without anybody seeing it twice: all but what adds a message. */
export function isRepeatable(row: OutboxRow): boolean {
  const { type } = actionOf(row);
  return type === "edit" ? row.chunksSent === 0 : type !== "send";
}

/** What stays to be known of a part that leaves its doubt without anybody having looked or decided. */
export function undecidedDoubt(row: OutboxRow): KnownFacts {
  return row.state === "unknown" && !isRepeatable(row) ? { mayHaveBeenSent: row.chunksSent } : {};
}

/** The error of a new attempt with what was known before it, and what this attempt has taught: the newest word counts. */
export function withKnown({ error: before }: Known, error: AppErrorJson, more: KnownFacts = {}): AppErrorJson {
  const kept = Object.entries(before?.details ?? {}).filter(([fact]) => facts.has(fact));
  return { ...error, details: { ...Object.fromEntries(kept), ...error.details, ...more } };
}

const facts: ReadonlySet<string> = new Set<keyof KnownFacts>([
  "mayHaveBeenSent",
  "mayBeThere",
  "sendInstead",
  "toldUnsent",
  "crashes",
]);
