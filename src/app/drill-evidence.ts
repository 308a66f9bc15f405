/** What a store tells about the messages of a drill when it is over: their ends, their parts, every state on the way. */
import type { Evidence } from "../drill/simulation/house.ts";
import { chatName, type EndPart, type EndRow, type SaidMessage } from "../drill/truth.ts";
import { dedupeKeyOf } from "../inbound/admit.ts";
import { isSuperseded } from "../outbound/part/superseded.ts";
import type { OutboxRow, Store } from "../store/port.ts";

export async function collectEvidence(store: Store, said: readonly SaidMessage[]): Promise<Evidence> {
  const rows: EndRow[] = [];
  const parts: EndPart[] = [];
  for (const { token, address, platformMessageId } of said) {
    const row = await store.inbox.byDedupeKey(dedupeKeyOf({ address, platformMessageId }));
    if (row === null) continue;
    const trace = await store.trace.of(row.message.id);
    const ends = trace.filter(({ type }) => endTypes.has(type)).length;
    rows.push({ token, runId: row.runId, state: row.state, reason: row.reason, ends });
    for (const part of await store.outbox.ofRun(row.runId)) parts.push(endPart(part, { token, trace }));
  }
  const { calls, costMicros } = await store.ledger.totals({});
  return { rows, parts, ledger: { calls, costMicros } };
}

const endTypes: ReadonlySet<string> = new Set([
  "inbox.replied",
  "inbox.merged",
  "inbox.rejected",
  "inbox.expired",
  "inbox.dead",
]);

type Trace = Awaited<ReturnType<Store["trace"]["of"]>>;

function endPart(part: OutboxRow, { token, trace }: { token: string; trace: Trace }): EndPart {
  const { id, address, state, platformMessageIds, error } = part;
  const history = trace
    .filter(({ type, data }) => type.startsWith("outbox.") && (data as { partId?: unknown }).partId === id)
    .map(({ type, atMs }) => ({ state: type.slice("outbox.".length), atMs }));
  const superseded = error !== null && isSuperseded(error);
  return { id, token, chat: chatName(address), state, platformMessageIds, superseded, history };
}
