/**
 * What earlier attempts at a part have left to know, kept in the details of its error so that it survives a restart:
 * that a piece of it may be there already, that what it was to edit is gone, that its chat was told it would not come.
 */
import type { AppErrorJson } from "../../domain/app-error.ts";
import type { OutboxRow, PartAction } from "../../store/port.ts";

type Known = Pick<OutboxRow, "error" | "chunksSent">;

/** Something to remember about a part from here on. */
export interface KnownFacts {
  /** The piece, by its index, that may have got through where nobody can look. */
  readonly mayHaveBeenSent?: number;
  /** What it was to edit is gone: its text is said anew. */
  readonly sendInstead?: true;
  /** The transcript says that it did not arrive. */
  readonly toldUnsent?: true;
}

/** True where an earlier attempt at the next piece may have got through. The doubt is about that piece and no other. */
export function mayRepeat({ error, chunksSent }: Known): boolean {
  // Rows of the version before said `true`, of whatever piece came next.
  const doubtful = error?.details["mayHaveBeenSent"];
  return doubtful === chunksSent || doubtful === true;
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

const facts: ReadonlySet<string> = new Set<keyof KnownFacts>(["mayHaveBeenSent", "sendInstead", "toldUnsent"]);
