/** Methods that change what was said on a platform: edit, delete, react. Each becomes a part of the outbox. */
import { z } from "zod";
import { method } from "../method.ts";

/** By our part, or by where it is and what the platform calls it. */
const target = {
  partId: z.string().min(1).max(512).optional(),
  channel: z.string().min(1).max(64).optional(),
  accountId: z.string().min(1).max(128).optional(),
  chatId: z.string().min(1).max(512).optional(),
  platformId: z.string().min(1).max(512).optional(),
  idempotencyKey: z.string().min(1).max(256),
};
const onItsWay = z.strictObject({
  ok: z.literal(true),
  /** The part, or parts, that do it. */
  partIds: z.array(z.string()),
  channel: z.string(),
  chatId: z.string(),
});

export const messageEdit = method({
  name: "message.edit",
  scope: "operator.write",
  idempotent: true,
  params: z.strictObject({ ...target, message: z.string().min(1) }),
  result: onItsWay,
  summary: "Makes a message of ours say something else, where its platform can.",
});

export const messageDelete = method({
  name: "message.delete",
  scope: "operator.write",
  idempotent: true,
  params: z.strictObject(target),
  result: onItsWay,
  summary: "Takes a message of ours back, every piece of it, where its platform can.",
});

export const messageReact = method({
  name: "message.react",
  scope: "operator.write",
  idempotent: true,
  params: z.strictObject({ ...target, emoji: z.string().max(64) }),
  result: onItsWay,
  summary: "Puts a reaction on a message, or with an empty emoji takes ours back.",
});
