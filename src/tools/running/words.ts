/** What a model reads of a command: its output, how it ended, and where the words came from. */
import type { ToolOutput } from "../contract.ts";
import type { RunningProcess } from "./processes.ts";
import { reachesOut } from "./reaches-out.ts";

export function outputOf(text: string, output: string, state: string): ToolOutput {
  const body = output === "" ? "(no output)" : output.replace(/\n+$/, "");
  const from = { class: reachesOut(text) ? "foreign" : "local", source: `output of ${programName(text)}` } as const;
  return { text: `${body}\n${state}`, from };
}

/** One line. Exit code and duration, or why it was ended. */
export function endLine({ end, timeoutMs }: Pick<RunningProcess, "end" | "timeoutMs">): string {
  if (end === null) return "[running]";
  const took = `after ${(end.durationMs / 1_000).toFixed(1)} s`;
  switch (end.endedBy) {
    case "timeout":
      return `[ended: it ran longer than ${timeoutMs / 1_000} s. All it started was ended too]`;
    case "output":
      return `[ended ${took}: it wrote too much]`;
    case "killed":
      return `[ended ${took}, as it was asked]`;
    case "stopped":
      return `[ended ${took}: it was stopped]`;
    case null:
      return end.exitCode === null ? `[ended by ${end.signal ?? "a signal"} ${took}]` : `[exit code ${end.exitCode}]`;
  }
}

/** The first word of a line, short and plain: it stands in a sentence for people. */
export function programName(text: string): string {
  const word = text.trim().split(/\s+/, 1)[0] ?? "";
  return (
    word
      .split("/")
      .at(-1)
      ?.replaceAll(/[^\w.+-]/g, "")
      .slice(0, 40) || "a command"
  );
}
