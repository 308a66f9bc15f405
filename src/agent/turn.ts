/** A turn under way: everything the steps read and add to, in one place. */
import type { Config } from "../config/schema/root.ts";
import type { AppErrorJson } from "../domain/app-error.ts";
import type { ModelInfo, ModelMessage, ToolCall, ToolSpec } from "../domain/conversation.ts";
import type { AppEvent, EventBus, StopReason } from "../domain/events.ts";
import type { IdentityLinks } from "../domain/identity.ts";
import type { Address, InboundMessage } from "../domain/message.ts";
import type { TokenUsage } from "../domain/money.ts";
import type { Taint } from "../domain/taint.ts";
import type { ApprovalDesk } from "../approvals/contract.ts";
import type { ConsentDesk } from "./consent-command.ts";
import type { CommandDesk } from "../exec/contract.ts";
import type { Policy } from "../policy/contract.ts";
import type { Surroundings, SurroundingsReader } from "../skills/contract.ts";
import type { Clock } from "../platform/clock.ts";
import type { BudgetDesk, KeptMessage } from "../budget/contract.ts";
import type { Failpoints } from "../platform/failpoints.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { BudgetGate } from "../budget/contract.ts";
import type { Candidate, ModelChoice, ModelDesk } from "../models/contract.ts";
import type { InboxRow, Lease, OutboxDraft, Store } from "../store/port.ts";
import type { TranscriptDraft } from "../store/session-port.ts";
import type { LedgerEntry } from "../store/ledger-port.ts";
import type { Tool } from "../tools/contract.ts";
import type { VisionDesk } from "../tools/vision.ts";
import type { ContextKeeper, TurnContext } from "./context/contract.ts";
import type { ModelCatalogue, OpenReplyStream, ReplyStream, Restarts, ShrinkImages } from "./contract.ts";
import type { Pipeline } from "./pipeline.ts";
import type { TurnOptions } from "./turn-options.ts";
import type { TurnRegistry } from "./turn-registry.ts";
import type { TurnSettings } from "./turn-settings.ts";

/** What an agent can do, and what the model is told of it; told once, since making a schema costs more than a turn may. */
export interface ToolSet {
  readonly tools: readonly Tool[];
  readonly specs: readonly ToolSpec[];
}

export interface AgentDeps {
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The newest snapshot; a turn asks once and keeps what it got. */
  readonly config: () => Config;
  /** What there is, for whoever asks. What a turn uses is the desk's to say. */
  readonly models: () => ModelCatalogue;
  /** Which model answers, by which login, and whether it can at this moment. */
  readonly desk: ModelDesk;
  /** Nothing calls a model without a hold of this gate. */
  readonly budget: BudgetGate;
  /** What a call is given of its conversation. */
  readonly context: ContextKeeper;
  /** What becomes of a turn that nobody pays for, and what owners decide about money. */
  readonly budgetDesk: BudgetDesk;
  /** Which senders are one person. */
  readonly links: IdentityLinks;
  /** Every tool there is for an agent, whoever may use it. */
  readonly tools: (agentId: string) => Promise<ToolSet>;
  /** What the agent's folder says. */
  readonly surroundings: SurroundingsReader;
  /** Nothing runs a tool without its word. */
  readonly policy: Policy;
  readonly approvals: Pick<ApprovalDesk, "ask">;
  /** Where messages answer what was asked. */
  readonly consent: ConsentDesk;
  /** Makes a command that may run runnable. */
  readonly commands: Pick<CommandDesk, "approve" | "used">;
  /** Absent where nobody can make pictures smaller. */
  readonly shrinkImages?: ShrinkImages;
  /** Told how each turn has pictures looked at; absent where no tool asks for it. */
  readonly vision?: Pick<VisionDesk, "open">;
  readonly registry: TurnRegistry;
  readonly failpoints: Failpoints;
  /** How a reply begins there: to be sent, to be allowed first, or delivered by being stored. */
  readonly initialStateOf: (address: Address) => OutboxDraft["state"];
  /** Asked once per turn, before its first step. */
  readonly openReplyStream: OpenReplyStream;
  /** There is something in the outbox. */
  readonly wakeDelivery: () => void;
  /** Whether an owner of the gateway wrote this, as the configuration and the sender's id say. */
  readonly isOwner: (message: InboundMessage) => boolean;
  /** Absent where the gateway cannot be started anew from within. */
  readonly restarts?: Restarts;
}

