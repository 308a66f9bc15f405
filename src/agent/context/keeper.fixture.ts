/** A keeper over a session in memory, with a model that sums up by script. For tests. */
import { defaultConfig } from "../../config/default-config.ts";
import type { Config } from "../../config/schema/root.ts";
import type { AppErrorJson } from "../../domain/app-error.ts";
import type { ModelInfo, ModelMessage } from "../../domain/conversation.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog } from "../../platform/log.ts";
import { seededIds } from "../../platform/seeded-ids.ts";
import type { SessionRow, TranscriptDraft, TranscriptEntry } from "../../store/session-port.ts";
import type { CallFacts, MemoryNotes, SummaryRequest, TurnContext, TurnFacts } from "./contract.ts";
import { createContextKeeper } from "./keeper.ts";

export const t0 = Date.UTC(2026, 0, 1);

export function modelOf(changes: Partial<ModelInfo> = {}): ModelInfo {
  return {
    ref: "p/m",
    provider: "p",
    id: "m",
    name: "m",
    contextWindow: 8_000,
    maxTokens: 1_000,
    reasoning: false,
    input: ["text", "image"],
    price: undefined,
    ...changes,
  };
}

export function says(role: "user" | "assistant", text: string): ModelMessage {
  return { role, content: [{ type: "text", text }] };
}

/** A call and its result, as two messages. */
export function round(callId: string, output: string): ModelMessage[] {
  return [
    { role: "assistant", content: [{ type: "tool-call", callId, tool: "look", input: {} }] },
    { role: "tool", results: [{ callId, tool: "look", output, isError: false }] },
  ];
}

export type Script = (
  request: SummaryRequest,
  signal: AbortSignal,
) => Promise<string | AppErrorJson> | string | AppErrorJson;

export interface TestSession {
  readonly entries: TranscriptEntry[];
  readonly asked: SummaryRequest[];
  readonly told: string[];
  /** In the order it happened: `notes`, `summary`, `ask:notes`, `ask:summary`. */
  readonly happened: string[];
  readonly clock: FakeClock;
  settings: Record<string, unknown>;
  /** What was said, as lines of a transcript. */
  say(...messages: ModelMessage[]): void;
  turn(input: ModelMessage | readonly ModelMessage[], changes?: Partial<TurnFacts>): TurnContext;
}

export interface TestSessionOptions {
  readonly script?: Script;
  readonly notes?: MemoryNotes;
  readonly config?: (config: Config) => void;
}

export function openSession({ script = () => "a summary", notes, config }: TestSessionOptions = {}): TestSession {
  const clock = new FakeClock(t0);
  const ids = seededIds(7);
  const shape = structuredClone(defaultConfig()) as Config;
  config?.(shape);
  const entries: TranscriptEntry[] = [];
  const happened: string[] = [];
  const asked: SummaryRequest[] = [];
  const told: string[] = [];
  const push = (draft: TranscriptDraft): TranscriptEntry => {
    const entry = { ...draft, seq: entries.length + 1, parentId: entries.at(-1)?.id ?? null };
    entries.push(entry);
    return entry;
  };
  const session: TestSession = {
    entries,
    asked,
    told,
    happened,
    clock,
    settings: {},
    say: (...messages) => messages.flatMap((message) => draftsOf(message, ids.hex, clock.nowMs())).forEach(push),
    turn(input, changes = {}) {
      const list: readonly ModelMessage[] = Array.isArray(input) ? input : [input as ModelMessage];
      return keeper.open({
        runId: "run",
        sessionKey: "agent:main:main",
        agentId: "main",
        session: { sessionId: "s1", settings: session.settings } as unknown as SessionRow,
        history: { kind: "transcript", entries: [...entries] },
        input: list,
        inputId: "ffff0001",
        isGroup: false,
        signal: new AbortController().signal,
        async summarise(request, signal) {
          asked.push(request);
          happened.push(`ask:${request.purpose}`);
          const answer = await script(request, signal);
          return typeof answer === "string" ? { ok: true, text: answer } : { ok: false, error: answer };
        },
        tell: (text) => told.push(text),
        ...changes,
      });
    },
  };
  const keeper = createContextKeeper({
    sessions: {
      append: (_key, drafts) => {
        happened.push("summary");
        return Promise.resolve(drafts.map(push));
      },
      patch: (_key, settings) => {
        session.settings = { ...session.settings, ...settings };
        return Promise.resolve(null);
      },
    },
    clock,
    ids,
    log: silentLog(),
    config: () => shape,
    pause: () => Promise.resolve(),
    notes: notes === undefined ? undefined : { append: (note) => notesWritten(notes, note, happened) },
  });
  return session;
}

async function notesWritten(
  notes: MemoryNotes,
  note: Parameters<MemoryNotes["append"]>[0],
  happened: string[],
): Promise<"written" | "full"> {
  const written = await notes.append(note);
  happened.push("notes");
  return written;
}

function draftsOf(message: ModelMessage, hex: (bytes: number) => string, atMs: number): TranscriptDraft[] {
  const line = (body: Record<string, unknown>): TranscriptDraft => ({
    id: hex(4),
    type: "message",
    atMs,
    body: { message: body },
  });
  switch (message.role) {
    case "user":
      return [line({ role: "user", content: message.content })];
    case "assistant":
      return [
        line({
          role: "assistant",
          content: message.content.map((part) => {
            if (part.type === "tool-call")
              return { type: "toolCall", id: part.callId, name: part.tool, arguments: part.input };
            return part.type === "thinking" ? { type: "thinking", thinking: part.text } : part;
          }),
        }),
      ];
    case "tool":
      return message.results.map((result) =>
        line({
          role: "toolResult",
          toolCallId: result.callId,
          toolName: result.tool,
          content: [{ type: "text", text: result.output }],
        }),
      );
  }
}

export function callOf(changes: Partial<CallFacts> = {}): CallFacts {
  return { model: modelOf(), system: "You are brief.", tools: [], steps: [], ...changes };
}

/** Every word of a request, for what must or must not be in it. */
export function textOf(messages: readonly ModelMessage[]): string {
  return messages
    .flatMap((message): string[] => {
      if (message.role === "tool") return message.results.map(({ output }) => output);
      return message.content.map((part) => (part.type === "text" ? part.text : ""));
    })
    .join("\n");
}
