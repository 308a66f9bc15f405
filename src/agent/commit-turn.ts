/** The end of a turn: one commit with everything that follows from it, then the news. */
import type { AppErrorJson } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { writeWithPatience } from "../store/patience.ts";
import type { OutboxDraft, TurnResult } from "../store/port.ts";
import { failureText } from "./failure-text.ts";
import { emitOf, type AgentDeps, type Turn, type TurnEnd } from "./turn.ts";

/** How long a result is held in memory while the medium refuses it. Within the lease, so that nobody else runs the turn. */
const patienceMs = 60_000;

export async function commitTurn(turn: Turn, end: TurnEnd, deps: AgentDeps): Promise<void> {
  const atMs = deps.clock.nowMs();
  turn.transcript.unshift(...(await turn.unwritten));
  const result = turnResult(turn, end, { atMs, partId: deps.ids.uuid(), stored: deps.storedIsDelivered });
  const { clock, log } = deps;
  const stopping = deps.registry.stopping();
  await writeWithPatience(() => deps.store.turns.finish(turn.lease, result), {
    clock,
    log,
    signal: stopping,
    patienceMs,
  });
  emitOf(turn, deps, {
    type: "run.ended",
    outcome: end.state,
    text: turn.text,
    stopReason: end.stopReason,
    usage: turn.usage,
    costMicros: turn.costMicros,
    model: turn.model?.ref ?? "none",
    toolCalls: end.toolCalls,
    ...(end.error === null ? {} : { error: end.error }),
  });
  if (result.outbox.some((part) => part.state === "prepared")) deps.wakeDelivery();
}

function turnResult(
  turn: Turn,
  end: TurnEnd,
  { atMs, partId, stored }: { atMs: number; partId: string; stored: (channel: string) => boolean },
): TurnResult {
  return {
    state: end.state,
    text: turn.text,
    toolCalls: end.toolCalls,
    stopReason: end.stopReason,
    model: turn.model?.ref ?? "none",
    usage: turn.usage,
    costMicros: turn.costMicros,
    error: end.error,
    transcript: turn.row.ephemeral ? [] : turn.transcript,
    outbox: outboxParts(turn, end, { atMs, partId, stored }),
    ledger: turn.ledger,
    inbox: { state: "replied", reason: end.error === null ? end.state : `${end.state}:${end.error.code}` },
    atMs,
  };
}

/** The reply, or the honest word that there is none. A turn that somebody stopped says nothing more. */
function outboxParts(
  turn: Turn,
  end: TurnEnd,
  { atMs, partId, stored }: { atMs: number; partId: string; stored: (channel: string) => boolean },
): readonly OutboxDraft[] {
  const { row, options } = turn;
  if (row.ephemeral || options.deliver === false || end.state === "aborted") return [];
  const markdown = replyText(turn.text, end.error);
  if (markdown === "") return [];
  return [
    {
      id: partId,
      address: row.message.address,
      replyToId: row.message.platformMessageId,
      reply: { markdown },
      expiresMs: atMs + limits.replyTtlMs,
      state: stored(row.message.address.channel) ? "sent" : "prepared",
    },
  ];
}

function replyText(text: string, error: AppErrorJson | null): string {
  if (error === null) return text;
  return [text, failureText(error)].filter((piece) => piece !== "").join("\n\n");
}
