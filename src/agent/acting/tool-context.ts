/** What a tool is told of the turn that calls it: proven facts of the message, never the model's words. */
import type { Taint } from "../../domain/taint.ts";
import { parseSessionKey } from "../../domain/session-key.ts";
import { workspaceOf } from "../../config/workspace.ts";
import type { ToolContext } from "../../tools/contract.ts";
import type { AgentDeps, ToolCaller } from "../turn.ts";

export interface CallOfTurn {
  readonly callId: string;
  readonly toolNames: readonly string[];
  readonly taint: readonly Taint[];
}

export function toolContextOf(
  turn: ToolCaller,
  call: CallOfTurn,
  deps: Pick<AgentDeps, "clock" | "isOwner">,
): ToolContext {
  const { row, options, config, signal } = turn;
  const { message, sessionKey, agentId, runId } = row;
  const key = parseSessionKey(sessionKey);
  return {
    ...call,
    clock: deps.clock,
    runId,
    sessionKey,
    agentId,
    signal,
    origin: options.origin ?? "chat",
    address: message.address,
    senderId: message.sender.id,
    isOwner: deps.isOwner(message),
    isGroup: message.address.chatKind !== "dm" || (key?.kind === "chat" && key.chatKind !== "dm"),
    workspace: workspaceOf(config, agentId),
    born: options.born ?? null,
    command: null,
  };
}
