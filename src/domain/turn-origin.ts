/** Why a turn runs, and what rights it was born with. Written with the message, so that a restart runs it with no more. */
import type { Taint } from "./taint.ts";

export const turnOrigins = ["chat", "api", "invoke", "subagent", "cron", "heartbeat", "hook"] as const;
/**
 * `chat`: a person in a chat or at the gateway. `api`: an OpenAI client. `invoke`: one tool call by HTTP. `subagent`: another
 * turn. The rest: by the clock or an event.
 */
export type TurnOrigin = (typeof turnOrigins)[number];

/** What a turn that was not started by a person may do at most. */
export interface BornRights {
  readonly parentRunId: string;
  readonly parentSessionKey: string;
  /** 1 for a child of a person's turn. */
  readonly depth: number;
  /** The names of the tools that its parent could use when it was born. */
  readonly tools: readonly string[];
  /** What its parent had read: its task may be made of that. */
  readonly taint: readonly Taint[];
}
