/** `budgets`: how much may be spent, by whom, in a day or a month. Amounts are US dollars. */
import * as z from "zod";
import { isTimeZone } from "../../domain/local-time.ts";
import { about, modelReference, record } from "./leaf.ts";

export function budgetsSchema() {
  return z.object({
    currency: about(z.literal("USD"), "What every amount is in; prices are in it too."),
    global: about(limitsSchema(), "For everybody and everything together."),
    agents: about(record(limitsSchema()), "For each agent, by its id; `*` is for each that is not named."),
    users: about(
      record(limitsSchema()),
      "For each person, by channel and sender id (`telegram:123`); `*` is for each that is not named.",
    ),
    chats: about(
      record(limitsSchema()),
      "For each conversation, by session key or `channel:account:chat`; `*` is for each that is not named.",
    ),
    jobs: about(record(limitsSchema()), "For each scheduled job, by its id; `*` is for each that is not named."),
    warnAt: about(z.number().gt(0).max(1), "Share of a limit from which owners are warned, once in its day or month."),
    unpriced: about(
      z.enum(["refuse", "allow"]),
      "What becomes of a call where a limit applies and the model's price is not known; allowed, it counts as nothing.",
    ),
    allowUnpriced: about(
      z.array(modelReference()),
      "Models without a known price that may be used all the same, as provider/model or provider/*.",
    ),
    timezone: about(
      z.string().refine(isTimeZone, "expected a time zone such as Europe/Berlin").optional(),
      "Where a day and a month begin; without it that of agents.defaults.userTimezone, else UTC.",
    ),
  });
}

function limitsSchema() {
  return z.object({
    day: about(usd().optional(), "Most in a day."),
    month: about(usd().optional(), "Most in a calendar month."),
  });
}

/** Up to a billion, so that whole micro-dollars stay exact. */
function usd(): z.ZodNumber {
  return z.number().nonnegative().max(1_000_000_000);
}
