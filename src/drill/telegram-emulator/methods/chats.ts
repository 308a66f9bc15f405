/** What a bot may ask about a chat and who is in it. */
import { badRequest, Refusal } from "../refusal.ts";
import { userObject } from "../world/actor.ts";
import { chatOf } from "./destination.ts";
import type { Call, Done } from "./method.ts";

export function getChat(call: Call): Done | Refusal {
  const chat = chatOf(call, "read");
  if (chat instanceof Refusal) return chat;
  return {
    result: {
      ...chat.object(),
      accent_color_id: 0,
      max_reaction_count: 11,
      accepted_gift_types: {
        unlimited_gifts: true,
        limited_gifts: true,
        unique_gifts: true,
        premium_subscription: true,
      },
      ...(chat.kind === "private" ? {} : { permissions: { can_send_messages: true } }),
    },
  };
}

export function getChatMember(call: Call): Done | Refusal {
  const chat = chatOf(call, "read");
  if (chat instanceof Refusal) return chat;
  const userId = call.params.integer("user_id");
  if (userId <= 0) return badRequest("invalid user_id specified");
  const actor = call.world.people.get(userId) ?? call.world.bots.get(userId);
  if (actor === undefined) return badRequest("user not found");
  const user = userObject(actor);
  if (chat.members.has(userId)) return { result: { user, status: "member" } };
  return { result: { user, status: "left" } };
}

export function getChatMemberCount(call: Call): Done | Refusal {
  const chat = chatOf(call, "read");
  return chat instanceof Refusal ? chat : { result: chat.members.size };
}
