/** Methods about the gateway itself: who is connected, what happened lately, and how it is stopped. */
import { z } from "zod";
import { method } from "../method.ts";

const text = z.string().min(1);
const nothing = z.strictObject({});

export const presenceEntrySchema = z.strictObject({
  ts: z.number().int().nonnegative(),
  host: text.optional(),
  version: text.optional(),
  platform: text.optional(),
  deviceFamily: text.optional(),
  mode: text.optional(),
  reason: text.optional(),
  text: z.string().optional(),
  deviceId: text.optional(),
  roles: z.array(text).optional(),
  scopes: z.array(text).optional(),
  instanceId: text.optional(),
});
export type PresenceEntry = z.infer<typeof presenceEntrySchema>;

export const systemPresence = method({
  name: "system-presence",
  scope: "operator.read",
  params: nothing,
  result: z.array(presenceEntrySchema),
  summary: "Lists every connected client, and nobody else.",
});

export const systemEvent = method({
  name: "system-event",
  scope: "operator.admin",
  params: z.strictObject({ text: z.string().min(1).max(4096) }),
  result: z.strictObject({ ok: z.literal(true) }),
  summary: "Notes an event of an outside system and tells every operator.",
});

export const systemEvents = method({
  name: "system-events",
  scope: "operator.read",
  params: z.strictObject({ limit: z.number().int().min(1).max(1000).optional() }),
  result: z.strictObject({
    events: z.array(z.strictObject({ type: text, ts: z.number(), data: z.record(z.string(), z.unknown()) })),
  }),
  summary: "The newest events of the gateway itself, oldest first; they survive a restart.",
});

export const lastHeartbeat = method({
  name: "last-heartbeat",
  scope: "operator.read",
  params: nothing,
  result: z.unknown(),
  summary: "The last heartbeat of the assistant, or null where there was none.",
});

export const gatewayStop = method({
  name: "gateway.stop",
  scope: "operator.admin",
  params: z.strictObject({ reason: z.string().min(1).max(200).optional() }),
  result: z.strictObject({ ok: z.literal(true) }),
  summary: "Ends the gateway in order: clients are told, turns are finished or kept, then the process exits.",
});

export const gatewayRestart = method({
  name: "gateway.restart",
  scope: "operator.admin",
  params: z.strictObject({
    reason: z.string().min(1).max(200).optional(),
    /** Who is told, once, when it is back: the chat this session last spoke in, */
    sessionKey: z.string().min(1).max(512).optional(),
    /** or this chat. Nobody where neither is given. */
    to: z
      .strictObject({
        channel: z.string().min(1).max(64),
        accountId: z.string().min(1).max(128).optional(),
        chatId: z.string().min(1).max(512),
        chatKind: z.enum(["dm", "group", "channel", "thread"]).optional(),
        threadId: z.string().min(1).max(512).optional(),
      })
      .optional(),
  }),
  result: z.strictObject({ ok: z.literal(true), restartExpectedMs: z.number().int(), told: z.boolean() }),
  summary: "Ends the gateway in order and starts it again in the same process; a chat can be told when it is back.",
});
