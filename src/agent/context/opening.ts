/** What a turn begins with: the history as it is shown, and the message that is to be answered. */
import { historyView, type HistoryView } from "./compaction-entry.ts";
import type { ModelMessage } from "../../domain/conversation.ts";
import type { TurnFacts } from "./contract.ts";
import type { TalkLine } from "./talk.ts";

export interface Opening {
  readonly view: HistoryView;
  /** This message; where it brings results of the caller's tools, with the exchange in front that asked for them. */
  readonly input: readonly ModelMessage[];
  /** The entry of the transcript that `input` begins with. */
  readonly inputId: string;
  /** Messages that are left out because a provider refused them. */
  readonly quarantined: number;
}

export function openingOf(turn: TurnFacts, keptFrom: string | null, nowMs: number): Opening {
  const whole = viewOf(turn, nowMs);
  const open = openExchange(whole.lines, turn.input);
  const view = { ...whole, lines: whole.lines.slice(0, whole.lines.length - open.length) };
  const left = keptFrom === null ? view : behind(view, keptFrom, turn.inputId);
  return {
    view: left,
    input: [...open.map(({ message }) => message), ...turn.input],
    inputId: open[0]?.entryId ?? turn.inputId,
    quarantined: view.lines.length - left.lines.length,
  };
}

function viewOf({ history, inputId }: TurnFacts, nowMs: number): HistoryView {
  if (history.kind === "transcript") return historyView(history.entries, inputId);
  const lines = history.messages.map((message) => ({ message, entryId: "", atMs: nowMs }));
  return { summary: null, lines, summedUp: 0 };
}

/** Results are nothing without the calls they answer: those stand in the history, behind what the person asked. */
function openExchange(lines: readonly TalkLine[], input: readonly ModelMessage[]): readonly TalkLine[] {
  if (input[0]?.role !== "tool") return [];
  const asked = lines.findLastIndex(({ message }) => message.role === "user");
  return asked === -1 ? lines : lines.slice(asked);
}

/** The summary goes too: it was made of what is left out. A later one keeps what is behind that line anyway. */
function behind(view: HistoryView, keptFrom: string, inputId: string): HistoryView {
  if (keptFrom === inputId) return { ...view, summary: null, lines: [] };
  const index = view.lines.findIndex(({ entryId }) => entryId === keptFrom);
  return index === -1 ? view : { ...view, summary: null, lines: view.lines.slice(index) };
}
