/** When a session begins anew by itself: after a silence, or once a day. Pure; whoever lets a message in asks. */
import type { ChatKind } from "./message.ts";
import { isTimeZone, lastLocalHour } from "./local-time.ts";

export interface ResetRule {
  readonly mode: "never" | "daily" | "idle" | "daily-or-idle";
  /** Hour of the daily reset, 0 to 23, by the person's clock. */
  readonly atHour: number;
  readonly idleMinutes: number;
}

/** What is said of one kind of chat or channel alone. */
export type PartialRule = { readonly [Key in keyof ResetRule]?: ResetRule[Key] | undefined };

export interface ResetRules {
  readonly reset: ResetRule;
  readonly resetByType?: Readonly<Record<string, PartialRule>> | undefined;
  readonly resetByChannel?: Readonly<Record<string, PartialRule>> | undefined;
}

/** The rule of a chat: what is said of its channel wins over what is said of its kind, and that over the common one. */
export function resetRuleFor(
  rules: ResetRules,
  chat: { readonly channel: string; readonly chatKind: ChatKind },
): ResetRule {
  const own = <T>(table: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
    table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
  const layers = [own(rules.resetByChannel, chat.channel), own(rules.resetByType, chat.chatKind), rules.reset];
  const first = <K extends keyof ResetRule>(key: K): ResetRule[K] =>
    layers.map((layer) => layer?.[key]).find((value) => value !== undefined) ?? rules.reset[key];
  return { mode: first("mode"), atHour: first("atHour"), idleMinutes: first("idleMinutes") };
}

/**
 * A session that was last used before this time is begun anew; null: none is. `timeZone` is the person's, UTC where
 * it is not set or nobody knows it.
 */
export function staleBeforeMs(rule: ResetRule, nowMs: number, timeZone: string | undefined): number | null {
  const idleMs = nowMs - rule.idleMinutes * 60_000;
  // Only where it is asked for: every message comes by here.
  const resetMs = (): number => {
    const zone = timeZone !== undefined && isTimeZone(timeZone) ? timeZone : "UTC";
    return lastLocalHour(nowMs, rule.atHour, zone);
  };
  switch (rule.mode) {
    case "never":
      return null;
    case "idle":
      return idleMs;
    case "daily":
      return resetMs();
    case "daily-or-idle":
      return Math.max(idleMs, resetMs());
  }
}