export interface Turn {
  readonly row: InboxRow;
  readonly lease: Lease;
  readonly options: TurnOptions;
  readonly config: Config;
  readonly startedMs: number;
  /** By the monotonic clock: no wait is begun that would end behind it. */
  readonly deadlineMs: number;
  /** Aborts on request, on time-out, when the lease is lost and when the process stops. */
  readonly signal: AbortSignal;
  readonly pipeline: Pipeline;
  /** What its folder said when it began. */
  surroundings: Surroundings;
  /** The one that answers: another one after a failure. */
  model: ModelInfo | null;
  /** Made once, before the first step; null before, and where a command needs none. */
  choice: ModelChoice | null;
  /** Whom the step asks now: it may be tried on behalf of this turn alone, for what is asked beside the step too. */
  asking: Candidate | null;
  /** What every call of the turn is given; null before the first, and where a command needs none. */
  context: TurnContext | null;
  /** What the session was set to when the turn began. */
  settings: TurnSettings;
  /** What a person may want to know of how the answer came about. */
  readonly notices: string[];
  /** What this turn has said and done; grows with each step. What was said before is the context's. */
  readonly conversation: ModelMessage[];
  /** What is in the context that no admitted person typed; grows with the results of tools. */
  taint: readonly Taint[];
  /** The transcript before this message, as far as it was read. */
  earlier: readonly TranscriptDraft[];
  /** What the session's transcript gets beyond the user's entry. */
  readonly transcript: TranscriptDraft[];
  /** Calls that no step row has paid for yet. */
  readonly ledger: LedgerEntry[];
  /**
   * What the person said goes into the transcript beside the model call. Resolves to what could not be written then:
   * the result takes it along.
   */
  unwritten: Promise<readonly TranscriptDraft[]>;
  /** Where the chat wants to see the answer grow. */
  stream: ReplyStream | null;
  /** The platform's id of the message that the reply answers: the newest of those that were taken into the turn. */
  replyToId: string;
  text: string;
  usage: TokenUsage;
  /** Micro-dollars; null once a call had no known price. */
  costMicros: number | null;
}

/** How the steps ended. */
export interface TurnEnd {
  readonly state: "final" | "aborted" | "error";
  readonly stopReason: StopReason;
  readonly toolCalls: readonly ToolCall[];
  readonly error: AppErrorJson | null;
  /** Why the message is given up without having been answered; its row ends as dead for this reason. */
  readonly givenUp?: "expired" | "too-many-attempts";
  /** The message waits for a person, and is answered then: its row ends as dead for this reason, with its steps. */
  readonly kept?: KeptMessage;
}

/** What one call of a tool needs of whoever makes it: a turn, or a caller of the gateway. */
export interface ToolCaller {
  readonly row: Pick<InboxRow, "runId" | "sessionKey" | "agentId" | "message" | "ephemeral">;
  readonly options: Pick<TurnOptions, "origin" | "born" | "history" | "input">;
  readonly config: Config;
  readonly signal: AbortSignal;
  /** Null where no model asks. */
  readonly choice: ModelChoice | null;
  readonly transcript: readonly TranscriptDraft[];
  readonly earlier: readonly TranscriptDraft[];
  readonly taint: readonly Taint[];
}

type RunEvent = Extract<AppEvent, { runId: string; sessionKey: string; agentId: string }>;
type Unscoped<E> = E extends RunEvent ? Omit<E, "runId" | "sessionKey" | "agentId" | "atMs"> : never;

/** Emits an event of this turn. */
export function emitOf(
  turn: { readonly row: Pick<InboxRow, "runId" | "sessionKey" | "agentId"> },
  deps: Pick<AgentDeps, "bus" | "clock">,
  event: Unscoped<RunEvent>,
): void {
  const { runId, sessionKey, agentId } = turn.row;
  deps.bus.emit({ ...event, runId, sessionKey, agentId, atMs: deps.clock.nowMs() } as AppEvent);
}
