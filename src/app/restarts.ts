/**
 * Restarting on request. The wish to be told is durable before anything ends, and carries the id of the part that will
 * tell it: whichever run of the gateway comes next turns it into that part, once, however often it was killed meanwhile.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Restarts } from "../agent/contract.ts";
import { backText } from "../agent/restart-command.ts";
import { limits } from "../domain/limits.ts";
import { addressSchema, type Address } from "../domain/message.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Store } from "../store/port.ts";

export interface RestartDesk extends Restarts {
  /** Tells what the run before was asked to tell. Before a turn runs; may be called again after a failure. */
  fulfil(): Promise<void>;
}

export interface RestartDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether storing something for this channel is delivering it. */
  readonly storedIsDelivered: (channel: string) => boolean;
  /** Ends this run in order and begins the next. Returns at once. */
  readonly ask: (reason: string) => void;
}

/** An orderly end with nothing under way, and a start: what clients wait before they come back. */
export const restartExpectedMs = 5_000;

const namespace = "restart";

const noteSchema = z.object({ address: addressSchema, sessionKey: z.string() });
type Note = z.infer<typeof noteSchema>;

export function createRestarts(deps: RestartDeps): RestartDesk {
  const { store, clock, log } = deps;
  return {
    startedMs: clock.nowMs(),
    expectedMs: restartExpectedMs,
    async request({ id, reason, chat }) {
      if (chat !== null) await store.documents.put(namespace, id, chat satisfies Note, clock.nowMs());
      log.info("a restart was asked for", { id, reason });
      deps.ask(reason);
    },
    isTold: async (id) => (await store.outbox.get(id)) !== null,
    async fulfil() {
      for (const { key, value } of await store.documents.list(namespace)) {
        const note = noteSchema.safeParse(value);
        if (note.success) await tell(key, asNote(note.data), deps);
        else log.warn("a note about a restart could not be read and was dropped", { id: key });
        await store.documents.delete(namespace, key);
      }
    },
  };
}

/** Optional keys that zod gives as undefined are left out, as an address has them. */
function asNote({ address: { threadId, ...address }, sessionKey }: Note): { address: Address; sessionKey: string } {
  return { address: { ...address, ...(threadId === undefined ? {} : { threadId }) }, sessionKey };
}

async function tell(id: string, { address, sessionKey }: Note, deps: RestartDeps): Promise<void> {
  const { store, clock } = deps;
  const atMs = clock.nowMs();
  const stored = deps.storedIsDelivered(address.channel);
  // Where it is read from the transcript, that comes first: the part's row is the mark that it was told.
  if (stored) await appendOnce(id, sessionKey, deps);
  await store.outbox.add(
    {
      id,
      address,
      replyToId: null,
      reply: { markdown: backText },
      expiresMs: atMs + limits.replyTtlMs,
      state: stored ? "sent" : "prepared",
    },
    { sessionKey, runId: null, atMs },
  );
}

/** Newer entries than these cannot have been written between a start that was killed and this one. */
const entriesToLookAt = 50;

async function appendOnce(id: string, sessionKey: string, { store, clock }: RestartDeps): Promise<void> {
  if ((await store.sessions.get(sessionKey)) === null) return;
  const entryId = createHash("sha256").update(id).digest("hex").slice(0, 8);
  const newest = await store.sessions.transcript(sessionKey, { limit: entriesToLookAt });
  if (newest.some((entry) => entry.id === entryId)) return;
  const atMs = clock.nowMs();
  const content = [{ type: "text", text: backText }];
  const message = { role: "assistant", content, timestamp: atMs, stopReason: "injected" };
  await store.sessions.append(sessionKey, [{ id: entryId, type: "message", atMs, body: { message } }], atMs);
}
