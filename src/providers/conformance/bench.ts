/** What all themes of the behaviour suite share: an emulator, a provider that calls it, and words for what comes back. */
import { expect } from "vitest";
import type { Script } from "../../drill/model-emulator/script.ts";
import type { ModelEmulator } from "../../drill/model-emulator/server.ts";
import type { ModelInfo, ModelMessage } from "../../domain/conversation.ts";
import { systemClock } from "../../platform/clock.ts";
import { systemIds } from "../../platform/ids.ts";
import type { ModelEvent, ModelProvider, ModelRequest, ProviderDeps } from "../contract.ts";

export interface ConformanceHarness {
  /** The matrix row that this wire proves. */
  readonly row: string;
  /** What stands behind the root address in the configuration. */
  readonly path: string;
  /** How the mock's fixtures name token counts for this wire; null where it sends zeros, come what may. */
  readonly mockUsage: Readonly<Record<string, number>> | null;
  /** The word with which this wire says that the answer ran out of tokens. */
  readonly lengthFinish: string;
  /** True where a refused token is exchanged and the call sent once more. */
  readonly renewsToken?: boolean;
}

/** A red pixel. */
export const tinyPng =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

export const key = "sk-very-secret-key-0123456789";

export const timeTool = {
  name: "time",
  description: "Tells the time.",
  inputSchema: {
    type: "object",
    properties: { zone: { type: "string" } },
    required: ["zone"],
    additionalProperties: false,
  },
};

export function modelInfo(more: Partial<ModelInfo> = {}): ModelInfo {
  return {
    ref: "mock/m-1",
    provider: "mock",
    id: "m-1",
    name: "m-1",
    contextWindow: null,
    maxTokens: null,
    reasoning: false,
    input: ["text", "image"],
    price: undefined,
    ...more,
  };
}

export function userSays(text: string): ModelMessage {
  return { role: "user", content: [{ type: "text", text }] };
}

export function modelRequest(text: string, more: Partial<ModelRequest> = {}): ModelRequest {
  return { model: modelInfo(), system: "You are brief.", messages: [userSays(text)], tools: [], ...more };
}

export function providerDeps(more: Partial<ProviderDeps> = {}): ProviderDeps {
  return { fetch: (input, init) => fetch(input, init), clock: systemClock(), ids: systemIds(), ...more };
}

/** Everything a call yields; asserts the shape that the contract promises for every call. */
export async function collect(stream: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of stream) events.push(event);
  const terminal = events.filter(({ type }) => type === "end" || type === "failure");
  expect(terminal, "exactly one end or failure").toHaveLength(1);
  expect(events.at(-1), "and it comes last").toBe(terminal[0]);
  return events;
}

export function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === "text" ? event.text : "")).join("");
}

export function endOf(events: readonly ModelEvent[]): Extract<ModelEvent, { type: "end" }> {
  const last = events.at(-1);
  if (last?.type !== "end") expect.fail(`expected an end, got ${JSON.stringify(last)}`);
  return last;
}

export function failureOf(events: readonly ModelEvent[]): Extract<ModelEvent, { type: "failure" }>["error"] {
  const last = events.at(-1);
  if (last?.type !== "failure") expect.fail(`expected a failure, got ${JSON.stringify(last)}`);
  return last.error;
}

export function callsOf(events: readonly ModelEvent[]): Extract<ModelEvent, { type: "tool-call" }>[] {
  return events.filter((event): event is Extract<ModelEvent, { type: "tool-call" }> => event.type === "tool-call");
}

export const forever = new AbortController().signal;

export interface Bench {
  emulator(): ModelEmulator;
  open(deps?: Partial<ProviderDeps>, baseUrl?: string): ModelProvider;
}

export async function played(
  bench: Bench,
  script: Script,
  request: ModelRequest = modelRequest("hello"),
): Promise<ModelEvent[]> {
  bench.emulator().play(script);
  return collect(bench.open().stream(request, forever));
}
