/** A part of an answer that is still being written, into the outbox: under the turn's lease, or not at all. */
import { limits } from "../../domain/limits.ts";
import { writeWithPatience } from "../../store/patience.ts";
import type { OutboxDraft } from "../../store/port.ts";
import type { StreamScope } from "./contract.ts";

/** Throws what the store throws; STORE_003 where the turn is another worker's by now. */
export async function putPart(
  { row, lease, deps }: StreamScope,
  part: Pick<OutboxDraft, "id" | "action" | "replyToId" | "reply">,
): Promise<void> {
  const { store, clock, log, delivery } = deps;
  const { address, id: messageId } = row.message;
  const atMs = clock.nowMs();
  const draft: OutboxDraft = { ...part, address, expiresMs: atMs + limits.replyTtlMs, state: "prepared" };
  const context = { sessionKey: row.sessionKey, runId: row.runId, messageId, atMs, lease };
  const write = async (): Promise<void> => void (await store.outbox.add(draft, context));
  await writeWithPatience(write, { clock, log, signal: neverAborted, patienceMs });
  delivery.wake();
}

/** The patience alone ends the waiting. */
const neverAborted = new AbortController().signal;

/** Short: what the stream does not say, the result does. */
const patienceMs = 10_000;
