/** One sentence on the sandbox of an agent, and how good that is: the same for `sandbox status` and `doctor`. */
import type { ResultOf } from "../protocol/method.ts";
import type { sandboxStatus } from "../protocol/methods/sandbox.ts";

export type SandboxView = ResultOf<typeof sandboxStatus>["agents"][number];

export interface SandboxSentence {
  readonly verdict: "good" | "weak" | "bad";
  readonly text: string;
  readonly remedy: string | null;
}

export function sandboxSentence({ mode, sandbox, trouble }: SandboxView): SandboxSentence {
  if (mode === "off") {
    const there = sandbox.found ? `; ${sandbox.version} would work here` : `; here there is none: ${sandbox.why}`;
    const remedy = sandbox.found ? "Set agents.defaults.sandbox.mode to non-main or all." : null;
    // Nothing is amiss: it is what is configured, and commands ask first.
    return { verdict: "good", text: `commands run outside of a sandbox, as configured${there}`, remedy };
  }
  const which = mode === "all" ? "all commands" : "commands of all but the main session";
  if (!sandbox.found) {
    return {
      verdict: "bad",
      text: `${which} are refused: a sandbox is asked for, and there is none. ${sandbox.why}`,
      remedy: "Install bubblewrap, or set agents.defaults.sandbox.docker.image where Docker runs.",
    };
  }
  if (trouble !== null) {
    return { verdict: "bad", text: `${which} are refused. ${trouble}`, remedy: "Correct workspace or sandbox.binds." };
  }
  const text = `${which} run in ${sandbox.version}`;
  if (sandbox.note === null) return { verdict: "good", text, remedy: null };
  // Memory alone is bounded well enough for each process; without a bound on processes there is none at all.
  return { verdict: sandbox.processes ? "good" : "weak", text: `${text}. ${sandbox.note}`, remedy: null };
}
