import { describe, expect, test } from "vitest";
import { resetRuleFor, staleBeforeMs, type ResetRule } from "./session-freshness.ts";

const rule: ResetRule = { mode: "idle", atHour: 4, idleMinutes: 30 };
const noon = Date.UTC(2026, 10, 29, 12);

describe("freshness of a session", () => {
  test("each mode says before when a session is stale", () => {
    expect(staleBeforeMs({ ...rule, mode: "never" }, noon, undefined)).toBeNull();
    expect(staleBeforeMs(rule, noon, undefined)).toBe(noon - 30 * 60_000);
    expect(staleBeforeMs({ ...rule, mode: "daily" }, noon, undefined)).toBe(Date.UTC(2026, 10, 29, 4));
    expect(staleBeforeMs({ ...rule, mode: "daily" }, noon, "America/New_York")).toBe(Date.UTC(2026, 10, 29, 9));
    expect(staleBeforeMs({ ...rule, mode: "daily-or-idle" }, noon, undefined)).toBe(noon - 30 * 60_000);
    const early = Date.UTC(2026, 10, 29, 4, 5);
    expect(staleBeforeMs({ ...rule, mode: "daily-or-idle" }, early, undefined)).toBe(Date.UTC(2026, 10, 29, 4));
  });

  test("a zone that nobody knows counts as UTC", () => {
    const daily: ResetRule = { ...rule, mode: "daily" };
    expect(staleBeforeMs(daily, noon, "Europe/Atlantis")).toBe(staleBeforeMs(daily, noon, "UTC"));
  });

  test("what is said of a channel wins over what is said of the kind of chat", () => {
    const rules = {
      reset: rule,
      resetByType: { group: { mode: "never" as const } },
      resetByChannel: { irc: { idleMinutes: 5 } },
    };
    expect(resetRuleFor(rules, { channel: "telegram", chatKind: "dm" })).toEqual(rule);
    expect(resetRuleFor(rules, { channel: "irc", chatKind: "group" })).toEqual({
      mode: "never",
      atHour: 4,
      idleMinutes: 5,
    });
    expect(resetRuleFor(rules, { channel: "constructor", chatKind: "dm" })).toEqual(rule);
  });
});
