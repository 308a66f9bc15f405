/**
 * What earlier attempts at a part have left to know, kept in the details of its error so that it survives a restart:
 * that its next piece may be there already, that what it was to edit is gone, that its chat was told it would not come.
 */
import type { AppErrorJson } from "../domain/app-error.ts";
import type { OutboxRow, PartAction } from "../store/port.ts";

type Known = Pick<OutboxRow, "error">;

/** True where an earlier attempt at the next piece may have got through and nobody can look. */
export function mayRepeat(row: Known): boolean {
  return row.error?.details["mayHaveBeenSent"] === true;
}

/** True where the transcript says that this part did not arrive. */
export function toldUnsent(row: Known): boolean {
  return row.error?.details["toldUnsent"] === true;
}

/** What the part does now: an edit whose message is gone says its text anew. */
export function actionOf(row: OutboxRow): PartAction {
  return row.error?.details["sendInstead"] === true ? { type: "send" } : row.action;
}

/** Whether the next step may be repeated without anybody seeing it twice: all but what adds a message. */
export function isRepeatable(row: OutboxRow): boolean {
  const { type } = actionOf(row);
  return type === "edit" ? row.chunksSent === 0 : type !== "send";
}

/** The error of a new attempt with what was known before it; `more` is what this attempt has taught. */
export function withKnown(row: Known, error: AppErrorJson, more: Readonly<Record<string, true>> = {}): AppErrorJson {
  const kept = Object.fromEntries(stickyFacts.filter((fact) => row.error?.details[fact] === true).map((fact) => [fact, true]));
  return { ...error, details: { ...error.details, ...kept, ...more } };
}

/** Only the doubt about the piece before is over with its confirmation; the rest stays known. */
export function afterConfirmation(error: AppErrorJson | null): AppErrorJson | null {
  if (error === null) return null;
  const { mayHaveBeenSent: _over, ...details } = error.details;
  return stickyFacts.some((fact) => details[fact] === true) ? { ...error, details } : null;
}

const stickyFacts = ["mayHaveBeenSent", "sendInstead", "toldUnsent"] as const;
