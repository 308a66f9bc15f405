/** Waiting for a turn that another one asked for: how long, and what is said of its end. */
import { limits } from "../../domain/limits.ts";
import type { ErrandEnd } from "./port.ts";

export function waitMsOf(timeoutSeconds: number | undefined): number {
  return Math.min(
    timeoutSeconds === undefined ? limits.errandWaitDefaultMs : timeoutSeconds * 1_000,
    limits.errandWaitMs,
  );
}

/** A little longer than the wait itself: the tool says what became of it before it is stopped. */
export function errandTimeoutMs(asked: {
  readonly wait: boolean;
  readonly timeoutSeconds: number | undefined;
}): number {
  return limits.toolTimeoutMs + (asked.wait ? waitMsOf(asked.timeoutSeconds) : 0);
}

export function endText(end: ErrandEnd): string {
  if (end.state === "running") return "It has not ended yet and goes on.";
  if (end.outcome === "final") return end.text === "" ? "It ended without a word." : end.text;
  const how = end.outcome === "aborted" ? "It was stopped." : "It failed.";
  return end.text === "" ? how : `${how} Until then it said:\n${end.text}`;
}
