/**
 * What a tool is: something an agent can do, with a schema for its input and an honest word about its effect.
 * A folder per tool; `registry.ts` names them.
 */
import type { ZodType } from "zod";
import type { Clock } from "../platform/clock.ts";

/** What running it twice does. `pure`: nothing. `idempotent`: the same. `unsafe`: something again. */
export type ToolEffect = "pure" | "idempotent" | "unsafe";

export interface Tool<Input = unknown> {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: ZodType<Input>;
  readonly effect: ToolEffect;
  /** Returns what the model reads. Throws AppError RUN_003 with a sentence the model can act on. */
  run(input: Input, context: ToolContext): Promise<string>;
}

export interface ToolContext {
  readonly clock: Clock;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly signal: AbortSignal;
}
