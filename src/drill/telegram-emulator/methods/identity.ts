/** Who the bot is, and what it says it can do. */
import { userObject } from "../world/actor.ts";
import type { Call, Done } from "./method.ts";

export function getMe({ bot }: Call): Done {
  return {
    result: {
      ...userObject(bot),
      can_join_groups: true,
      can_read_all_group_messages: bot.canReadAllGroupMessages,
      supports_inline_queries: false,
      can_connect_to_business: false,
      has_main_web_app: false,
    },
  };
}
