/** What is sent: odd characters, ids of calls from anywhere, and conversations that another protocol began. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ModelMessage } from "../../domain/conversation.ts";
import type { ModelRequest } from "../contract.ts";
import {
  callsOf,
  collect,
  endOf,
  failureOf,
  forever,
  modelInfo,
  modelRequest,
  played,
  textOf,
  timeTool,
  tinyPng,
  userSays,
  type Bench,
  type ConformanceHarness,
} from "./bench.ts";

/** Half a pair, beyond the first plane, right to left, nothing, marks that ends lines where nobody expects it. */
const odd = "a\ud800b 🌞👩‍👩‍👧 \u202eשלום\u202c \u0000 e\u0301 \u2028\u2029 \ufffe \udfff";

export function requesting(bench: Bench, harness: ConformanceHarness): void {
  oddCharacters(bench, harness);
  callIds(bench, harness);
  handOver(bench, harness);
}

function oddCharacters(bench: Bench, { row }: ConformanceHarness): void {
  it(`${row}: odd characters go out whole, wherever they stand`, async () => {
    const asked = modelRequest("", {
      system: `system ${odd}`,
      messages: conversation({ callId: "c1", text: odd, input: { zone: odd, [odd]: [odd] }, output: odd }),
      tools: [{ ...timeTool, description: odd }],
    });
    expect(endOf(await played(bench, { text: "fine" }, asked)).reason).toBe("stop");
    const [seen] = bench.emulator().requests;
    expect(halves(seen?.body)).toEqual([]);
    const sent = strings(seen?.body).join("\n");
    for (const part of ["🌞👩‍👩‍👧", "\u202eשלום\u202c", "\u0000", "e\u0301", "\u2028\u2029", "a\ufffdb"])
      expect(sent).toContain(part);
  });

  it(`${row}: odd characters come in as they are, even in halves`, async () => {
    const text = ["\u0000a", "\ud83c", "\udf1e", "\u202eשלום", "\u2028", "e", "\u0301"];
    const input = { zone: "🌞\u0000\u202e\u2029", note: '\\"}{' };
    const events = await played(
      bench,
      { text, toolCalls: [{ name: "time", input }] },
      modelRequest("x", { tools: [timeTool] }),
    );
    expect(textOf(events)).toBe(text.join(""));
    expect(callsOf(events)).toMatchObject([{ input }]);
  });

  it(`${row}: any text goes out and comes back`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", minLength: 1 }), async (text) => {
        bench.emulator().play({ text: [`>${text.toWellFormed()}<`] });
        const events = await collect(bench.open().stream(modelRequest(`-${text}-`), forever));
        expect(textOf(events)).toBe(`>${text.toWellFormed()}<`);
        expect(bench.emulator().requests.at(-1)?.lastText).toBe(`-${text.toWellFormed()}-`);
      }),
      { numRuns: 25 },
    );
  });
}

function callIds(bench: Bench, { row }: ConformanceHarness): void {
  const long = "x".repeat(300);
  const given = [
    "call|1:a",
    "call:1|a",
    "call_0",
    "call_0",
    "",
    "",
    `a${long}`,
    `b${long}`,
    "звонок",
    "toolu_01ABC",
    "a b",
    "😀",
  ];

  it(`${row}: ids of calls fit, differ, and name their results, whoever gave them`, async () => {
    await check(given);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constantFrom(...given), fc.string({ maxLength: 90 })), { minLength: 1, maxLength: 8 }),
        async (ids) => void (await check(ids)),
      ),
      { numRuns: 25 },
    );
  });

  it("the name that a call has on the wire stays the same from request to request", async () => {
    const first = await check(given.slice(0, 4));
    const second = await check(given);
    expect(second.slice(0, first.length)).toEqual(first);
  });

  /** One turn a call, and the first two in one. */
  async function check(ids: readonly string[]): Promise<readonly string[]> {
    const call = (callId: string): Extract<ModelMessage, { role: "assistant" }>["content"][number] => ({
      type: "tool-call",
      callId,
      tool: "time",
      input: { zone: "UTC" },
    });
    const result = (callId: string): Extract<ModelMessage, { role: "tool" }>["results"][number] => ({
      callId,
      tool: "time",
      output: "noon",
      isError: false,
    });
    const turns = [ids.slice(0, 2), ...ids.slice(2).map((id) => [id])].filter((turn) => turn.length > 0);
    const messages = turns.flatMap((turn): ModelMessage[] => [
      userSays("how late?"),
      { role: "assistant", content: turn.map(call) },
      { role: "tool", results: turn.map(result) },
    ]);
    endOf(await played(bench, { text: "fine" }, modelRequest("", { messages, tools: [timeTool] })));
    const wire = idsOf(bench.emulator().requests.at(-1)?.body);
    for (const id of wire.calls) expect(id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(new Set(wire.calls).size).toBe(wire.calls.length);
    expect(wire.results).toEqual(wire.calls);
    // Where the wire has ids at all, each call has one.
    if (wire.calls.length > 0) expect(wire.calls).toHaveLength(ids.length);
    return wire.calls;
  }
}

