/** How MCP servers stand is told to whoever may look, and set by administrators alone. */
import { describe, expect, it } from "vitest";
import { openStage } from "../../fake-deps.fixture.ts";
import { connect, errorOf } from "../../wire-client.fixture.ts";

describe("mcp.status", () => {
  it("W13: tells each server's state, tools and trouble", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    expect(await client.ask("mcp.status", {})).toEqual({
      servers: [
        { name: "git", state: "ready", tools: ["mcp__git__log"], trouble: null },
        { name: "old", state: "failed", tools: [], trouble: "It ended by itself." },
      ],
    });
    await stage.close();
  });

  it("R088: an address or a program is written by administrators alone", async () => {
    const stage = await openStage();
    const client = await connect(stage.url, { scopes: ["operator.read", "operator.write", "operator.approvals"] });
    const mcp = { servers: { tracker: { url: "http://127.0.0.1:9/mcp" } } };
    for (const [method, params] of [
      ["config.patch", { patch: { mcp } }],
      ["config.set", { raw: JSON.stringify({ mcp }) }],
      ["config.apply", { raw: JSON.stringify({ mcp }) }],
    ] as const) {
      expect(errorOf(await client.call(method, params))).toMatchObject({ code: "FORBIDDEN" });
    }
    await stage.close();
  });
});
