/** Methods of channels: how they are, starting and stopping them, and saying something through one. */
import { z } from "zod";
import { method } from "../method.ts";

const account = z.strictObject({
  channel: z.string().min(1).max(64),
  accountId: z.string().min(1).max(128).optional(),
});
const done = z.strictObject({ ok: z.literal(true), channel: z.string(), accountId: z.string().nullable() });

export const channelsStatus = method({
  name: "channels.status",
  scope: "operator.read",
  params: z.strictObject({
    channel: z.string().min(1).optional(),
    probe: z.boolean().optional(),
    timeoutMs: z.number().int().nonnegative().optional(),
  }),
  result: z.strictObject({
    ts: z.number(),
    channelOrder: z.array(z.string()),
    channelLabels: z.record(z.string(), z.string()),
    channels: z.record(z.string(), z.unknown()),
    channelAccounts: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))),
    channelDefaultAccountId: z.record(z.string(), z.string()),
  }),
  summary: "The state of every channel account.",
});

export const channelsStart = method({
  name: "channels.start",
  scope: "operator.admin",
  params: account,
  result: done,
  summary: "Starts a channel, or one account of it.",
});

export const channelsStop = method({
  name: "channels.stop",
  scope: "operator.admin",
  params: account,
  result: done,
  summary: "Stops a channel, or one account of it, until it is started again.",
});

export const channelsRestart = method({
  name: "channels.restart",
  scope: "operator.admin",
  params: account,
  result: done,
  summary: "Ends and renews a channel's connection.",
});

export const channelsLogout = method({
  name: "channels.logout",
  scope: "operator.admin",
  params: account,
  result: done,
  summary: "Stops a channel account and wipes what it stored to log in.",
});

export const send = method({
  name: "send",
  scope: "operator.write",
  idempotent: true,
  params: z.strictObject({
    to: z.string().min(1).max(512),
    message: z.string().min(1),
    channel: z.string().min(1).max(64).optional(),
    accountId: z.string().min(1).max(128).optional(),
    threadId: z.string().min(1).max(512).optional(),
    replyToId: z.string().min(1).max(512).optional(),
    chatKind: z.enum(["dm", "group", "channel", "thread"]).optional(),
    sessionKey: z.string().min(1).max(512).optional(),
    idempotencyKey: z.string().min(1).max(256),
  }),
  result: z.strictObject({ ok: z.literal(true), messageId: z.string(), channel: z.string(), to: z.string() }),
  summary: "Puts a message into the outbox of a channel; it is on its way, once, when this answers.",
});
