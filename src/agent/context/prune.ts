/**
 * Old tool results, shown shortened or as a note alone: they are most of what a working session holds, and the least
 * of what it needs. What the person and the assistant said stays, and the transcript is not touched.
 *
 * Stable, because a provider's prompt cache lives on a beginning that stays the same. What is pruned follows from the
 * history alone and never from the size of what is being asked now, and its end moves in steps of several answers: in between,
 * each turn's prompt is the last one's with something behind it. By `cache-ttl` it moves even more rarely: only what
 * lies behind a silence so long that the provider has forgotten its cache anyway is touched.
 */
import type { Config } from "../../config/schema/root.ts";
import { durationMs } from "../../config/meaning/duration-ms.ts";
import type { ModelMessage, ToolResult } from "../../domain/conversation.ts";
import { cutToChars } from "./cut-text.ts";
import type { TalkLine } from "./talk.ts";

export interface PruneFacts {
  readonly settings: Config["agents"]["defaults"]["contextPruning"];
  /** Tokens of the history, unpruned, as a share of the window. */
  readonly filled: number;
  readonly nowMs: number;
}

export interface Pruned {
  readonly messages: readonly ModelMessage[];
  /** Results that are shown otherwise than they were. */
  readonly results: number;
}

/** A result up to here is shown whole by the softer step, a longer one by its beginning and its end. */
const softChars = 4_000;
const softKeepChars = 3_000;
/** What is shorter than its note stays. */
const hardChars = 200;
/** Answers by which the end of what is pruned moves. */
const stepAnswers = 4;

export function prune(lines: readonly TalkLine[], facts: PruneFacts): Pruned {
  const change = changeFor(facts);
  const end = change === null ? 0 : prunableEnd(lines, facts);
  let results = 0;
  const messages = lines.map(({ message }, index) => {
    if (change === null || index >= end || message.role !== "tool") return message;
    const changed = message.results.map(change);
    const count = changed.filter((result, at) => result !== message.results[at]).length;
    results += count;
    return count === 0 ? message : ({ role: "tool", results: changed } as const);
  });
  return { messages, results };
}

function changeFor({ settings, filled }: PruneFacts): ((result: ToolResult) => ToolResult) | null {
  if (settings.mode === "off") return null;
  if (filled >= settings.hardClearRatio) return cleared;
  return filled >= settings.softTrimRatio ? trimmed : null;
}

function trimmed(result: ToolResult): ToolResult {
  if (result.output.length <= softChars) return result;
  return { ...result, output: cutToChars(result.output, softKeepChars, "an old result") };
}

function cleared(result: ToolResult): ToolResult {
  if (result.output.length <= hardChars) return result;
  return { ...result, output: `[An old result of ${result.output.length} characters is left out here.]` };
}

/** The line in front of which results may be pruned. */
function prunableEnd(lines: readonly TalkLine[], { settings, nowMs }: PruneFacts): number {
  const open = settings.mode === "cache-ttl" ? coldEnd(lines, durationMs(settings.ttl), nowMs) : lines.length;
  const answers = lines.flatMap(({ message }, index) => (message.role === "assistant" ? [index] : []));
  const old = Math.max(0, answers.length - settings.keepLastAssistants);
  const steps = Math.floor(old / stepAnswers) * stepAnswers;
  return Math.min(open, answers[steps] ?? lines.length);
}

/** Behind the newest silence of at least that length, up to now, nothing is cold. */
function coldEnd(lines: readonly TalkLine[], ttlMs: number, nowMs: number): number {
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const next = lines[index + 1]?.atMs ?? nowMs;
    if (next - (lines[index] as TalkLine).atMs >= ttlMs) return index + 1;
  }
  return 0;
}
