/**
 * What an earlier attempt at the same answer has said before it was interrupted. What has not left is taken back; what
 * was seen is removed where the platform can, and explained where it cannot: nobody reads half an answer, then another,
 * and wonders.
 */
import type { ChannelManifest } from "../../channels/contract.ts";
import { writeWithPatience } from "../../store/patience.ts";
import type { OutboxRow, PartState } from "../../store/port.ts";
import { maySeeNext } from "../part/known-so-far.ts";
import { superseded } from "../part/superseded.ts";
import type { StreamScope } from "./contract.ts";
import { readStreamPartId, streamPartId } from "./part-id.ts";
import { putPart } from "./put-part.ts";

export interface EarlierAttempt {
  /** Goes in front of the new answer, with what separates the two; null where nothing of the old one is seen. */
  readonly preface: string | null;
  /** The message that grew, to grow on. Null where there is none, or none is asked for. */
  readonly draft: OutboxRow | null;
}

export const interruptedPreface = "(The answer was interrupted; here it is again.)\n\n";

export const nothingEarlier: EarlierAttempt = Object.freeze({ preface: null, draft: null });

/**
 * `keepDraft`: the message that grew grows on in this attempt. A medium that refuses is waited for: whoever went on without
 * knowing what was said would say it again without a word.
 */
export async function takeOver(scope: StreamScope, keepDraft: boolean): Promise<EarlierAttempt> {
  // The first take: nobody can have said anything yet.
  if (scope.lease.epoch <= 1) return nothingEarlier;
  const { clock, log } = scope.deps;
  let earlier = nothingEarlier;
  const look = async (): Promise<void> => {
    earlier = await takeBack(scope, keepDraft);
  };
  await writeWithPatience(look, { clock, log, signal: new AbortController().signal, patienceMs });
  return earlier;
}

/** A turn that cannot be committed any sooner loses nothing by it. */
const patienceMs = 60_000;

async function takeBack(scope: StreamScope, keepDraft: boolean): Promise<EarlierAttempt> {
  const { row, manifest, deps } = scope;
  const earlier = (await deps.store.outbox.ofRun(row.runId)).filter((part) => isEarlierWord(part, scope));
  const known = keepDraft ? (earlier.findLast((part) => isUsableDraft(part, row.runId)) ?? null) : null;
  const others = earlier.filter((part) => part.id !== known?.id).map((part) => part.id);
  await deps.delivery.withdraw(others, superseded());
  const seen: OutboxRow[] = [];
  for (const id of others) {
    const part = await deps.store.outbox.get(id);
    if (part !== null && maySeen(part)) seen.push(part);
  }
  // One that was in doubt may have been found on its platform meanwhile.
  const found = keepDraft && known === null ? seen.find((part) => isUsableDraft(part, row.runId)) : undefined;
  const draft = known ?? found ?? null;
  const left = seen.filter((part) => part.id !== draft?.id);
  if (left.length === 0) return { preface: null, draft };
  const removed = left.every((part) => hasEveryId(part, manifest)) && (await remove(left, scope));
  return { preface: removed ? null : interruptedPreface, draft };
}

function isEarlierWord(part: OutboxRow, { row, lease }: StreamScope): boolean {
  const name = readStreamPartId(part.id, row.runId);
  return name !== null && name.kind !== "removal" && name.epoch < lease.epoch;
}

function isUsableDraft(part: OutboxRow, runId: string): boolean {
  if (readStreamPartId(part.id, runId)?.kind !== "draft") return false;
  return part.state === "prepared" || part.state === "sending" || part.platformMessageIds.length > 0;
}

/** States in which a part is there, or may come to be. */
const visible: readonly PartState[] = ["sending", "sent", "unknown"];

function maySeen(part: OutboxRow): boolean {
  return visible.includes(part.state) || part.chunksSent > 0 || maySeeNext(part);
}

/** Whether everything of it that may be seen can be named. */
function hasEveryId(part: OutboxRow, { idempotency }: ChannelManifest): boolean {
  // Sent in more than one attempt, where nobody can look, it may stand there once more under an id that nobody was told.
  if (idempotency === "blind" && part.attempts > 1) return false;
  if (part.state === "sent") return part.platformMessageIds.length > 0;
  return part.state === "failed" && !maySeeNext(part) && part.platformMessageIds.length === part.chunksSent;
}

/** False where the platform cannot. */
async function remove(parts: readonly OutboxRow[], scope: StreamScope): Promise<boolean> {
  const { row, lease, manifest } = scope;
  if (!manifest.capabilities.deletes) return false;
  const ids = parts.flatMap((part) => part.platformMessageIds);
  for (const [index, messageId] of ids.entries()) {
    const id = streamPartId(row.runId, "removal", index, lease.epoch);
    await putPart(scope, { id, action: { type: "delete", messageId }, replyToId: null, reply: { markdown: "" } });
  }
  return true;
}
