/**
 * Before a part of a conversation is summed up, what will still matter weeks from now is written to the agent's notes. It comes first
 * and is durable before the summary is: a crash in between keeps the notes and the conversation. It never stands in the
 * way: a model that fails, or a full disk, costs the notes and nothing else.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { truncateBytes } from "../../domain/text.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { MemoryNotes, TurnFacts } from "./contract.ts";
import { taintOfEntries } from "../acting/turn-taint.ts";
import { notesIn, notesRequest, type PieceFacts } from "./summary-prompt.ts";

export interface FlushDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly notes?: MemoryNotes | undefined;
}

/** Never throws. */
export async function flushMemory(
  pieces: readonly Omit<PieceFacts, "earlier">[],
  turn: TurnFacts,
  { clock, log, notes }: FlushDeps,
): Promise<void> {
  if (notes === undefined) return;
  const found: string[] = [];
  const { agentId, sessionKey, isGroup } = turn;
  for (const piece of pieces) {
    if (turn.signal.aborted) return;
    const answer = await turn.summarise(notesRequest({ ...piece, earlier: null }), turn.signal);
    if (!answer.ok) {
      log.warn("lasting facts could not be asked for", { sessionKey, error: answer.error });
      break;
    }
    const lasting = notesIn(answer.text);
    if (lasting !== null) found.push(lasting);
  }
  if (found.length === 0) return;
  // A fact that comes up in two pieces is noted once.
  const lines = new Set(found.flatMap((text) => text.split("\n")));
  const markdown = truncateBytes([...lines].join("\n"), limits.memoryNoteBytes);
  try {
    const foreign = foreignSources(turn);
    const written = await notes.append({ agentId, sessionKey, isGroup, markdown, atMs: clock.nowMs(), foreign });
    if (written === "full") log.warn("the notes of the day are full", { agentId });
  } catch (thrown) {
    log.warn("lasting facts could not be written", { agentId, error: AppError.from(thrown).toJSON() });
  }
}

/** What a note is made of marks the note: memory is no place where words lose their source. */
function foreignSources({ history }: TurnFacts): readonly string[] {
  if (history.kind !== "transcript") return [];
  return taintOfEntries(history.entries).flatMap((taint) => (taint.class === "foreign" ? [taint.source] : []));
}
