/** A limit that is written wrong must not become no limit. */
import { describe, expect, it } from "vitest";
import { testHome, told } from "../fixtures/home.ts";

const load = async (budgets: string) => (await testHome(`{ budgets: ${budgets} }`)).load();

describe("budgets", () => {
  it("are none where nothing is set, and what is set stands beside the defaults", async () => {
    const none = await load("{}");
    expect(none.config.budgets).toMatchObject({ global: {}, users: {}, warnAt: 0.8, unpriced: "refuse" });
    const some = await load(`{ global: { month: 20 }, users: { "*": { day: 0.5 } }, timezone: "Europe/Berlin" }`);
    expect(told(some)).toEqual([]);
    expect(some.config.budgets).toMatchObject({ global: { month: 20 }, users: { "*": { day: 0.5 } }, warnAt: 0.8 });
  });

  it.each([
    `{ global: { day: -1 } }`,
    `{ global: { day: "5" } }`,
    `{ global: { day: 1e10 } }`,
    `{ chats: { x: 5 } }`,
    `{ currency: "EUR" }`,
    `{ warnAt: 0 }`,
    `{ warnAt: 80 }`,
    `{ unpriced: "maybe" }`,
    `{ timezone: "Mars/Olympus" }`,
  ])("%s breaks the file instead of lifting the limit", async (budgets) => {
    const loaded = await load(budgets);
    expect(told(loaded)[0]).toMatch(/^error openclaw\.json:1 budgets\./);
    expect(loaded.source).not.toBe("file");
  });
});
