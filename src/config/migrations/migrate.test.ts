/** Older files: each generation becomes today's form, once, and nothing that was closed opens. */
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import fc from "fast-check";
import JSON5 from "json5";
import { describe, expect, it } from "vitest";
import { testHome, told } from "../fixtures/home.ts";
import { migrate } from "./migrate.ts";

const channels = ["telegram", "irc", "discord"];
const generations = ["1-flat", "2-routing", "3-february"] as const;

function fixture(name: string): { text: string; value: unknown } {
  const text = readFileSync(new URL(`fixtures/${name}.json5`, import.meta.url), "utf8");
  return { text, value: JSON5.parse(text) };
}

describe("migrations", () => {
  it.each(generations)(
    "Q11: a file of generation %s becomes today's form, and doing it again changes nothing",
    (name) => {
      const migrated = migrate(fixture(name).value, channels);
      expect(migrated.value).toEqual(fixture(`${name}.migrated`).value);
      expect(migrated.moves.length).toBeGreaterThan(3);
      const again = migrate(migrated.value, channels);
      expect(again.moves).toEqual([]);
      expect(again.value).toBe(migrated.value);
    },
  );

  it.each(generations)(
    "Q11: a file of generation %s boots, says what is old, and is not touched by that",
    async (name) => {
      const { text } = fixture(name);
      const home = await testHome(text);
      const loaded = await home.load();
      expect(loaded.source).toBe("file");
      expect(told(loaded).filter((line) => line.startsWith("error"))).toEqual([]);
      expect(told(loaded).some((line) => line.includes(" is now "))).toBe(true);
      expect(await home.text()).toBe(text);
    },
  );

  it.each(generations)(
    "Q11: the first change of a generation %s file keeps the file as it was, then writes today's form",
    async (name) => {
      const { text } = fixture(name);
      const home = await testHome(text);
      const handle = await home.open({ version: "2026.11.0" });
      await handle.write({ kind: "set", path: "ui.seamColor", value: "#f00" });
      const kept = (await readdir(home.dir)).filter((file) => file.includes("before-migration"));
      expect(kept).toHaveLength(1);
      expect(await home.text(kept[0])).toBe(text);
      const written = JSON5.parse<Record<string, unknown>>(await home.text());
      const { ui, meta, ...rest } = written;
      expect(ui).toEqual({ seamColor: "#f00" });
      expect(meta).toMatchObject({ lastTouchedVersion: "2026.11.0" });
      expect(rest).toEqual(migrate(fixture(name).value, []).value);
      // The comment above everything is still there.
      expect(await home.text()).toContain(text.split("\n")[0]);
      expect((await home.load()).issues).toEqual([]);
    },
  );

  it("Q11: an allow list that nobody can place lets nobody in", () => {
    const { value } = migrate({ routing: { allowFrom: ["1"] }, channels: { a: {}, b: {} } });
    expect(value).toEqual({ channels: { a: {}, b: {} } });
  });

  it("Q11: a newer name that is set wins over the older one, and off wins over both", () => {
    expect(migrate({ gateway: { token: "old", auth: { token: "new" } } }).value).toEqual({
      gateway: { auth: { token: "new" } },
    });
    expect(migrate({ channels: { x: { dm: { enabled: false }, dmPolicy: "open" } } }).value).toEqual({
      channels: { x: { dmPolicy: "disabled" } },
    });
  });

  it("Q11: nonsense where older files had something is left for validation, never a crash", () => {
    const nonsense = fc.oneof(
      fc.integer(),
      fc.string(),
      fc.constant(null),
      fc.array(fc.anything({ maxDepth: 1 })),
      fc.dictionary(fc.string(), fc.anything({ maxDepth: 1 })),
    );
    const keys = [
      "gateway",
      "providers",
      "routing",
      "agent",
      "agents",
      "identity",
      "tools",
      "audio",
      "session",
      "cron",
      "channels",
      "bindings",
      "messages",
      "heartbeat",
      "memorySearch",
      "telegram",
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), nonsense), (value) => {
        const once = migrate(value, channels);
        expect(migrate(once.value, channels).moves).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});
