/**
 * What a tool is: something an agent can do, with a schema for its input, an honest word about its effect, and a plain one
 * about what it is about to do. A folder per tool; `registry.ts` names them.
 */
import type { ZodType } from "zod";
import type { Act } from "../domain/act.ts";
import type { ApprovedCommand } from "../domain/authority.ts";
import type { Address } from "../domain/message.ts";
import type { Taint } from "../domain/taint.ts";
import type { BornRights, TurnOrigin } from "../domain/turn-origin.ts";
import type { Clock } from "../platform/clock.ts";

/** What running it twice does. `pure`: nothing. `idempotent`: the same. `unsafe`: something again. */
export type ToolEffect = "pure" | "idempotent" | "unsafe";

export interface Tool<Input = unknown> {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: ZodType<Input>;
  /** JSON Schema as somebody else told it, where `inputSchema` cannot say it; shown to the model in its place. */
  readonly shownSchema?: Readonly<Record<string, unknown>>;
  readonly effect: ToolEffect;
  /** Of the effect, where it depends on the input (`process` that polls or kills). */
  effectOf?(input: Input): ToolEffect;
  /**
   * What this call is about to do, judged before it runs; `look` where absent. Reads at most, changes nothing. Throws as
   * `run` does where the call makes no sense.
   */
  plan?(input: Input, context: ToolContext): Promise<Act>;
  /** Longest time of one call, where it is not the house's 30 s. The clock does not run while a person is asked. */
  timeoutMs?(input: Input): number;
  /** Returns what the model reads. Throws AppError RUN_003 with a sentence the model can act on. */
  run(input: Input, context: ToolContext): Promise<string | ToolOutput>;
}

export interface ToolOutput {
  readonly text: string;
  /** Where the words came from, where no admitted person typed them: they are wrapped, and the context is tainted. */
  readonly from?: Taint;
}

/** Of the turn that calls, from what was proven about it; nothing here is taken from the model's words. */
export interface ToolContext {
  readonly clock: Clock;
  readonly runId: string;
  readonly callId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly signal: AbortSignal;
  readonly origin: TurnOrigin;
  /** The chat that the turn answers. */
  readonly address: Address;
  readonly senderId: string;
  readonly isOwner: boolean;
  readonly isGroup: boolean;
  /** Absolute; the folder in which the agent works. May not exist yet. */
  readonly workspace: string;
  /** Names of the tools that this turn may use: what a child may have at most. */
  readonly toolNames: readonly string[];
  readonly taint: readonly Taint[];
  readonly born: BornRights | null;
  /** Set for `run` where `plan` said `command`: exactly this may run. */
  readonly command: ApprovedCommand | null;
}
