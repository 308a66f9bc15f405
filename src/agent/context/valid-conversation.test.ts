import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AssistantContent, ModelInfo, ModelMessage, ToolResult, UserContent } from "../../domain/conversation.ts";
import type { TranscriptDraft } from "../../store/session-port.ts";
import { assistantEntry, toolEntry } from "../transcript-entry.ts";
import { refusals } from "./provider-rules.fixture.ts";
import { talkOf } from "./talk.ts";
import { validConversation } from "./valid-conversation.ts";

const model: ModelInfo = {
  ref: "p/m",
  provider: "p",
  id: "m",
  name: "m",
  contextWindow: null,
  maxTokens: null,
  reasoning: false,
  input: ["text", "image"],
  price: undefined,
};

function valid(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  return validConversation(messages, model).messages;
}

// ---------------------------------------------------------------- anything at all

const anyText = fc.oneof(fc.string(), fc.constantFrom("", " ", "\n\t", "hello", "\ud83d", "a\udc00b", "答え"));
const anyId = fc.oneof(fc.constantFrom("a", "b", "c", "", "fc_1|x y", "x".repeat(70)), fc.string());
const anyTool = fc.constantFrom("time", "web.search", "", "mcp::files/read", "n".repeat(90));
const assistantPart: fc.Arbitrary<AssistantContent> = fc.oneof(
  anyText.map((text) => ({ type: "text", text }) as const),
  fc.record({ callId: anyId, tool: anyTool }).map((call) => ({ type: "tool-call", ...call, input: {} }) as const),
  anyText.map((text) => ({ type: "thinking", text }) as const),
  fc.constantFrom("", "p:seal").map((signature) => ({ type: "thinking", text: "hm", signature }) as const),
);
const anyResult: fc.Arbitrary<ToolResult> = fc.record({
  callId: anyId,
  tool: anyTool,
  output: anyText,
  isError: fc.boolean(),
});
const userPart: fc.Arbitrary<UserContent> = fc.oneof(
  anyText.map((text) => ({ type: "text", text }) as const),
  fc.constantFrom<UserContent>(
    { type: "file", attachment: { type: "image", data: "AAAA", mimeType: "image/png" } },
    { type: "file", attachment: { type: "document", mediaId: "gone", fileName: "plan.pdf" } },
  ),
);
const anyMessage: fc.Arbitrary<ModelMessage> = fc.oneof(
  fc.array(userPart, { maxLength: 3 }).map((content) => ({ role: "user", content }) as const),
  fc.array(assistantPart, { maxLength: 5 }).map((content) => ({ role: "assistant", content }) as const),
  fc.array(anyResult, { maxLength: 4 }).map((results) => ({ role: "tool", results }) as const),
);

// ---------------------------------------------------------------- real transcripts, then broken

interface Exchange {
  readonly question: string;
  readonly rounds: readonly number[];
  readonly answer: string;
}

const anyExchange: fc.Arbitrary<Exchange> = fc.record({
  question: fc.constantFrom("what time is it?", "and now?", "thanks"),
  rounds: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
  answer: fc.constantFrom("Noon.", "Done."),
});

/** As turns write them: the question, rounds of thought, calls and results, the answer. */
function transcriptOf(exchanges: readonly Exchange[]): TranscriptDraft[] {
  let next = 0;
  const id = (): string => (next++).toString(16).padStart(8, "0");
  return exchanges.flatMap(({ question, rounds, answer }, turn) => {
    const said = (content: readonly AssistantContent[]): TranscriptDraft =>
      assistantEntry({
        id: id(),
        runId: `run${turn}`,
        content,
        model,
        api: "demo",
        usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 },
        stopReason: "stop",
        atMs: turn,
      });
    const asked: TranscriptDraft = {
      id: id(),
      type: "message",
      atMs: turn,
      body: { message: { role: "user", content: [{ type: "text", text: question }] } },
    };
    const steps = rounds.flatMap((calls, round) => {
      // Servers in the field name their first call the same in every turn.
      const ids = Array.from({ length: calls }, (_, index) => `call_${round}_${index}`);
      return [
        said([
          { type: "thinking", text: "let me see", signature: "p:1" },
          ...ids.map((callId) => ({ type: "tool-call", callId, tool: "time", input: {} }) as const),
        ]),
        ...ids.map((callId) => toolEntry(id(), { callId, tool: "time", output: "12:00", isError: false }, turn)),
      ];
    });
    return [asked, ...steps, said([{ type: "text", text: answer }])];
  });
}

type Damage = (entries: readonly TranscriptDraft[]) => readonly TranscriptDraft[];

const position = fc.double({ min: 0, max: 1, noNaN: true });
const anyDamage: fc.Arbitrary<Damage> = fc.oneof(
  position.map(
    (at): Damage =>
      (entries) =>
        entries.slice(0, Math.floor(at * entries.length)),
  ),
  position.map(
    (at): Damage =>
      (entries) =>
        entries.slice(Math.floor(at * entries.length)),
  ),
  position.map(
    (at): Damage =>
      (entries) =>
        entries.toSpliced(Math.floor(at * entries.length), 1),
  ),
  fc.tuple(position, position).map(([from, to]): Damage => (entries) => {
    const copied = entries[Math.floor(from * entries.length)];
    return copied === undefined ? entries : entries.toSpliced(Math.floor(to * entries.length), 0, copied);
  }),
  fc.tuple(position, position).map(([from, to]): Damage => (entries) => {
    const index = Math.floor(from * entries.length);
    const moved = entries[index];
    return moved === undefined
      ? entries
      : entries.toSpliced(index, 1).toSpliced(Math.floor(to * entries.length), 0, moved);
  }),
);

