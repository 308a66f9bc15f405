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

export function createSimulatedModel(time: Clock, behaviour: () => ModelBehaviour): SimulatedModel {
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
        for (const [index, text] of answerTo(tokens).entries()) {
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
export function marksOf(token: string): readonly string[] {
  return [`${token}#1`, `${token}#2`];
}

/** Two paragraphs for each message, which are two pieces on the platform. */
function answerTo(tokens: readonly string[]): readonly string[] {
  return tokens.flatMap(marksOf).map((mark, index) => `${index === 0 ? "" : "\n\n"}Answer ${mark}.`);
}
