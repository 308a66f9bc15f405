import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import type { Tool, ToolContext } from "./contract.ts";
import { builtInTools } from "./registry.ts";
import { runTool, toolSpecs } from "./run-tool.ts";
import { toolContext } from "./tool-context.fixture.ts";

function setUp(more: Partial<ToolContext> = {}): { clock: FakeClock; context: ToolContext } {
  const clock = new FakeClock(Date.UTC(2026, 6, 1, 12, 0, 0));
  return { clock, context: toolContext({ clock, ...more }) };
}

function toolOf(run: Tool["run"]): Tool {
  return {
    name: "try",
    description: "Tries.",
    inputSchema: z.object({ count: z.number().int().default(1) }),
    effect: "pure",
    run,
  };
}

describe("running a tool", () => {
  it("G5: a tool that sleeps is stopped after 30 s, is told, and the model can read why", async () => {
    const { clock, context } = setUp();
    let told: AbortSignal | undefined;
    const sleeper = toolOf((_input, { signal }) => {
      told = signal;
      return new Promise(() => undefined);
    });
    const running = runTool(sleeper, {}, context);
    const outcome = running.catch((thrown: unknown) => thrown);
    await clock.advance(limits.toolTimeoutMs - 1);
    expect(told?.aborted).toBe(false);
    await clock.advance(1);
    expect(await outcome).toMatchObject({
      code: "RUN_003",
      message: expect.stringContaining("did not answer within 30 s"),
    });
    expect(told?.aborted).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it("a bad input never reaches the tool, and the words name the field", async () => {
    const { context } = setUp();
    const never = toolOf(() => expect.fail("the tool ran"));
    await expect(runTool(never, { count: "two" }, context)).rejects.toMatchObject({
      code: "RUN_003",
      message: expect.stringContaining("count"),
    });
    await expect(runTool(never, '{"count":', context)).rejects.toMatchObject({
      code: "RUN_003",
      message: expect.stringContaining("JSON object"),
    });
    await expect(runTool(never, [], context)).rejects.toMatchObject({ code: "RUN_003" });
  });

  it("gives the tool the checked input, defaults filled in; nothing is an empty object", async () => {
    const { context } = setUp();
    const show = toolOf((input) => Promise.resolve(JSON.stringify(input)));
    expect(await runTool(show, { count: 3, more: true }, context)).toEqual({ text: '{"count":3}' });
    expect(await runTool(show, null, context)).toEqual({ text: '{"count":1}' });
  });

  it("an output is cut at the limit, between characters, and says so", async () => {
    const { context } = setUp();
    const bounds = { timeoutMs: 1_000, outputBytes: 10 };
    const say = async (text: string): Promise<string> => {
      const output = await runTool(
        toolOf(() => Promise.resolve(text)),
        {},
        context,
        bounds,
      );
      return output.text;
    };
    expect(await say("0123456789")).toBe("0123456789");
    expect(await say("01234567890")).toBe("0123456789\n[cut: 10 of 11 bytes shown; ask for a smaller part]");
    expect(await say("12345678€")).toBe("12345678\n[cut: 8 of 11 bytes shown; ask for a smaller part]");
    const full = await runTool(
      toolOf(() => Promise.resolve("x".repeat(limits.toolOutputBytes))),
      {},
      context,
    );
    expect(full.text).toHaveLength(limits.toolOutputBytes);
  });

  it("a failure is RUN_003 whatever is thrown, and ours is left as it is", async () => {
    const { clock, context } = setUp();
    const throwing = (thrown: unknown): Promise<unknown> =>
      runTool(
        toolOf(() => {
          throw thrown;
        }),
        {},
        context,
      );
    await expect(throwing(new Error("disk is full"))).rejects.toMatchObject({
      code: "RUN_003",
      message: "disk is full",
    });
    await expect(throwing("odd")).rejects.toMatchObject({ code: "RUN_003", message: "odd" });
    await expect(throwing(new AppError("SEC_005", "not there"))).rejects.toMatchObject({ code: "SEC_005" });
    expect(clock.pendingTimers).toBe(0);
  });

  it("an abort of the turn ends it at once, before and during the run", async () => {
    const controller = new AbortController();
    const { clock, context } = setUp({ signal: controller.signal });
    const running = runTool(
      toolOf(() => new Promise(() => undefined)),
      {},
      context,
    );
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: "RUN_001" });
    await expect(
      runTool(
        toolOf(() => expect.fail("the tool ran")),
        {},
        context,
      ),
    ).rejects.toMatchObject({ code: "RUN_001" });
    expect(clock.pendingTimers).toBe(0);
  });

  it("a schema is told as the model writes it: what has a default is not required", () => {
    expect(toolSpecs([toolOf(() => Promise.resolve(""))])).toEqual([
      {
        name: "try",
        description: "Tries.",
        inputSchema: {
          type: "object",
          properties: { count: { type: "integer", default: 1 } },
        },
      },
    ]);
  });

  it("a schema is told without bounds, which are checked all the same, and fields keep names that are words of schemas", async () => {
    const bounded: Tool = {
      ...toolOf((input) => Promise.resolve(JSON.stringify(input))),
      inputSchema: z.strictObject({ maximum: z.string().max(3), list: z.array(z.int().min(1)).max(2).optional() }),
    };
    expect(toolSpecs([bounded])[0]?.inputSchema).toEqual({
      type: "object",
      properties: { maximum: { type: "string" }, list: { type: "array", items: { type: "integer" } } },
      required: ["maximum"],
    });
    await expect(runTool(bounded, { maximum: "four" }, toolContext())).rejects.toMatchObject({ code: "RUN_003" });
  });

  it("every built-in tool has a name a provider takes, a description and an object as its input", () => {
    const specs = toolSpecs(builtInTools());
    expect(new Set(specs.map(({ name }) => name)).size).toBe(specs.length);
    for (const { name, description, inputSchema } of specs) {
      expect(name).toMatch(/^[a-z][a-z0-9_]{0,63}$/);
      expect(description).not.toBe("");
      expect(inputSchema["type"]).toBe("object");
    }
  });
});
