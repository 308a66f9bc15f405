/** Every handler, by group. A group that is switched off is not there: its methods are unknown. */
import type { MethodGroup } from "../../protocol/registry.ts";
import { agentMethods, modelMethods } from "./agents.ts";
import { approvalMethods } from "./operate/approvals.ts";
import { budgetMethods } from "./operate/budgets.ts";
import { channelMethods, sendMethods } from "./channels.ts";
import { chatMethods } from "./chat.ts";
import { configMethods } from "./config.ts";
import { deviceMethods } from "./devices.ts";
import type { BoundMethod } from "./handler.ts";
import { healthMethods } from "./health.ts";
import { logMethods, systemMethods } from "./house.ts";
import { memoryMethods } from "./memory.ts";
import { deadLetterMethods } from "./operate/dead-letters.ts";
import { execApprovalMethods } from "./operate/exec-approvals.ts";
import { outboxMethods } from "./operate/held-parts.ts";
import { messageActionMethods } from "./operate/message-actions.ts";
import { policyMethods } from "./operate/policy.ts";
import { mcpMethods } from "./operate/mcp.ts";
import { sandboxMethods } from "./operate/sandbox.ts";
import { ttsMethods } from "./operate/tts.ts";
import { traceMethods } from "./operate/trace.ts";
import { modelChoiceMethods } from "./models.ts";
import type { RpcServices } from "./services.ts";
import { promptMethods } from "./prompt.ts";
import { sessionCompactMethods } from "./session-compact.ts";
import { sessionLineMethods } from "./session-lines.ts";
import { sessionMethods } from "./sessions.ts";
import { agentFileMethods, skillMethods } from "./skills.ts";
import { usageMethods } from "./usage/methods.ts";

export type RpcGroup = Exclude<MethodGroup, "connect">;

const groups: Readonly<Record<RpcGroup, (services: RpcServices) => readonly BoundMethod[]>> = {
  health: healthMethods,
  chat: chatMethods,
  agents: agentMethods,
  files: agentFileMethods,
  skills: skillMethods,
  models: (services) => [...modelMethods(services), ...modelChoiceMethods(services)],
  prompt: promptMethods,
  sessions: (services) => [
    ...sessionMethods(services),
    ...sessionLineMethods(services),
    ...sessionCompactMethods(services),
  ],
  config: configMethods,
  budget: budgetMethods,
  policy: policyMethods,
  approvals: approvalMethods,
  sandbox: sandboxMethods,
  execApprovals: execApprovalMethods,
  mcp: mcpMethods,
  channels: channelMethods,
  send: (services) => [...sendMethods(services), ...messageActionMethods(services)],
  outbox: outboxMethods,
  memory: memoryMethods,
  dlq: deadLetterMethods,
  trace: traceMethods,
  tts: ttsMethods,
  logs: logMethods,
  usage: usageMethods,
  system: systemMethods,
  devices: deviceMethods,
};

export function rpcMethods(services: RpcServices, disabled: readonly RpcGroup[]): readonly BoundMethod[] {
  return Object.entries(groups).flatMap(([group, make]) =>
    disabled.some((name) => name === group) ? [] : make(services),
  );
}
