/** Rules of commands that are written wrong must not become looser ones. */
import { describe, expect, it } from "vitest";
import { testHome, told } from "../fixtures/home.ts";

const load = async (text: string) => (await testHome(text)).load();

describe("rules of commands", () => {
  it("P4 P5: everything is asked about where nothing is set, and what is set stands beside that", async () => {
    const none = await load("{}");
    expect(none.config.tools.exec).toEqual({
      security: "allowlist",
      ask: "on-miss",
      timeoutSeconds: 120,
      safeBins: [],
    });
    const some = await load(
      `{ tools: { exec: { safeBins: ["wc", "jq"] } }, agents: { list: [{ id: "a", tools: { exec: { security: "deny" } } }] } }`,
    );
    expect(told(some)).toEqual([]);
    expect(some.config.tools.exec).toMatchObject({ security: "allowlist", safeBins: ["wc", "jq"] });
    expect(some.config.agents.list[0]?.tools?.exec).toEqual({ security: "deny" });
  });

  it.each([
    `{ tools: { exec: { security: "none" } } }`,
    `{ tools: { exec: { ask: false } } }`,
    `{ tools: { exec: { safeBins: ["rm"] } } }`,
    `{ tools: { exec: { safeBins: "wc" } } }`,
    `{ agents: { list: [{ id: "a", tools: { exec: { security: "everything" } } }] } }`,
    `{ agents: { list: [{ id: "a", tools: { exec: { ask: "never" } } }] } }`,
  ])("P4 P7: %s breaks the file instead of loosening a rule", async (text) => {
    const loaded = await load(text);
    expect(told(loaded)[0]).toMatch(/^error openclaw\.json:1 (tools|agents)\./);
    expect(loaded.source).not.toBe("file");
  });
});
