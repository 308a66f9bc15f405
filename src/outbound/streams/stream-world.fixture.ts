/** A turn under a lease, its delivery, and the streams its answer can take. For tests. */
import type { ReplyStream, StreamedReply } from "../../agent/contract.ts";
import { limits } from "../../domain/limits.ts";
import { noMentions } from "../../domain/message.ts";
import type { InboxRow, Lease } from "../../store/port.ts";
import { address, openWorld, type World, type WorldOptions } from "../delivery-world.fixture.ts";
import { createInitialState } from "../initial-state.ts";
import { createReplyStreams } from "./reply-stream.ts";

export interface StreamWorld extends World {
  readonly inbox: InboxRow;
  readonly lease: Lease;
  readonly runId: string;
  /** Null where the answer leaves whole. */
  open(): ReplyStream | null;
  /** Puts the result's part into the outbox, as the end of a turn does. */
  commit(text: string, streamed: StreamedReply): Promise<void>;
}

export const runId = "run-1";

/** A world with one message that is being answered; in the folder of an earlier world, the same message once more. */
export async function openStreamWorld(options: WorldOptions): Promise<StreamWorld> {
  const world = await openWorld(options);
  const { inbox, lease } = options.folder === undefined ? await admit(world) : await takeAgain(world);
  await world.delivery.start();
  const open = createReplyStreams({
    ...world.deps,
    delivery: world.delivery,
    initialStateOf: createInitialState(() => false, world.deps.settings),
    manifest: () => world.manifest,
  });
  return Object.assign(world, {
    inbox,
    lease,
    runId,
    open: () => open(inbox, lease),
    async commit(text: string, { saidChars, draftMessageId, preface }: StreamedReply) {
      const markdown = text.slice(saidChars);
      if (markdown.trim() === "") return;
      await world.put("result", `${preface ?? ""}${markdown}`, {
        runId,
        ...(draftMessageId !== null && { action: { type: "edit", messageId: draftMessageId } }),
      });
    },
  });
}

const owner = { owner: "worker", leaseMs: limits.leaseMs };

async function admit({ store, clock }: World): Promise<{ inbox: InboxRow; lease: Lease }> {
  const nowMs = clock.nowMs();
  const message = {
    id: "m1",
    kind: "message" as const,
    address: address("#room"),
    sender: { id: "ann" },
    platformMessageId: "question",
    content: [],
    mentions: noMentions,
    sentAtMs: nowMs,
    receivedAtMs: nowMs,
    raw: null,
  };
  const entry = {
    message,
    dedupeKey: "key",
    sessionKey: "s",
    agentId: "main",
    runId,
    priority: "normal" as const,
    dueMs: 0,
    expiresMs: nowMs + 86_400_000,
    options: {},
    ephemeral: false,
  };
  const admitted = await store.inbox.admit(entry, { atMs: nowMs, claimFor: owner, openSession: { sessionId: "one" } });
  if (admitted.outcome !== "accepted" || admitted.lease === null) throw new Error("The message was not taken.");
  return { inbox: admitted.row, lease: admitted.lease };
}

async function takeAgain({ store, clock }: World): Promise<{ inbox: InboxRow; lease: Lease }> {
  const atMs = clock.nowMs();
  await store.inbox.recover("next worker", atMs);
  const taken = await store.inbox.claim({ ...owner, atMs: atMs + 1, agingMs: 30_000 });
  if (taken === null) throw new Error("There is nothing to take again.");
  return { inbox: taken.row, lease: taken.lease };
}
