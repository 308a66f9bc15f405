/** What is shown of MCP servers in a terminal. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./mcp.ts";

async function mcp(words: readonly string[], servers: readonly object[]): Promise<string> {
  let text = "";
  const stream = { write: (piece: string) => void (text += piece) };
  const call = (method: string) => Promise.resolve(method === "mcp.status" ? { servers } : null);
  const context: Partial<CliContext> = {
    output: createOutput({ stdout: stream, stderr: stream }, { json: false, colour: false }),
    signal: new AbortController().signal,
    connect: () =>
      Promise.resolve({ call, close: () => undefined } as unknown as Awaited<ReturnType<CliContext["connect"]>>),
  };
  const program = new Command();
  register(program, context as CliContext);
  await program.parseAsync(["mcp", ...words], { from: "user" });
  return text;
}

const servers = [
  { name: "git", state: "ready", tools: ["mcp__git__log", "mcp__git__push"], trouble: null },
  { name: "old", state: "failed", tools: [], trouble: "It ended by itself." },
  { name: "off", state: "disabled", tools: [], trouble: null },
];

describe("openclaw mcp", () => {
  it("W13: shows how each server stands, and its tools as rules name them", async () => {
    expect((await mcp([], servers)).split("\n").map((line) => line.trim().replaceAll(/ {2,}/g, "|"))).toEqual([
      "SERVER|STATE|TOOLS|TROUBLE",
      "git|ready|2",
      "old|failed|0|It ended by itself.",
      "off|disabled|0",
      "",
    ]);
    const listed = await mcp(["list"], servers);
    for (const words of ["mcp__git__log", "mcp__git__push", "not known before", "disabled"]) {
      expect(listed).toContain(words);
    }
  });

  it("W13: says where there are none", async () => {
    expect(await mcp(["status"], [])).toBe("no MCP servers are configured (mcp.servers)\n");
  });
});
