/** What a turn passes on to one that it starts: never more than it has itself. Pure. */
import { withTaint } from "../../domain/taint.ts";
import type { BornRights } from "../../domain/turn-origin.ts";
import { contentHash } from "../../platform/content-hash.ts";
import type { ToolContext } from "../contract.ts";

export function bornOf(parent: Pick<ToolContext, "runId" | "sessionKey" | "born" | "toolNames" | "taint">): BornRights {
  const { runId, sessionKey, born, toolNames, taint } = parent;
  return {
    parentRunId: runId,
    parentSessionKey: sessionKey,
    depth: (born?.depth ?? 0) + 1,
    // The turn's own list should hold no more than it was born with; here that is made sure of.
    tools: born === null ? toolNames : toolNames.filter((name) => born.tools.includes(name)),
    taint: withTaint(born?.taint ?? [], taint),
  };
}

/** 32 hex digits, the same whenever this very call is made: after a crash it is the same order. */
export function orderId(what: string, { runId, callId }: Pick<ToolContext, "runId" | "callId">): string {
  return contentHash([what, runId, callId]).slice(0, 32);
}

/** The digits as a UUID is written. */
export function asUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
