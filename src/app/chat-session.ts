/**
 * The session in which a chat's next message is answered, and how something is said in a chat from outside of a turn: part
 * and transcript in one commit, so that whoever answers there next knows what was said.
 */
import { spokenEntry } from "../agent/transcript-entry.ts";
import type { Config } from "../config/schema/root.ts";
import type { IdentityLinks } from "../domain/identity.ts";
import type { Address } from "../domain/message.ts";
import { identityOf } from "../inbound/identity-links.ts";
import { routeMessage } from "../inbound/route.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { Lease, OutboxDraft, Store } from "../store/port.ts";

export interface ChatSession {
  readonly sessionKey: string;
  readonly agentId: string;
}

/** Of a direct chat the other side is who writes there next. */
export function sessionOfChat(
  address: Address,
  { config, links }: { readonly config: () => Config; readonly links: Pick<IdentityLinks, "personOf"> },
): ChatSession {
  const next = { address, sender: { id: address.chatId } };
  const { sessionKey, agentId } = routeMessage(next, config(), links.personOf(identityOf(next)));
  return { sessionKey, agentId };
}

/** `said`: where nobody else writes into the transcript what the part says. */
export function putPart(
  draft: OutboxDraft,
  context: { readonly sessionKey: string; readonly runId: string | null; readonly said?: { readonly agentId: string } },
  deps: { readonly store: Store; readonly clock: Clock; readonly ids: Ids },
): Promise<unknown> {
  const { said, ...place } = context;
  if (said === undefined) return deps.store.outbox.add(draft, { ...place, atMs: deps.clock.nowMs() });
  return putSpoken({ draft, session: { ...place, ...said }, runId: place.runId }, deps);
}

export interface SpokenPart {
  readonly draft: OutboxDraft;
  readonly session: ChatSession;
  readonly runId: string | null;
  readonly lease?: Lease;
}

/** A known id writes nothing. Resolves when it is durable. */
export async function putSpoken(
  { draft, session, runId, lease }: SpokenPart,
  { store, clock, ids }: { readonly store: Store; readonly clock: Clock; readonly ids: Ids },
): Promise<void> {
  const atMs = clock.nowMs();
  const { sessionKey, agentId } = session;
  const entry = spokenEntry(draft.id, draft.reply.markdown, atMs);
  await store.outbox.add(draft, {
    sessionKey,
    runId,
    atMs,
    ...(lease === undefined ? {} : { lease }),
    said: { entry, agentId, sessionId: ids.uuid() },
  });
}
