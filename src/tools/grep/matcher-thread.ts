/**
 * The thread in which a model's pattern runs over the text of files. A pattern can take longer than the age of the world
 * on a short line; a thread can be ended in the middle of it, our own loop cannot.
 */
import { parentPort, workerData } from "node:worker_threads";

export interface MatcherData {
  readonly source: string;
  readonly flags: string;
}

export interface MatchTask {
  readonly text: string;
  /** Lines that are told at most. */
  readonly most: number;
  /** Of a line that is told, in UTF-16 units. */
  readonly lineChars: number;
}

export interface LineMatch {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

if (process.report !== undefined) process.report.excludeEnv = true;
serve(workerData as MatcherData);

function serve({ source, flags }: MatcherData): void {
  const pattern = new RegExp(source, flags);
  parentPort?.on("message", (task: MatchTask) => parentPort?.postMessage(matchesIn(task, pattern)));
}

function matchesIn({ text, most, lineChars }: MatchTask, pattern: RegExp): readonly LineMatch[] {
  const found: LineMatch[] = [];
  let number = 0;
  for (const line of text.split(/\r?\n/)) {
    number += 1;
    const match = pattern.exec(line);
    if (match === null) continue;
    found.push({ line: number, text: around(line, match.index, lineChars) });
    if (found.length >= most) break;
  }
  return found;
}

/** The part of a long line in which the match begins. */
function around(line: string, index: number, lineChars: number): string {
  if (line.length <= lineChars) return line;
  const from = Math.max(0, Math.min(index - Math.floor(lineChars / 4), line.length - lineChars));
  const to = from + lineChars;
  return `${from > 0 ? "…" : ""}${line.slice(from, to)}${to < line.length ? "…" : ""}`;
}
