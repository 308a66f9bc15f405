/** The limits of one configuration: which purses pay for a call, and how much each may. Made once per configuration. */
import type { Config } from "../config/schema/root.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { isTimeZone } from "../domain/local-time.ts";
import { freePrice, type ModelPrice } from "../domain/money.ts";
import { periods, type PurseKey, type PurseLimit, type PurseSpan } from "../domain/purse.ts";
import { createCalendar } from "./calendar.ts";
import type { CallToPay } from "./contract.ts";

type Limits = Config["budgets"]["global"];

export interface LimitBook {
  readonly timeZone: string;
  /** False where nobody has a limit: then nothing else need be asked. */
  readonly limited: boolean;
  /** Every purse that has to pay for this call now, in the order in which one is named when several are short. */
  of(
    call: Pick<CallToPay, "sessionKey" | "agentId" | "channel" | "senderId" | "jobId" | "chat">,
    atMs: number,
  ): readonly PurseLimit[];
  /** The purses that are named one by one, in their periods of that moment. */
  named(atMs: number): readonly PurseLimit[];
  /** Null where this purse has no limit. */
  limitOf(span: PurseSpan): number | null;
  /** The price that a call is held at; `unknown` where the configuration lets no such model spend. */
  priceOf(model: Pick<ModelInfo, "ref" | "provider" | "price">): ModelPrice | "unknown";
}

/** The entry for whoever has none of their own. */
const everybodyElse = "*";

export function createLimitBook({ budgets, agents }: Pick<Config, "budgets" | "agents">): LimitBook {
  const timeZone = budgets.timezone ?? knownZone(agents.defaults.userTimezone) ?? "UTC";
  const calendar = createCalendar(timeZone);
  const tables = { agent: budgets.agents, user: budgets.users, chat: budgets.chats, job: budgets.jobs };

  function limitsFor({ kind, id }: PurseKey): Limits | null {
    return kind === "global" ? budgets.global : (ownEntry(tables[kind], id) ?? ownEntry(tables[kind], everybodyElse));
  }

  function inPeriods(key: PurseKey, limits: Limits | null, atMs: number): PurseLimit[] {
    return periods.flatMap((period) => {
      const usd = limits?.[period];
      return usd === undefined ? [] : [{ ...key, period, ...calendar.span(period, atMs), limitMicros: micros(usd) }];
    });
  }

  /** One purse per conversation: by the name that a limit gives it, else by its session key. */
  function chatKey({ sessionKey, chat }: Parameters<LimitBook["of"]>[0]): PurseKey {
    const named =
      chat !== undefined && ownEntry(tables.chat, sessionKey) === null && ownEntry(tables.chat, chat) !== null;
    return { kind: "chat", id: named ? chat : sessionKey };
  }

  return {
    timeZone,
    limited: hasLimit(budgets.global) || Object.values(tables).some((table) => Object.values(table).some(hasLimit)),
    of(call, atMs) {
      const keys: PurseKey[] = [chatKey(call)];
      if (call.senderId !== "") keys.push({ kind: "user", id: `${call.channel}:${call.senderId}` });
      if (call.jobId !== null) keys.push({ kind: "job", id: call.jobId });
      keys.push({ kind: "agent", id: call.agentId }, { kind: "global", id: "" });
      return keys.flatMap((key) => inPeriods(key, limitsFor(key), atMs));
    },
    named(atMs) {
      const keys: PurseKey[] = [{ kind: "global", id: "" }];
      for (const kind of ["agent", "user", "chat", "job"] as const) {
        for (const id of Object.keys(tables[kind])) if (id !== everybodyElse) keys.push({ kind, id });
      }
      return keys.flatMap((key) => inPeriods(key, limitsFor(key), atMs));
    },
    limitOf(span) {
      const usd = limitsFor(span)?.[span.period];
      const { sinceMs, untilMs } = calendar.span(span.period, span.sinceMs);
      // Of a time zone that is not in force any more: it still counts, and limits nothing.
      return usd === undefined || sinceMs !== span.sinceMs || untilMs !== span.untilMs ? null : micros(usd);
    },
    priceOf({ ref, provider, price }) {
      if (price !== undefined) return price;
      const { unpriced, allowUnpriced } = budgets;
      return unpriced === "allow" || allowUnpriced.includes(ref) || allowUnpriced.includes(`${provider}/*`)
        ? freePrice
        : "unknown";
    },
  };
}

function hasLimit({ day, month }: Limits): boolean {
  return day !== undefined || month !== undefined;
}

/** People name entries as they like, "constructor" too. */
function ownEntry(table: Readonly<Record<string, Limits>>, id: string): Limits | null {
  return Object.hasOwn(table, id) ? (table[id] ?? null) : null;
}

function micros(usd: number): number {
  return Math.round(usd * 1_000_000);
}

/** A person's time zone is free text elsewhere: one that the system does not know must not stop every call. */
function knownZone(name: string | undefined): string | undefined {
  return name !== undefined && isTimeZone(name) ? name : undefined;
}