/** What each protocol of the house closes a block of thoughts with, and what none does. */
const foreignSeals = [
  "anthropic/claude-x:SEALED",
  "anthropic-redacted/claude-x:SEALED",
  "google/gemini-x:SEALED",
  "google-call/gemini-x:SEALED",
  "openai-reasoning/o-x:rs_1|SEALED",
  "reasoning-content/m-x:SEALED",
  "bedrock/claude-x:SEALED",
  "openrouter/m-x:SEALED",
  "SEALED",
];

function handOver(bench: Bench, { row }: ConformanceHarness): void {
  it.each(foreignSeals)(
    `${row}: a conversation sealed with %s goes on, and loses nothing but the seal`,
    async (seal) => {
      const messages = conversation({
        callId: "call|1:a",
        text: "said before",
        input: { zone: "Europe/Vienna" },
        output: "12:34",
      });
      const [asked, answered, ...rest] = messages as [
        ModelMessage,
        Extract<ModelMessage, { role: "assistant" }>,
        ...ModelMessage[],
      ];
      const thought = { type: "thinking", text: "thought by another", signature: seal } as const;
      const content = [thought, ...answered.content.slice(0, 1), thought, ...answered.content.slice(1)];
      const request: ModelRequest = modelRequest("", {
        messages: [asked, { role: "assistant", content }, ...rest],
        tools: [timeTool],
        model: modelInfo({ reasoning: true }),
        thinking: "low",
      });
      expect(textOf(await played(bench, { text: "going on" }, request))).toBe("going on");
      const sent = JSON.stringify(bench.emulator().requests[0]?.body);
      for (const kept of ["a question", tinyPng, "said before", "Europe/Vienna", "12:34", "and now?"])
        expect(sent).toContain(kept);
      expect(sent).not.toContain("SEALED");
      expect(sent).not.toContain("thought by another");
    },
  );

  it("what is nothing on the wire does not stop a conversation", async () => {
    const messages: ModelMessage[] = [
      userSays("x"),
      { role: "assistant", content: [] },
      { role: "assistant", content: [{ type: "text", text: "" }] },
      { role: "assistant", content: [{ type: "thinking", text: "alone", signature: "SEALED" }] },
      { role: "user", content: [] },
      userSays(""),
    ];
    const events = await played(bench, { text: "fine" }, modelRequest("", { messages }));
    expect(textOf(events)).toBe("fine");
    expect(failureOf(await played(bench, { status: 500 }, modelRequest("", { messages }))).code).toBe("MODEL_004");
  });
}

function conversation(said: {
  readonly callId: string;
  readonly text: string;
  readonly input: unknown;
  readonly output: string;
}): ModelMessage[] {
  const { callId, text, input, output } = said;
  return [
    {
      role: "user",
      content: [
        { type: "text", text: `a question ${text}` },
        { type: "file", attachment: { type: "image", mimeType: "image/png", data: tinyPng, fileName: `${text}.png` } },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "text", text },
        { type: "tool-call", callId, tool: "time", input },
      ],
    },
    { role: "tool", results: [{ callId, tool: "time", output, isError: false }] },
    userSays(`and now? ${text}`),
  ];
}

function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...strings(item)]);
}

function halves(value: unknown): string[] {
  return strings(value).filter((text) => !text.isWellFormed());
}

interface WireIds {
  readonly calls: string[];
  readonly results: string[];
}

/** In the words of any protocol, in the order of the wire. */
function idsOf(value: unknown, found: WireIds = { calls: [], results: [] }): WireIds {
  if (typeof value !== "object" || value === null) return found;
  const node = value as Readonly<Record<string, unknown>>;
  const add = (list: string[], id: unknown): void => void (typeof id === "string" && list.push(id));
  if (node["type"] === "tool_use" || (node["type"] === "function" && "id" in node)) add(found.calls, node["id"]);
  if (node["type"] === "function_call") add(found.calls, node["call_id"]);
  if (node["type"] === "function_call_output") add(found.results, node["call_id"]);
  add(found.results, node["tool_use_id"]);
  add(found.results, node["tool_call_id"]);
  for (const [key, list, name] of [
    ["functionCall", found.calls, "id"],
    ["functionResponse", found.results, "id"],
    ["toolUse", found.calls, "toolUseId"],
    ["toolResult", found.results, "toolUseId"],
  ] as const) {
    const part = node[key];
    if (typeof part === "object" && part !== null) add(list, (part as Readonly<Record<string, unknown>>)[name]);
  }
  for (const item of Object.values(node)) idsOf(item, found);
  return found;
}
