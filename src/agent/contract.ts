/** What the rest of the house may ask of the agent: its turns, by run id, and the models it can use. */
import type { AppError } from "../domain/app-error.ts";
import type { ModelInfo, ModelMessage } from "../domain/conversation.ts";
import type { FailureReason } from "../domain/failure-reason.ts";
import type { Address, InboundMessage } from "../domain/message.ts";
import type { Taint } from "../domain/taint.ts";
import type { InboxRow, Lease, TurnRow } from "../store/port.ts";

export interface Turns {
  /** Stops a running or waiting turn; its text so far is kept. False where nothing of that id runs. */
  abort(runId: string, reason: string): boolean;
  /** Aborts every turn of a session. Returns the run ids. */
  abortSession(sessionKey: string, reason: string): readonly string[];
  /** The terminal row: at once when it has ended, else when it ends; null after the time-out. Works over a restart. */
  wait(runId: string, timeoutMs: number): Promise<TurnRow | null>;
  /** Turns that run now. */
  active(): readonly {
    readonly runId: string;
    readonly sessionKey: string;
    readonly agentId: string;
    readonly startedMs: number;
  }[];
}

/** One call of a tool that a caller of the gateway makes. */
export interface Invocation {
  /** The same id and call again is the same question to a person, and its answer counts. */
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  /** Who asks, as the door has proven it. */
  readonly message: InboundMessage;
  readonly tool: string;
  readonly args: unknown;
  /** Only says what policy would say. */
  readonly dryRun: boolean;
  /** How long the caller waits for a person's answer. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Everything is allowed, and from here on it may have its effect. */
  readonly beforeRun?: () => Promise<void>;
}

export type Invoked =
  | { readonly state: "done"; readonly text: string; readonly from: Taint | null }
  | {
      readonly state: "judged";
      readonly effect: "allow" | "ask" | "deny";
      readonly rule: string;
      readonly says: string;
    }
  /** There is no such tool for this caller: none of that name, or policy keeps it. */
  | { readonly state: "unknown" }
  | { readonly state: "refused"; readonly error: AppError }
  /** Nobody has answered yet; the same call can come back for the answer. */
  | { readonly state: "waiting"; readonly approvalId: string; readonly untilMs: number }
  /** A run of that id is there already. */
  | { readonly state: "under-way" };

/**
 * The gate of the agent's own calls, for a caller without an agent. Throws RPC_003 for a bad input, RUN_003 where the tool
 * fails, RUN_001 where it was aborted, SYS_007 where the gateway stops.
 */
export type InvokeTool = (invocation: Invocation) => Promise<Invoked>;

export interface ModelCatalogue {
  list(): readonly ModelInfo[];
  /** By reference, alias or bare id. Undefined where unknown. */
  find(name: string): ModelInfo | undefined;
  /** The model an agent uses when nobody says otherwise. */
  primary(agentId: string): ModelInfo | undefined;
}

export interface AgentInfo {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
  readonly model: string | null;
}

/** Starting the gateway anew, and telling whoever asked when it is back. */
export interface Restarts {
  /** When this run of the gateway began, by the house's clock. */
  readonly startedMs: number;
  /** Roughly how long clients should wait before they come back. */
  readonly expectedMs: number;
  /**
   * Resolves when the wish is durable; the restart then comes by itself, in order. The chat is told once when the gateway
   * is back, whatever happens in between. The same id is the same wish.
   */
  request(wish: RestartWish): Promise<void>;
  /** Whether a wish with this id was fulfilled and its chat told, or is about to be. */
  isTold(id: string): Promise<boolean>;
}

export interface RestartWish {
  readonly id: string;
  /** For the log and for clients. */
  readonly reason: string;
  /** Who is told; null: nobody. */
  readonly chat: { readonly address: Address; readonly sessionKey: string } | null;
}

/** Opens a stream for a turn whose chat wants to see the answer grow; null where it gets it whole. */
export type OpenReplyStream = (row: InboxRow, lease: Lease) => ReplyStream | null;

/**
 * An answer on its way out while it is still being written: in blocks, or as one message that is edited. What it has put
 * out is durable under the turn's lease before it leaves.
 */
export interface ReplyStream {
  /** The whole text so far. Cheap and synchronous; what follows from it happens in the stream's own time. Never throws. */
  update(soFar: string): void;
  /**
   * The answer begins anew: of everything that was told, only `soFar` still counts, and `update` goes on from there. What has
   * left already stays, and is explained in front of what follows. Synchronous. Never throws.
   */
  restart(soFar: string): void;
  /**
   * The text is whole (or will never be): nothing more is put out, and what the turn's result has left to say is told.
   * Idempotent. Never throws.
   */
  end(): Promise<StreamedReply>;
}

export interface StreamedReply {
  /** How much of the text is in the outbox already, in UTF-16 units from its beginning. */
  readonly saidChars: number;
  /** The platform's id of the message that grew: the result's part replaces it. Null where there is none. */
  readonly draftMessageId: string | null;
  /**
   * Goes right in front of the rest, with whatever separates the two: that an earlier attempt was interrupted, or the fence
   * of code whose beginning was said. Null where nothing is to be explained.
   */
  readonly preface: string | null;
}

/**
 * Makes the pictures of a conversation fit a model: those it would refuse for sure, or (with a `reason`) those it has
 * refused. The same array where nothing can or has to be done. Never throws.
 */
export type ShrinkImages = (
  messages: readonly ModelMessage[],
  call: { readonly model: ModelInfo; readonly reason: FailureReason | null; readonly signal: AbortSignal },
) => Promise<readonly ModelMessage[]>;
