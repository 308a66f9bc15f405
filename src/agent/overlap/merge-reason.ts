/** Why a message ended without a turn of its own: the words of the row, which name the turn that took it in. Pure. */

/** `over-cap`: more were waiting than may; it was told in short, or as left out. */
export type MergeReason = "steered" | "collected" | "over-cap";

export function mergeReason(why: MergeReason, runId: string): string {
  return `${why}:${runId}`;
}

/** The run that took the message in; null where the words are no such reason. */
export function runOfMerge(reason: string): string | null {
  return /^(?:steered|collected|over-cap):([^]+)$/.exec(reason)?.[1] ?? null;
}
