/**
 * Every declared method, in one list, and what follows from it: scope matrix and alias table. What is not declared
 * here is not a method of the gateway; a plugin's method is added beside it at run time.
 */
import type { Scope } from "../domain/scopes.ts";
import type { MethodAlias, MethodDeclaration } from "./method.ts";
import * as agent from "./methods/agent.ts";
import * as approvals from "./methods/approvals.ts";
import * as budget from "./methods/budget.ts";
import * as channels from "./methods/channels.ts";
import * as chat from "./methods/chat.ts";
import * as config from "./methods/config.ts";
import { connect } from "./methods/connect.ts";
import * as devices from "./methods/devices.ts";
import * as dlq from "./methods/dlq.ts";
import * as execApprovals from "./methods/exec-approvals.ts";
import { health, status } from "./methods/health.ts";
import * as agentFiles from "./methods/agent-files.ts";
import { logsTail } from "./methods/logs.ts";
import * as memory from "./methods/memory.ts";
import * as message from "./methods/message.ts";
import * as models from "./methods/models.ts";
import * as outbox from "./methods/outbox.ts";
import * as policy from "./methods/policy.ts";
import { promptShow } from "./methods/prompt.ts";
import { mcpStatus } from "./methods/mcp.ts";
import { sandboxStatus } from "./methods/sandbox.ts";
import * as sessionUsage from "./methods/session-usage.ts";
import * as sessions from "./methods/sessions.ts";
import * as skills from "./methods/skills.ts";
import * as system from "./methods/system.ts";
import * as tts from "./methods/tts.ts";
import { traceGet } from "./methods/trace.ts";
import * as usage from "./methods/usage.ts";

/** Methods that belong together; a group can be switched off as a whole. */
export const methodGroups = Object.freeze({
  connect: [connect],
  health: [health, status],
  chat: [chat.chatSend, chat.chatHistory, chat.chatAbort, chat.chatInject],
  agents: [agent.agent, agent.agentWait, agent.agentIdentity, agent.agentsList],
  files: [agentFiles.agentFilesList, agentFiles.agentFilesGet, agentFiles.agentFilesSet],
  skills: [skills.skillsStatus, skills.skillsBins, skills.skillsInstall, skills.skillsUpdate],
  models: [agent.modelsList, models.modelsExplain, models.modelsRetry],
  prompt: [promptShow],
  sessions: [
    sessions.sessionsList,
    sessions.sessionsPreview,
    sessions.sessionsPatch,
    sessions.sessionsReset,
    sessions.sessionsDelete,
    sessions.sessionsCompact,
    sessions.sessionsResolve,
    sessions.sessionsSearch,
    sessions.sessionsExport,
    sessions.sessionsImport,
    sessions.sessionsSubscribe,
    sessions.sessionsUnsubscribe,
  ],
  config: [config.configGet, config.configSet, config.configPatch, config.configApply, config.configSchemaMethod],
  budget: [
    budget.budgetGet,
    budget.budgetSet,
    budget.budgetAllow,
    budget.budgetDeny,
    budget.budgetSettle,
    budget.budgetPause,
    budget.budgetResume,
  ],
  policy: [policy.policyExplain, policy.policyDiff],
  approvals: [
    approvals.approvalList,
    approvals.approvalGet,
    approvals.approvalRequest,
    approvals.approvalWait,
    approvals.approvalResolve,
  ],
  sandbox: [sandboxStatus],
  execApprovals: [execApprovals.execApprovalsGet, execApprovals.execApprovalsSet, execApprovals.execApprovalsExport],
  mcp: [mcpStatus],
  channels: [
    channels.channelsStatus,
    channels.channelsStart,
    channels.channelsStop,
    channels.channelsRestart,
    channels.channelsLogout,
  ],
  send: [channels.send, message.messageEdit, message.messageDelete, message.messageReact],
  outbox: [outbox.outboxList, outbox.outboxApprove, outbox.outboxDeny, outbox.outboxResolve],
  memory: [memory.memorySearch, memory.memoryAdd, memory.memoryForget, memory.memoryIndex, memory.memoryStatus],
  dlq: [dlq.dlqList, dlq.dlqShow, dlq.dlqReplay, dlq.dlqPurge],
  trace: [traceGet],
  tts: [tts.ttsStatus, tts.ttsProviders, tts.ttsEnable, tts.ttsDisable, tts.ttsConvert],
  logs: [logsTail],
  usage: [
    usage.usageStatus,
    usage.usageCost,
    usage.usageImport,
    usage.usageCheck,
    sessionUsage.sessionsUsage,
    sessionUsage.sessionsUsageTimeseries,
    sessionUsage.sessionsUsageLogs,
  ],
  system: [
    system.systemPresence,
    system.systemEvent,
    system.systemEvents,
    system.lastHeartbeat,
    system.gatewayStop,
    system.gatewayRestart,
  ],
  devices: [devices.devicePairList, devices.devicePairRemove, devices.deviceTokenRotate, devices.deviceTokenRevoke],
} satisfies Record<string, readonly MethodDeclaration[]>);

export type MethodGroup = keyof typeof methodGroups;

export const methods: readonly MethodDeclaration[] = Object.values<readonly MethodDeclaration[]>(methodGroups).flat();

/** The scope each method needs, by name; `null` for the handshake alone. */
export const scopeMatrix: Readonly<Record<string, Scope | null>> = Object.freeze(
  Object.fromEntries(methods.map((declaration) => [declaration.name, declaration.scope])),
);

export interface AliasRow {
  readonly alias: MethodAlias;
  readonly canonical: MethodDeclaration;
}

/** Older names and what they mean now. Two rows may share a name; the first whose condition holds answers. */
export const aliases: readonly AliasRow[] = methods.flatMap((canonical) =>
  (canonical.aliases ?? []).map((alias) => ({ alias, canonical })),
);
