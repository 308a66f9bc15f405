/** Passes a message on: with its origin, or as a copy. */
import { badRequest, Refusal } from "../refusal.ts";
import { userObject } from "../world/actor.ts";
import { isService } from "../world/chat.ts";
import type { Message } from "../world/message.ts";
import { chatOf } from "./destination.ts";
import type { Call, Done } from "./method.ts";
import { postOne, type Content } from "./posting.ts";

export function forwardMessage(call: Call): Done | Refusal {
  return passOn(call, "message to forward not found", (message) => ({
    ...contentOf(message),
    fields: {
      ...message.fields,
      forward_origin: {
        type: "user",
        sender_user: userObject(message.from),
        date: Math.floor(message.atMs / 1_000),
      },
    },
  }));
}

export function copyMessage(call: Call): Done | Refusal {
  const copied = passOn(call, "message to copy not found", contentOf);
  return copied instanceof Refusal ? copied : { ...copied, result: { message_id: copied.messageId } };
}

function passOn(call: Call, absent: string, content: (message: Message) => Content): Done | Refusal {
  const from = chatOf(call, "read", "from_chat_id");
  if (from instanceof Refusal) return from;
  return postOne(call, () => {
    const message = from.message(call.params.integer("message_id"));
    return message === undefined || isService(message) ? badRequest(absent) : content(message);
  });
}

function contentOf({ text, entities, media, fields }: Message): Content {
  return { text, entities, media, fields };
}