describe("a conversation, put together for a model", () => {
  it("is one that no provider refuses, whatever it was made of", () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 14 }), (messages) => {
        expect(refusals(valid(messages))).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });

  it("is one that no provider refuses, whatever was cut out of, doubled in or moved within its transcript", () => {
    fc.assert(
      fc.property(
        fc.array(anyExchange, { minLength: 1, maxLength: 5 }),
        fc.array(anyDamage, { minLength: 1, maxLength: 4 }),
        (exchanges, damages) => {
          const damaged = damages.reduce(
            (entries, damage) => damage(entries),
            transcriptOf(exchanges) as readonly TranscriptDraft[],
          );
          expect(refusals(valid(talkOf(damaged).map(({ message }) => message)))).toEqual([]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("is one that no provider refuses, when its transcript or its steps are cut at any byte", () => {
    fc.assert(
      fc.property(fc.array(anyExchange, { minLength: 1, maxLength: 4 }), position, (exchanges, at) => {
        const lines = transcriptOf(exchanges).map((entry) => JSON.stringify(entry));
        const whole = lines.join("\n");
        const cut = whole.slice(0, Math.floor(at * whole.length)).split("\n");
        const entries = cut.flatMap((line): TranscriptDraft[] => {
          try {
            return [JSON.parse(line) as TranscriptDraft];
          } catch {
            return [];
          }
        });
        // A restart puts the steps that it finds behind the message; the same half exchange may stand before it too.
        const steps = talkOf(entries).map(({ message }) => message);
        const input: ModelMessage = { role: "user", content: [{ type: "text", text: "go on" }] };
        expect(refusals(valid([...steps, input, ...steps]))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is the same when it is made valid again, and stays what it was where it was valid", () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 14 }), (messages) => {
        const once = valid(messages);
        const twice = valid(once);
        expect(twice).toEqual(once);
        // The same objects: what is known of them need not be found out again.
        expect(twice.every((message, index) => message === once[index])).toBe(true);
        expect(validConversation(once, model).repairs).toEqual({});
      }),
      { numRuns: 1_000 },
    );
    const sound = talkOf(transcriptOf([{ question: "what time is it?", rounds: [2], answer: "Noon." }])).map(
      ({ message }) => message,
    );
    const asked: ModelMessage = { role: "user", content: [{ type: "text", text: "thanks" }] };
    expect(valid([...sound, asked])).toEqual([...sound, asked]);
  });

  it("begins the same whatever is said next, so that a prompt cache holds", () => {
    const asked: ModelMessage = { role: "user", content: [{ type: "text", text: "next" }] };
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 10 }), fc.array(anyMessage, { maxLength: 6 }), (before, more) => {
        const first = valid([...before, { role: "assistant", content: [{ type: "text", text: "so" }] }, asked]);
        const second = valid([
          ...before,
          { role: "assistant", content: [{ type: "text", text: "so" }] },
          asked,
          { role: "assistant", content: [{ type: "text", text: "yes" }] },
          ...more,
        ]);
        expect(second.slice(0, first.length)).toEqual(first);
      }),
    );
  });

  it("gives the second call of an id another one, with its result, and the same one every time", () => {
    const round = (output: string): ModelMessage[] => [
      { role: "assistant", content: [{ type: "tool-call", callId: "call_0", tool: "time", input: {} }] },
      { role: "tool", results: [{ callId: "call_0", tool: "time", output, isError: false }] },
    ];
    const asked: ModelMessage = { role: "user", content: [{ type: "text", text: "?" }] };
    const messages = valid([asked, ...round("one"), ...round("two")]);
    const results = messages.flatMap((message) => (message.role === "tool" ? message.results : []));
    expect(results.map(({ output }) => output)).toEqual(["one", "two"]);
    expect(new Set(results.map(({ callId }) => callId)).size).toBe(2);
    expect(results[0]?.callId).toBe("call_0");
    expect(valid([asked, ...round("one"), ...round("two")])).toEqual(messages);
  });

  it("says in its place that a file is gone, and keeps one that is at hand", () => {
    const lost: UserContent = { type: "file", attachment: { type: "document", mediaId: "x", fileName: "plan.pdf" } };
    const here: UserContent = { type: "file", attachment: { type: "image", data: "AAAA" } };
    const { messages, repairs } = validConversation([{ role: "user", content: [lost, here] }], model);
    expect(messages).toEqual([
      {
        role: "user",
        content: [{ type: "text", text: '[The user sent a file that is not at hand: document "plan.pdf"]' }, here],
      },
    ]);
    expect(repairs).toEqual({ "noted-file": 1 });
  });
});
