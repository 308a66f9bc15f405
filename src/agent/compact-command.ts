/** `/compact`: a person wants the conversation summed up now. It runs in the session's own order, under its turn's lease. */
import type { SessionRow } from "../store/session-port.ts";
import { chooseModel } from "./calling/choose-model.ts";
import type { CompactionOutcome } from "./context/contract.ts";
import { openBareContext } from "./open-context.ts";
import type { AgentDeps, Turn } from "./turn.ts";

interface CompactScene {
  readonly turn: Turn;
  readonly session: SessionRow;
  readonly deps: AgentDeps;
}

/** Returns what the person is told. Throws MODEL_001 and MODEL_009 as every turn does, and the reason of an abort. */
export async function compactByCommand({ turn, session, deps }: CompactScene, words: string): Promise<string> {
  const { compact = {} } = turn.options;
  const instructions = compact.instructions ?? (words === "" ? undefined : words);
  turn.choice = await chooseModel(turn, deps);
  const { model } = turn.choice.candidates[0];
  turn.model = model;
  const context = await openBareContext(turn, session, deps);
  const facts = { model, system: "", tools: [], steps: [] };
  const outcome = await context.compactNow("manual", facts, { instructions, maxEntries: compact.maxLines });
  turn.signal.throwIfAborted();
  return told(outcome);
}

function told(outcome: CompactionOutcome): string {
  if (outcome.compacted) {
    const { method, tokensBefore, tokensAfter } = outcome;
    const how = method === "summary" ? "summed up" : "cut";
    return `The conversation was ${how}: about ${tokensBefore} tokens became ${tokensAfter}. All of it stays in the history.`;
  }
  switch (outcome.why) {
    case "nothing-to-compact":
      return "There is nothing to sum up yet.";
    case "no-reduction":
      return "A summary would not be shorter than the conversation itself; nothing was changed.";
    case "off":
      return "Summing up is switched off here (agents.defaults.compaction.mode).";
    case "model-failed":
      return `The conversation could not be summed up and is as it was: ${outcome.error?.message ?? "the model failed."}`;
    case "aborted":
    case "spent":
      return "The conversation is as it was.";
  }
}
