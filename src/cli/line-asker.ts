/** A line from whoever sits at the terminal, for a command that reads nothing else from there. */
import { createInterface } from "node:readline/promises";
import type { AskLine } from "./approval-question.ts";
import type { CliContext } from "./contract.ts";

/** Null where nobody sits there. */
export function lineAsker({ stdin }: Pick<CliContext, "stdin">): AskLine | null {
  if (stdin.isTTY !== true) return null;
  return async (prompt, signal) => {
    const lines = createInterface({ input: stdin, output: process.stderr, terminal: true });
    // Ctrl-C is no answer: it stops the command, as it does where nothing is asked.
    lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
    try {
      return await lines.question(prompt, { signal });
    } finally {
      lines.close();
    }
  };
}
