/**
 * Everything that happens, as one union of typed events on one bus. The gateway fans them out to clients,
 * the trace of a message is made of them, and nothing else is told by calling somebody directly.
 */
import type { AppErrorJson } from "./app-error.ts";
import type { ToolCall } from "./conversation.ts";
import type { FailureReason } from "./failure-reason.ts";
import type { Address } from "./message.ts";
import type { TokenUsage } from "./money.ts";

/** Why a turn ended. */
export type StopReason = "stop" | "length" | "tool-calls" | "content-filter" | "aborted" | "error";

export const connectionStates = [
  "DISCONNECTED",
  "CONNECTING",
  "CONNECTED",
  "RECONNECTING",
  "ERROR",
  "PERMANENTLY_FAILED",
] as const;
export type ConnectionState = (typeof connectionStates)[number];

/** What a person can decide about a part: a held one is approved or denied, one in doubt is settled as one of the rest. */
export type PartDecision = "approved" | "denied" | "resend" | "sent" | "drop";

interface RunScoped {
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly atMs: number;
}

/** One step of a turn's pipeline. */
export interface PipelineStep {
  readonly step: string;
  readonly tookMs: number;
  /** The code of its failure; absent where it did what it is for. */
  readonly failed?: string;
  /** What is worth knowing of it, JSON-safe. */
  readonly data?: unknown;
}

export type AppEvent =
  // The way of a message.
  | { type: "message.received"; messageId: string; address: Address; atMs: number }
  | { type: "message.refused"; messageId: string; address: Address; reason: string; atMs: number }
  | ({ type: "run.started"; messageId: string } & RunScoped)
  /** `text` is what this delta adds; `soFar` the whole text of the run up to and with it. */
  | ({ type: "run.text"; text: string; soFar: string } & RunScoped)
  | ({ type: "run.thinking"; text: string } & RunScoped)
  /** The answer of this step begins anew, from another model perhaps: of the text so far, only `soFar` still counts. */
  | ({ type: "run.restarted"; soFar: string } & RunScoped)
  /** How the answer comes about, where a person may want to know. */
  | ({
      type: "run.notice";
      kind: "failover" | "thinking" | "compaction" | "budget" | "approval" | "memory";
      text: string;
      /** Of kind `approval`: the question that is open. */
      approvalId?: string;
    } & RunScoped)
  /** Which model was to answer, and what spoke for and against each that was looked at: the decision log of a turn. */
  | ({
      type: "model.chosen";
      model: string;
      profileId: string | null;
      tier: string | null;
      /** The router's score, 0 to 1; null where it did not look. */
      score: number | null;
      considered: readonly {
        readonly model: string;
        readonly profileId: string | null;
        readonly verdict: string;
        readonly step: string;
        readonly why: string;
      }[];
    } & RunScoped)
  /** A model was asked in vain. `recovery`: what is done about it. */
  | ({
      type: "model.failed";
      model: string;
      profileId: string | null;
      reason: FailureReason;
      error: AppErrorJson;
      recovery: string;
    } & RunScoped)
  /** What policy said of a call, and by which rule. `facts` are those it was judged by. */
  | ({
      type: "tool.decided";
      callId: string;
      tool: string;
      effect: "allow" | "ask" | "deny";
      rule: string;
      says: string;
      facts: unknown;
    } & RunScoped)
  /** The turn waits for a person and gives its place back. */
  | ({ type: "run.parked"; approvalId: string; untilMs: number } & RunScoped)
  /** How the turn came to where it is, for its trace: the steps of the pipeline in their order. */
  | ({ type: "run.steps"; steps: readonly PipelineStep[] } & RunScoped)
  | ({ type: "tool.started"; callId: string; tool: string; input: unknown } & RunScoped)
  | ({ type: "tool.completed"; callId: string; tool: string; output: string } & RunScoped)
  | ({ type: "tool.failed"; callId: string; tool: string; error: AppErrorJson } & RunScoped)
  /** The one terminal event of a run; it is sent after the commit that holds its result. */
  | ({
      type: "run.ended";
      outcome: "final" | "aborted" | "error";
      text: string;
      stopReason: StopReason;
      usage: TokenUsage;
      costMicros: number | null;
      model: string;
      /** Calls of the caller's own tools that ended the turn; empty otherwise. */
      toolCalls: readonly ToolCall[];
      error?: AppErrorJson;
    } & RunScoped)
  | {
      type: "message.sent";
      partId: string;
      runId: string | null;
      address: Address;
      platformMessageId: string | null;
      atMs: number;
    }
  | {
      type: "message.unsent";
      partId: string;
      runId: string | null;
      address: Address;
      state: "unknown" | "failed" | "expired";
      error: AppErrorJson;
      atMs: number;
    }
  /** A part waits for a person's word. */
  | { type: "outbox.held"; partId: string; sessionKey: string; address: Address; atMs: number }
  /** Somebody said what becomes of a part that was held or in doubt. */
  | { type: "outbox.decided"; partId: string; decision: PartDecision; by: string; atMs: number }
  /** The list of dead letters changed by a person's hand, or by a message that was given up. */
  | { type: "dlq.changed"; change: "added" | "replayed" | "purged"; ids: readonly string[]; atMs: number }
  /** Somebody is asked about an act. `approval` is the row, as it is shown to whoever may answer. */
  | { type: "approval.requested"; id: string; sessionKey: string; approval: unknown; expiresMs: number; atMs: number }
  | {
      type: "approval.resolved";
      id: string;
      sessionKey: string;
      state: string;
      by: string | null;
      decision: unknown;
      atMs: number;
    }
  // Sessions.
  /** Somebody said "stop" in it: what it started ends too. */
  | { type: "session.stopped"; sessionKey: string; reason: string; atMs: number }
  | { type: "session.created"; sessionKey: string; sessionId: string; atMs: number }
  | { type: "session.changed"; sessionKey: string; change: "patched" | "reset" | "deleted"; atMs: number }
  // The house.
  | { type: "gateway.started"; atMs: number }
  | { type: "gateway.stopping"; reason: string; restartExpectedMs: number | null; atMs: number }
  | {
      type: "channel.state";
      channel: string;
      accountId: string;
      state: ConnectionState;
      previous: ConnectionState;
      reason?: string;
      atMs: number;
    }
  /** A login at a model provider ended, could not be refreshed, or works again. */
  | {
      type: "profile.state";
      profileId: string;
      provider: string;
      state: "usable" | "expired" | "refresh-failed";
      previous: "usable" | "expired" | "refresh-failed";
      reason?: string;
      atMs: number;
    }
  | { type: "config.changed"; version: number; changedPaths: readonly string[]; atMs: number }
  | { type: "config.refused"; reason: string; atMs: number }
  | { type: "health.changed"; version: number; atMs: number }
  | { type: "presence.changed"; version: number; atMs: number };

export type AppEventType = AppEvent["type"];
export type EventOf<T extends AppEventType> = Extract<AppEvent, { type: T }>;

/** Synchronous fan-out. A listener that throws is logged and does not stop the others. */
export interface EventBus {
  emit(event: AppEvent): void;
  /** Every event, or those of one type. Returns the way to stop. */
  on(listener: (event: AppEvent) => void): () => void;
  on<T extends AppEventType>(type: T, listener: (event: EventOf<T>) => void): () => void;
}
