/** What a person may ask of the memory in the terminal, and what is answered. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./memory.ts";

async function memory(words: readonly string[], answer: unknown): Promise<{ text: string; asked: unknown[] }> {
  let text = "";
  const asked: unknown[] = [];
  const stream = { write: (piece: string) => void (text += piece) };
  const call = (method: string, params: unknown): Promise<unknown> => {
    asked.push(method, params);
    return Promise.resolve(answer);
  };
  const context: Partial<CliContext> = {
    output: createOutput({ stdout: stream, stderr: stream }, { json: false, colour: false }),
    signal: new AbortController().signal,
    connect: () =>
      Promise.resolve({ call, close: () => undefined } as unknown as Awaited<ReturnType<CliContext["connect"]>>),
  };
  const program = new Command();
  register(program, context as CliContext);
  await program.parseAsync(["memory", ...words], { from: "user" });
  return { text, asked };
}

describe("openclaw memory", () => {
  it("T6: search shows where each piece stands, and what is to be known", async () => {
    const hit = {
      path: "memory/a.md",
      startLine: 3,
      endLine: 5,
      text: "Ada likes tea",
      score: 0.5,
      foreign: "web page x",
    };
    const { text, asked } = await memory(["search", "green", "tea", "--agent", "main", "--limit", "3"], {
      hits: [hit],
      notice: "Words alone were searched.",
    });
    expect(asked).toEqual(["memory.search", { query: "green tea", agentId: "main", limit: 3 }]);
    expect(text).toBe("memory/a.md:3-5  0.50  from web page x\nAda likes tea\n\nWords alone were searched.\n");
  });

  it("T6: add, forget, index and status say what came of it", async () => {
    expect((await memory(["add", "Ada", "likes"], { path: "memory/a.md", startLine: 2 })).text).toBe(
      "noted in memory/a.md, line 2\n",
    );
    const forgotten = await memory(["forget", "memory/a.md:3-5", "--containing", "tea"], { ok: true, pieces: 1 });
    expect(forgotten.asked).toEqual([
      "memory.forget",
      { path: "memory/a.md", startLine: 3, endLine: 5, containing: "tea" },
    ]);
    expect((await memory(["forget", "MEMORY.md:3"], { ok: true, pieces: 1 })).asked[1]).toMatchObject({ endLine: 3 });
    const state = {
      agentId: "main",
      files: 2,
      chunks: 7,
      embedded: 3,
      model: "openai/small",
      indexing: true,
      lastIndexedMs: 0,
      trouble: "The embedding provider answered 503.",
    };
    expect((await memory(["index", "--all"], state)).asked).toEqual(["memory.index", { all: true }]);
    const { text } = await memory(["status"], state);
    expect(text).toContain("7, 3 with a vector, more being made");
    expect(text).toContain("answered 503");
  });

  it("T6: lines that are no lines, and numbers that are none, are refused before anybody is asked", async () => {
    for (const words of [
      ["forget", "memory/a.md"],
      ["forget", "a:0x1"],
      ["search", "x", "--limit", "0"],
      ["search", "x", "--limit", "a"],
    ]) {
      await expect(memory(words, {})).rejects.toMatchObject({ code: "SYS_003" });
    }
  });
});
