/**
 * Names of what a turn puts out while it is being written: `<run>.b2.1` is the third block of its first attempt, `d` a
 * growing message, `x` the removal of what an earlier attempt said. The attempt is the lease's epoch, which every take
 * raises, so that two attempts never share a name.
 */
export type StreamPartKind = "block" | "draft" | "removal";

const letters = { block: "b", draft: "d", removal: "x" } as const;

export function streamPartId(runId: string, kind: StreamPartKind, index: number, epoch: number): string {
  return `${runId}.${letters[kind]}${index}.${epoch}`;
}

/** Null for a part that no stream has put out. */
export function readStreamPartId(id: string, runId: string): { kind: StreamPartKind; epoch: number } | null {
  if (!id.startsWith(`${runId}.`)) return null;
  const match = /^([bdx])\d+\.(\d+)$/.exec(id.slice(runId.length + 1));
  if (match === null) return null;
  const kind = match[1] === "b" ? "block" : match[1] === "d" ? "draft" : "removal";
  return { kind, epoch: Number(match[2]) };
}
