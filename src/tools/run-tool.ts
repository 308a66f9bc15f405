/**
 * Runs one tool call within its limits: the input is checked, the time and the length of the output are bounded.
 * Decides nothing about whether the call may run. Whatever goes wrong is RUN_003 with words the model can act on.
 */
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import type { ToolSpec } from "../domain/conversation.ts";
import { limits } from "../domain/limits.ts";
import type { Tool, ToolContext, ToolOutput } from "./contract.ts";

export interface ToolBounds {
  readonly timeoutMs: number;
  readonly outputBytes: number;
}

/**
 * What the tool answered, its text cut at the limit with a note that says so. Throws AppError RUN_003 for a bad input, a failure or
 * a time-out, and RUN_001 where `context.signal` was aborted. A tool that ignores its signal is left behind, not waited for.
 */
export async function runTool(
  tool: Tool,
  rawInput: unknown,
  context: ToolContext,
  bounds: ToolBounds = { timeoutMs: limits.toolTimeoutMs, outputBytes: limits.toolOutputBytes },
): Promise<ToolOutput> {
  if (context.signal.aborted) throw new AppError("RUN_001", `The turn was aborted before ${tool.name} ran.`);
  const input = checkedInput(tool, rawInput);
  const timeoutMs = tool.timeoutMs?.(input) ?? bounds.timeoutMs;
  const output = await runBounded(tool, input, context, timeoutMs);
  const { text, from } = typeof output === "string" ? { text: output, from: undefined } : output;
  return { text: capOutput(text, bounds.outputBytes), ...(from === undefined ? {} : { from }) };
}

/** What the model is told of the tools. */
export function toolSpecs(tools: readonly Tool[]): ToolSpec[] {
  return tools.map((tool) => ({
    name: tool.name,
    description: tool.description,
    inputSchema: tool.shownSchema ?? jsonSchemaOf(tool),
  }));
}

function jsonSchemaOf(tool: Tool): Readonly<Record<string, unknown>> {
  // `io: input`: the model writes what the schema reads, so a field with a default is not required of it.
  const { $schema: _dialect, ...schema } = z.toJSONSchema(tool.inputSchema, { io: "input", unrepresentable: "any" });
  return withoutBounds(schema) as Readonly<Record<string, unknown>>;
}

/**
 * A model that is told every bound keeps to them no better, and pays for reading them with each message. They are checked
 * all the same, and who goes over one is told.
 */
const boundWords = new Set([
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minItems",
  "maxItems",
  "propertyNames",
]);

function withoutBounds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutBounds);
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key, value]) => !isBound(key, value));
  return Object.fromEntries(
    kept.map(([key, value]) => [key, key === "properties" ? eachWithoutBounds(value) : withoutBounds(value)]),
  );
}

/** The keys of `properties` are names of fields, not words of the schema. */
function eachWithoutBounds(properties: unknown): unknown {
  if (typeof properties !== "object" || properties === null) return properties;
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, withoutBounds(schema)]));
}

function isBound(key: string, value: unknown): boolean {
  return boundWords.has(key) || (key === "additionalProperties" && value === false);
}

/** The input as its schema reads it. Throws RUN_003 with words that the model can mend it by. */
export function checkedInput(tool: Tool, rawInput: unknown): unknown {
  if (typeof rawInput === "string") {
    throw new AppError(
      "RUN_003",
      `The input of ${tool.name} is not a JSON object but text that could not be read as one. Call it again with a JSON object.`,
    );
  }
  // A call without arguments is `null` or absent in some protocols.
  const parsed = tool.inputSchema.safeParse(rawInput ?? {});
  if (parsed.success) return parsed.data;
  throw new AppError(
    "RUN_003",
    `The input of ${tool.name} is not valid: ${z.prettifyError(parsed.error)}\nCall it again with an input that matches its schema.`,
  );
}

function runBounded(tool: Tool, input: unknown, context: ToolContext, timeoutMs: number): Promise<string | ToolOutput> {
  const { clock, signal } = context;
  const stop = new AbortController();
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => {
      const seconds = timeoutMs / 1000;
      fail(
        new AppError(
          "RUN_003",
          `${tool.name} did not answer within ${seconds} s and was stopped. Go on without it, or ask for less.`,
        ),
      );
    });
    const onAbort = (): void => fail(new AppError("RUN_001", `The turn was aborted while ${tool.name} ran.`));
    const settle = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
    };
    const fail = (error: AppError): void => {
      settle();
      stop.abort(error);
      reject(error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    // The extra async turns a tool that throws before its first await into a rejection.
    (async () => await tool.run(input, { ...context, signal: stop.signal }))().then(
      (output) => {
        settle();
        resolve(output);
      },
      (thrown: unknown) => fail(AppError.from(thrown, "RUN_003")),
    );
  });
}

/** Cuts on a character's edge: half a character would be a replacement sign in the transcript. */
function capOutput(output: string, maxBytes: number): string {
  const bytes = Buffer.byteLength(output);
  if (bytes <= maxBytes) return output;
  let end = maxBytes;
  const buffer = Buffer.from(output);
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${buffer.toString("utf8", 0, end)}\n[cut: ${end} of ${bytes} bytes shown; ask for a smaller part]`;
}
