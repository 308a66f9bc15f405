/**
 * May this be done here, by whom, and why: one resolver for every path that leads to a tool (agent, `/tools/invoke`, MCP,
 * skills, sub-agents, slash commands). `permits` says whether a tool may be used at all, `decide` judges one call.
 */
import type { Act } from "../domain/act.ts";
import type { Taint } from "../domain/taint.ts";
import type { Tier } from "../domain/tier.ts";
import type { TurnOrigin } from "../domain/turn-origin.ts";
import type { GrantProposal, PlannedCommand } from "../exec/contract.ts";

/** Who asks, from where, with what. JSON-safe: it is kept with the decision, so that another policy can be tried on it. */
export interface PolicyFacts {
  readonly agentId: string;
  readonly origin: TurnOrigin;
  readonly sessionKey: string;
  /** Channel and account of the message; null where none brought it. */
  readonly channel: string | null;
  readonly accountId: string | null;
  readonly chatKind: "dm" | "group" | "channel" | "thread" | null;
  /** The platform's id of who wrote; never a name, never taken from a tool's arguments. */
  readonly senderId: string | null;
  readonly isOwner: boolean;
  /** Provider of the model that asks; null before one is chosen. */
  readonly provider: string | null;
  readonly tier: Tier | null;
  /** Whether commands of this turn run in a sandbox. */
  readonly sandboxed: boolean;
  /** The tools of whoever gave birth to the turn; null: nobody did. */
  readonly within: readonly string[] | null;
  /** Whether the agent's session is its main one. */
  readonly isMain: boolean;
}

export interface CallFacts extends PolicyFacts {
  readonly tool: string;
  readonly act: Act;
  /** What is in the context that no admitted person typed. */
  readonly taint: readonly Taint[];
}

/** One rule that was looked at. `where`: a path of the configuration (`tools.deny[0]`), a grant's id, or `built-in`. */
export interface Rule {
  readonly where: string;
  /** For people, one sentence. */
  readonly says: string;
}

export interface ToolVerdict {
  readonly allowed: boolean;
  /** The one that decided. */
  readonly rule: Rule;
}

export type Decision =
  /** `command` is set where the act is a command: exactly this may run. */
  | {
      readonly effect: "allow";
      readonly rule: Rule;
      readonly trail: readonly Rule[];
      readonly command: PlannedCommand | null;
    }
  | { readonly effect: "ask"; readonly rule: Rule; readonly trail: readonly Rule[]; readonly question: Question }
  /** `message` is for the model: why, and what it can do instead. `final`: no approval can lift it. */
  | { readonly effect: "deny"; readonly rule: Rule; readonly trail: readonly Rule[]; readonly message: string };

/** What a person is asked. What it shows is all that runs. */
export interface Question {
  readonly tool: string;
  /** What is to be done, whole and exact; shown as it is, never cut. */
  readonly shown: string;
  /** Why it is asked, for people: one sentence each. */
  readonly reasons: readonly string[];
  /** What the assistant had read when it asked. */
  readonly taint: readonly Taint[];
  /** SHA-256 of everything that the consent is for. */
  readonly binding: string;
  readonly command: PlannedCommand | null;
  /** What "always" would allow from now on; null where it cannot be allowed for good. */
  readonly always: GrantProposal | null;
  /** What is done where nobody can be asked: from `askFallback`. */
  readonly fallback: "deny" | "allow";
}

export interface Policy {
  /** For the tools a turn is shown, and again at each call. Synchronous, a few microseconds. */
  permits(tool: string, facts: PolicyFacts): ToolVerdict;
  /** Never throws for what it judges; `trail` names every rule that was looked at, in order. */
  decide(call: CallFacts): Promise<Decision>;
}

/** Who would have written, by what a platform proves. */
export type ShownSender = Pick<PolicyFacts, "channel" | "accountId" | "chatKind" | "senderId">;

/** A call that nobody makes. What is left out is what it would be for that agent and sender. */
export interface AskedFacts extends Partial<CallFacts> {
  readonly agentId: string;
  readonly tool: string;
  /** What it would be about, in one line, where no act is given: a command, a path, an address. */
  readonly words?: string;
}

export interface DecidedSide {
  readonly effect: Decision["effect"];
  /** Where the rule stands that decides. */
  readonly rule: string;
}

/** A recorded decision that another configuration would make otherwise. */
export interface OtherwiseDecided {
  readonly id: string;
  readonly atMs: number;
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly tool: string;
  /** The act, cut to a line or two. */
  readonly shown: string;
  readonly before: DecidedSide;
  /** By today's configuration: another answer than `before` says that the world has changed since. */
  readonly now: DecidedSide;
  readonly after: DecidedSide & { readonly says: string };
}

/** For people: what would be decided, by the very resolver that decides. Changes nothing. */
export interface PolicyView {
  explain(asked: AskedFacts): Promise<{ readonly facts: CallFacts; readonly decision: Decision }>;
  /** One page of the record, oldest first. Throws CFG_001–004 where the candidate cannot be used. */
  diff(options: {
    readonly candidate: string;
    readonly sinceMs: number;
    readonly limit?: number;
    readonly cursor?: string;
    /** Also those that another rule would decide the same way. */
    readonly rules?: boolean;
  }): Promise<{
    readonly looked: number;
    /** Decisions whose facts were too large to be kept whole. */
    readonly skipped: number;
    readonly changed: readonly OtherwiseDecided[];
    readonly nextCursor: string | null;
  }>;
}
