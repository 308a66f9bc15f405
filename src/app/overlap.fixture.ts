/** A house in which messages overlap: a model that can be held in the middle of a step, and a tool that can be held too. For tests. */
import { z } from "zod";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { systemClock, type Clock, type Timer } from "../platform/clock.ts";
import type { ModelRequest } from "../providers/contract.ts";
import type { Tool } from "../tools/contract.ts";
import type { Script, TestWay } from "./way.fixture.ts";

export const main = "agent:main:main";

export type Queue = Config["messages"]["queue"];

/** What is gathered rests for 20 ms here, so that tests need not wait. */
export function queueConfig(part: Partial<Queue>): Config {
  const base = defaultConfig();
  const queue = { ...base.messages.queue, debounceMs: 20, ...part };
  return { ...base, messages: { ...base.messages, queue } };
}

const usage = { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 };

/**
 * A model that first asks for `look`, and with a result of it answers "answer <n>" to the n-th person's line it was shown.
 * A line that begins with "quick" is answered without the tool.
 */
export const looksThenAnswers: Script = async function* (request) {
  const last = request.messages.at(-1);
  const lines = personsLines(request);
  const looked = request.messages
    .slice(request.messages.findLastIndex(isAnswer) + 1)
    .some(({ role }) => role === "tool");
  if (last?.role === "user" && !looked && !(lines.at(-1) ?? "").startsWith("quick")) {
    yield { type: "tool-call", callId: "c1", tool: "look", input: {} };
    yield { type: "end", reason: "tool-calls", usage };
    return;
  }
  yield { type: "text", text: `answer to: ${lines.at(-1) ?? "nothing"}` };
  yield { type: "end", reason: "stop", usage };
};

function isAnswer({ role, content }: { role: string; content?: readonly { type: string }[] }): boolean {
  return role === "assistant" && (content ?? []).every(({ type }) => type !== "tool-call");
}

/** What persons said in it, one text each. */
export function personsLines(request: Pick<ModelRequest, "messages">): string[] {
  return request.messages.flatMap((message) =>
    message.role === "user" ? message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])) : [],
  );
}

export interface HeldTool {
  readonly tool: Tool;
  /** Resolves when it runs for the n-th time (from 1). */
  begun(times: number): Promise<void>;
  release(): void;
  readonly runs: () => number;
}

/** A tool that waits until it is released; from then on it answers at once. */
export function heldTool(): HeldTool {
  const held = Promise.withResolvers<void>();
  let runs = 0;
  let told: (() => void) | undefined;
  return {
    tool: {
      name: "look",
      description: "Looks.",
      inputSchema: z.object({}).strict(),
      effect: "pure",
      async run() {
        runs += 1;
        told?.();
        await held.promise;
        return "seen";
      },
    },
    async begun(times) {
      while (runs < times) await new Promise<void>((resolve) => (told = resolve));
    },
    release: () => held.resolve(),
    runs: () => runs,
  };
}

/** Every message of the session with how it ended, and what its turn said, in the order in which they came. */
export async function endsOf(house: TestWay, runIds: readonly string[]): Promise<readonly string[]> {
  return Promise.all(
    runIds.map(async (runId) => {
      const row = await house.store.inbox.byRunId(runId);
      const turn = await house.store.turns.get(runId);
      return `${row?.state}:${row?.reason}${turn === null ? "" : ` ${turn.text}`}`;
    }),
  );
}

/** The persons' and the assistant's lines of the session, in order; calls and results of tools by a word. */
export async function talkOf(house: TestWay, sessionKey = main): Promise<readonly string[]> {
  const entries = await house.store.sessions.transcript(sessionKey);
  return entries.map(({ body }) => {
    const { role, content } = body["message"] as { role: string; content: { type: string; text?: string }[] };
    const text = content.map((part) => part.text ?? `(${part.type})`).join("");
    return role === "toolResult" ? "tool: (result)" : `${role}: ${text}`;
  });
}

/** The system's clock until its process dies: then nothing of it rings any more. */
export function mortalClock(): { readonly clock: Clock; die(): void } {
  const system = systemClock();
  const timers: Timer[] = [];
  let dead = false;
  const kept = (timer: Timer): Timer => {
    timers.push(timer);
    if (dead) timer.cancel();
    return timer;
  };
  return {
    clock: {
      ...system,
      after: (delayMs, callback) => kept(system.after(delayMs, callback)),
      every: (periodMs, callback) => kept(system.every(periodMs, callback)),
    },
    die() {
      dead = true;
      for (const timer of timers) timer.cancel();
    },
  };
}
