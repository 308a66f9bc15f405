/**
 * The channel of a simulation, written as a real one that fetches its events is: hand over, keep how far it has read,
 * and only then confirm. One module for each process, so that a dead one's requests never come back.
 */
import { z } from "zod";
import type {
  ChannelAccount,
  ChannelConnection,
  ChannelLink,
  ChannelManifest,
  ChannelModule,
  IdempotencyClass,
  OutboundPiece,
  Rendered,
  SendOutcome,
} from "../../channels/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import { noMentions, type InboundMessage } from "../../domain/message.ts";
import type { PlatformAnswer, PlatformEvent, PlatformSkills, SimulatedPlatform } from "./simulated-platform.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** Everything beyond these is the house's own, which its schema of who may write adds. */
const ownSettings = z.looseObject({});

/** Two edits a second: an answer of a few lines is edited several times. */
const editsPerMinute = 121;

export function simulatedManifest(id: string, idempotency: IdempotencyClass, can: PlatformSkills): ChannelManifest {
  return {
    id,
    label: id,
    summary: "A platform of a simulation.",
    configSchema: ownSettings,
    capabilities: {
      threads: false,
      edits: can.edits,
      deletes: can.deletes,
      reactions: false,
      typing: false,
      quotes: true,
      voice: false,
      groups: true,
      receives: ["text"],
      sends: ["text"],
    },
    idempotency,
    text: { max: 400, unit: "utf16" },
    messagesPerSecond: 1_000,
    ...(can.edits ? { editsPerMinute } : {}),
    secrets: [],
  };
}

export function simulatedChannel(
  manifest: ChannelManifest,
  platform: SimulatedPlatform,
  process: SimulatedProcess,
): ChannelModule {
  return {
    manifest,
    connect: async (account, link) => {
      const connection = connectionOf({ manifest, platform, process }, account);
      const stored = await link.memory.get("confirmed");
      void readEvents(account, link, { platform, process, from: typeof stored === "number" ? stored : 0, connection });
      return connection;
    },
    render: (markdown) => markdown.split("\n\n").map((text): Rendered => ({ text })),
  };
}

interface SimulatedConnection extends ChannelConnection {
  readonly isClosed: () => boolean;
}

interface Reading {
  readonly platform: SimulatedPlatform;
  readonly process: SimulatedProcess;
  readonly from: number;
  readonly connection: SimulatedConnection;
}

async function readEvents(
  account: ChannelAccount<unknown>,
  link: ChannelLink,
  { platform, process, from, connection }: Reading,
): Promise<void> {
  let confirmed = from;
  while (!connection.isClosed()) {
    const events = await process.guard(() => platform.poll(account.accountId, confirmed));
    if (connection.isClosed()) return;
    const read = await handOver(events, account, link);
    // What could not be stored is asked for again in a moment; what is behind it waits, or the order would be lost.
    if (read < events.length) await link.clock.sleep(pauseMs);
    const last = events[read - 1];
    if (last === undefined || last.number <= confirmed) continue;
    confirmed = last.number;
    await link.failpoints.reach("before-cursor");
    await link.memory.put("confirmed", confirmed);
    await link.failpoints.reach("cursor-committed");
  }
}

const pauseMs = 1_000;

/** Returns how many of them are durable or refused for good, from the first on. */
async function handOver(
  events: readonly PlatformEvent[],
  account: ChannelAccount<unknown>,
  link: ChannelLink,
): Promise<number> {
  for (const [index, event] of events.entries()) {
    const { outcome } = await link.receive(messageOf(event, account, link));
    if (outcome === "unavailable") return index;
  }
  return events.length;
}

function messageOf(event: PlatformEvent, account: ChannelAccount<unknown>, link: ChannelLink): InboundMessage {
  return {
    id: link.ids.uuid(),
    kind: "message",
    address: {
      channel: account.channel,
      accountId: account.accountId,
      chatId: event.chatId,
      chatKind: event.chatKind,
    },
    sender: { id: event.senderId },
    platformMessageId: event.platformMessageId,
    content: [{ type: "text", text: event.text }],
    mentions: { ...noMentions, self: event.mentionsUs },
    sentAtMs: link.clock.nowMs(),
    receivedAtMs: link.clock.nowMs(),
    raw: null,
  };
}

interface Ends {
  readonly manifest: ChannelManifest;
  readonly platform: SimulatedPlatform;
  readonly process: SimulatedProcess;
}

function connectionOf({ manifest, platform, process }: Ends, account: ChannelAccount<unknown>): SimulatedConnection {
  let closed = false;
  const { idempotency } = manifest;
  const find = (piece: OutboundPiece): Promise<{ platformMessageId: string } | null> =>
    process.guard(() => {
      const id = platform.find(piece.id);
      return Promise.resolve(id === null ? null : { platformMessageId: id });
    });
  const act = (work: () => SendOutcome): Promise<SendOutcome> =>
    process.guard(() => {
      // What the lock of a state directory makes impossible is not tried: two gateways that deliver from one outbox.
      if (process.isSuperseded) return new Promise(() => undefined);
      return Promise.resolve(work());
    });
  return {
    isClosed: () => closed,
    send: (piece) => act(() => sendPiece(piece, { platform, account, idempotency })),
    ...(manifest.capabilities.edits
      ? {
          edit: ({ address: { chatId }, text }, messageId) =>
            act(() => outcomeOf(platform.edit(account.accountId, { chatId, text, messageId }))),
        }
      : {}),
    ...(manifest.capabilities.deletes
      ? {
          delete: ({ chatId }, messageId) =>
            act(() => outcomeOf(platform.remove(account.accountId, { chatId, messageId }))),
        }
      : {}),
    probe: () => process.guard(() => Promise.resolve()),
    close: () => {
      closed = true;
      return Promise.resolve();
    },
    ...(idempotency === "read-back" ? { find } : {}),
  };
}

function sendPiece(
  piece: OutboundPiece,
  way: { platform: SimulatedPlatform; account: ChannelAccount<unknown>; idempotency: IdempotencyClass },
): SendOutcome {
  return outcomeOf(
    way.platform.send(
      way.account.accountId,
      { chatId: piece.address.chatId, text: piece.text, label: piece.label, pieceId: piece.id },
      { native: way.idempotency === "native" },
    ),
  );
}

function outcomeOf(answer: PlatformAnswer): SendOutcome {
  switch (answer.outcome) {
    case "accepted":
      return { outcome: "sent", platformMessageId: answer.platformMessageId };
    case "broken":
      return { outcome: "unknown", error: new AppError("CONN_001", "The connection broke before the answer.") };
    case "refused":
      return {
        outcome: "not-sent",
        error: new AppError(
          "CONN_003",
          "The platform is busy.",
          answer.retryAfterMs === null ? {} : { retryAfterMs: answer.retryAfterMs },
        ),
      };
  }
}
