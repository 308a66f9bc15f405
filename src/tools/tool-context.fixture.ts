/** The context of a call as a turn of the main agent in a direct chat has it. For tests. */
import { tmpdir } from "node:os";
import { FakeClock } from "../platform/fake-clock.ts";
import type { ToolContext } from "./contract.ts";

export function toolContext(part: Partial<ToolContext> = {}): ToolContext {
  return {
    clock: new FakeClock(Date.UTC(2026, 6, 1, 12, 0, 0)),
    runId: "run-1",
    callId: "call-1",
    sessionKey: "agent:main:main",
    agentId: "main",
    signal: new AbortController().signal,
    origin: "chat",
    address: { channel: "webchat", accountId: "default", chatId: "main", chatKind: "dm" },
    senderId: "token:gateway",
    isOwner: true,
    isGroup: false,
    workspace: tmpdir(),
    toolNames: [],
    taint: [],
    born: null,
    command: null,
    ...part,
  };
}
