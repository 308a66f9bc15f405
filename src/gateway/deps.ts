/** Everything the gateway is given by `app/compose.ts`. The gateway decides nothing with it: it translates. */
import type { AgentInfo, InvokeTool, ModelCatalogue, Restarts, Turns } from "../agent/contract.ts";
import type { ApprovalDesk } from "../approvals/contract.ts";
import type { BudgetDesk } from "../budget/contract.ts";
import type { PromptReport } from "../agent/prompt/prompt-report.ts";
import type { ConfigAccess } from "../config/contract.ts";
import type { PolicyRefusal } from "../domain/admission-policy.ts";
import type { AppError } from "../domain/app-error.ts";
import type { ChannelStatus } from "../domain/channel-status.ts";
import type { ExecApprovals } from "../exec/contract.ts";
import type { EventBus } from "../domain/events.ts";
import type { Address, InboundMessage } from "../domain/message.ts";
import type { Admit } from "../inbound/contract.ts";
import type { Tier } from "../domain/tier.ts";
import type { Memory } from "../memory/contract.ts";
import type { McpClients } from "../mcp/contract.ts";
import type { ModelDeskView } from "../models/contract.ts";
import type { PolicyView } from "../policy/contract.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { AgentFiles, SkillDesk } from "../skills/contract.ts";
import type { SpeechDesk } from "../speech/contract.ts";
import type { ResultOf } from "../protocol/method.ts";
import type { sandboxStatus } from "../protocol/methods/sandbox.ts";
import type { OutboxDraft, Store } from "../store/port.ts";

export interface GatewayDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly bus: EventBus;
  readonly store: Store;
  readonly config: ConfigAccess;
  readonly admit: Admit;
  readonly turns: Turns;
  /** One call of a tool, behind the gate of the agent's own. */
  readonly invokeTool: InvokeTool;
  readonly models: ModelCatalogue;
  /** How the models and their logins stand, and why one would be chosen. */
  readonly desk: ModelDeskView;
  readonly budgets: BudgetDesk;
  /** What would be decided about calls of tools, by whom and why. */
  readonly policy: PolicyView;
  /** Where people are asked about acts; clients with the scope for it are one of its ways. */
  readonly approvals: Omit<ApprovalDesk, "start" | "close">;
  /** What each agent's commands run in. Looks at the machine on first use; never throws. */
  readonly sandboxes: () => Promise<ResultOf<typeof sandboxStatus>["agents"]>;
  readonly memory: Memory;
  readonly speech: SpeechDesk;
  /** What commands agents may run unasked. */
  readonly execApprovals: ExecApprovals;
  /** The MCP servers of the configuration and how they stand. */
  readonly mcp: Pick<McpClients, "states">;
  readonly agents: () => readonly AgentInfo[];
  readonly agentFiles: AgentFiles;
  readonly skills: SkillDesk;
  readonly channels: ChannelsView;
  readonly webhooks: WebhooksView;
  /** Puts a part into the outbox and wakes delivery; resolves when it is durable. */
  readonly enqueue: (
    draft: OutboxDraft,
    context: { sessionKey: string; runId: string | null; said?: { agentId: string } },
  ) => Promise<void>;
  /** The session in which a chat's next message is answered. */
  readonly sessionOfChat: (address: Address) => { readonly sessionKey: string; readonly agentId: string };
  /** Something that lay still may go on, in the inbox or the outbox. Cheap; may be called often. */
  readonly wake: () => void;
  /** The rules of this moment, for what a person wants to set going again. */
  readonly rules: {
    /** Null where this message would be let in today. Only for messages of a platform's sender. */
    admission(message: InboundMessage): PolicyRefusal | null;
    /** Null where a part may leave for there. */
    permission(address: Address): AppError | null;
  };
  /** Lines of the log file, newest last; `cursor` goes on behind an earlier answer and survives rotation. */
  readonly tailLog: (options: {
    cursor?: string;
    limit: number;
    scope?: string;
  }) => Promise<{ lines: readonly string[]; cursor: string }>;
  /** What a turn would be told, in words and sizes. */
  readonly prompt: (question: {
    readonly agentId: string;
    readonly address: Address | null;
    readonly tier: Tier | null;
  }) => Promise<PromptReport>;
  readonly health: HealthView;
  readonly version: string;
  readonly stateDir: string;
  readonly configPath: string;
  /** Ends the process in order, as a signal would; absent where the gateway is embedded in something else. */
  readonly requestStop?: (reason: string) => void;
  /** Starts the gateway anew; absent where it is embedded in something else. */
  readonly restarts?: Restarts;
  /** The static pages (`/chat`, later `/ui`). */
  readonly pagesDir: string;
}

export interface ChannelsView {
  status(): readonly ChannelStatus[];
  start(channel: string, accountId?: string): Promise<void>;
  stop(channel: string, accountId?: string): Promise<void>;
  restart(channel: string, accountId?: string): Promise<void>;
  /** Stops it and wipes what it stored to log in. */
  logout(channel: string, accountId?: string): Promise<void>;
  /** A round trip to every connected account now, all at once; resolves when each has answered, failed or used up its time. */
  probe(options: { channel?: string; timeoutMs?: number }): Promise<void>;
}

/** The paths at which platforms call a channel. Whoever calls was not checked: that is the channel's. */
export interface WebhooksView {
  mounted(path: string): boolean;
  /** The name under which the platform was told to call this path; null where nothing was said of it. */
  publicHost(path: string): string | null;
  /** Null where nothing is mounted (any more); 401 says that the caller's secret was wrong. */
  handle(
    path: string,
    request: {
      readonly headers: Readonly<Record<string, string | undefined>>;
      readonly body: Uint8Array;
      readonly remoteAddress: string;
    },
  ): Promise<{ readonly status: number; readonly body?: string }> | null;
}

export interface HealthView {
  /** Store writable, migrations done, not draining. Names what fails. */
  ready(): Promise<{ readonly ready: boolean; readonly failing: readonly string[] }>;
  /** Milliseconds since start. */
  uptimeMs(): number;
  draining(): boolean;
  /** What dispatch has to do without; a node that goes on by itself is ready all the same. Null or absent: nothing. */
  dispatchTrouble?(): string | null;
  /** Event-loop delay (ms) over the last sampling window. */
  loopDelay(): { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
}
