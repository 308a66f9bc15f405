/**
 * What becomes of a turn whose next call nobody pays for, or which a pause broke off: its message is kept, with what is
 * finished of it, and goes on when an owner has allowed more or has lifted the pause.
 */
import type { KeptMessage } from "../budget/contract.ts";
import { limits } from "../domain/limits.ts";
import type { InboundMessage, Reply } from "../domain/message.ts";
import type { OutboxDraft } from "../store/port.ts";
import type { AgentDeps, Turn, TurnEnd } from "./turn.ts";

/** The end as it is, where it is none of these, or where nobody but a caller who waits would read the answer. */
export async function keptIfRefused(turn: Turn, end: TurnEnd, deps: AgentDeps): Promise<TurnEnd> {
  const { row, options } = turn;
  if (end.state !== "error" || end.error === null || row.ephemeral || options.deliver === false) return end;
  const { runId, sessionKey, agentId } = row;
  const { address } = row.message;
  const kept = await deps.budgetDesk.refused({ error: end.error, runId, sessionKey, agentId, address });
  if (kept === null) return end;
  // The turn that goes on says all of it: what was said of an unfinished step is no answer.
  turn.text = "";
  turn.transcript.length = 0;
  // Whoever reads along must not ask again: it would be answered, and paid for, twice.
  const message = `${end.error.message} The message is kept and is answered when it may be.`;
  return { ...end, error: { ...end.error, message }, kept };
}

interface PartFacts {
  readonly atMs: number;
  readonly partId: string;
  readonly initialStateOf: AgentDeps["initialStateOf"];
}

/** What the chat and the owners are told. */
export function keptParts(
  message: InboundMessage,
  { reply, also }: KeptMessage,
  { atMs, partId, initialStateOf }: PartFacts,
): readonly OutboxDraft[] {
  const draft = (id: string, address: OutboxDraft["address"], text: Reply): OutboxDraft => ({
    id,
    address,
    replyToId: null,
    reply: text,
    expiresMs: atMs + limits.noticeTtlMs,
    state: initialStateOf(address),
  });
  const here =
    reply === null ? [] : [{ ...draft(partId, message.address, reply), replyToId: message.platformMessageId }];
  return [...here, ...also.map((notice) => draft(notice.id, notice.address, notice.reply))];
}
