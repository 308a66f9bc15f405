/**
 * The model of a simulation: it answers by rule, takes its time, and keeps the bill. It lives outside of every process, as
 * a provider does, so that an answer that was paid for and lost is still paid for.
 */
import type { Clock } from "../../platform/clock.ts";
import type { ModelCall } from "../truth.ts";

/** What is asked: the newest text of a person, and whether the result of a tool came behind it. */
export interface ModelQuestion {
  readonly personsText: string;
  readonly lastRole: "user" | "tool";
  /** Everything the model is given to read. */
  readonly promptChars: number;
}

export type ModelPiece =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool-call"; readonly tool: string; readonly input: unknown }
  | { readonly type: "end"; readonly inputTokens: number; readonly outputTokens: number }
  | { readonly type: "failure" };

export type ModelBehaviour = "answer" | "fail" | "cut" | "slow";

/** How the model writes; two paragraphs at once where nobody says otherwise. */
export interface Writing {
  /** Of an answer to one message; each has a mark of its own. */
  readonly pieces: number;
  /** Before each piece but the first. */
  readonly paceMs: number;
  /** Between two pieces: a blank line makes two messages of them. */
  readonly separator: string;
}

export const writtenAtOnce: Writing = { pieces: 2, paceMs: 0, separator: "\n\n" };

export interface SimulatedModel {
  readonly calls: readonly ModelCall[];
  ask(question: ModelQuestion): AsyncIterable<ModelPiece>;
}

/** Micro-dollars per token, the same for what is read and what is written. */
export const tokenMicros = 1;

/** More than the house estimates for the same text: what it books for a call that broke is never above the bill. */
function usageOf(promptChars: number): { inputTokens: number; outputTokens: number } {
  return { inputTokens: Math.ceil(promptChars / 2), outputTokens: 60 };
}

export function createSimulatedModel(time: Clock, writing: Writing, behaviour: () => ModelBehaviour): SimulatedModel {
  const calls: { -readonly [K in keyof ModelCall]: ModelCall[K] }[] = [];
  return {
    calls,
    async *ask({ personsText, lastRole, promptChars }) {
      const usage = usageOf(promptChars);
      const tokens = tokensIn(personsText);
      const call = {
        step: `${lastRole}:${tokens.join("+")}`,
        atMs: time.nowMs(),
        outcome: "broken" as ModelCall["outcome"],
        costMicros: (usage.inputTokens + usage.outputTokens) * tokenMicros,
      };
      calls.push(call);
      const how = behaviour();
      await time.sleep(how === "slow" ? 20_000 : 300);
      if (how === "fail") {
        yield { type: "failure" };
        return;
      }
      if (/\btool\b/.test(personsText) && lastRole === "user") yield { type: "tool-call", tool: "echo", input: {} };
      else {
        for (const [index, text] of answerTo(tokens, writing).entries()) {
          if (index > 0 && writing.paceMs > 0) await time.sleep(writing.paceMs);
          if (how === "cut" && index > 0) {
            yield { type: "failure" };
            return;
          }
          yield { type: "text", text };
        }
      }
      // Every byte is out; whoever was to read them may be gone.
      call.outcome = "complete";
      yield { type: "end", ...usage };
    },
  };
}

/** What is asked: what was merely said in the same room may stand in the prompt beside it, and wants no answer. */
export function tokensIn(text: string): readonly string[] {
  return [...text.matchAll(/\bquestion\b[^\n]*?\b(m\d+)\b/g)].map(([, token]) => token as string);
}

/** What a complete answer to one message shows. */
export function marksOf(token: string, { pieces }: Writing): readonly string[] {
  return Array.from({ length: pieces }, (_unused, index) => `${token}#${index + 1}`);
}

/** A piece for each mark of each message. */
function answerTo(tokens: readonly string[], writing: Writing): readonly string[] {
  const marks = tokens.flatMap((token) => marksOf(token, writing));
  return marks.map((mark, index) => `${index === 0 ? "" : writing.separator}Answer ${mark}.`);
}
