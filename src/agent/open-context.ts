/**
 * Opens the context of a turn: reads what was said before, and writes what the person says now beside the model call.
 * The transcript id of a person's message is the same at every attempt, so that it is written once.
 */
import type { BornRights } from "../domain/turn-origin.ts";
import type { ModelMessage } from "../domain/conversation.ts";
import type { ChatKind } from "../domain/message.ts";
import { parseSessionKey } from "../domain/session-key.ts";
import type { InboxRow, SessionRow, TranscriptDraft } from "../store/port.ts";
import { withTaint } from "../domain/taint.ts";
import { bornKey, taintKey, taintOfEntries } from "./acting/turn-taint.ts";
import { createSummarise } from "./calling/summarise.ts";
import type { TurnContext, TurnFacts } from "./context/contract.ts";
import { loadHistory } from "./context/load-history.ts";
import { conversationOf } from "./context/talk.ts";
import { overheardBefore } from "./overheard.ts";
import { personsEntries, toldByCaller } from "./transcript-entry.ts";
import { emitOf, type AgentDeps, type Turn } from "./turn.ts";

export async function openContext(turn: Turn, session: SessionRow | null, deps: AgentDeps): Promise<TurnContext> {
  const { row, options } = turn;
  const inputId = entryIdOf(row);
  const overheard = await overheardBefore(turn, deps.store.inbox);
  const said = withBirth(personsEntries(inputId, row.message, options.input, overheard), options.born);
  turn.taint = withTaint(turn.taint, taintOfEntries(said));
  const input = options.input ?? conversationOf(said);
  const history = await historyOf(turn, session, { said, inputId, deps });
  return deps.context.open(factsOf(turn, { session, history, input, inputId }, deps));
}

/** What another turn wrote may be made of what that had read: whoever reads the line later has to know. */
function withBirth(said: readonly TranscriptDraft[], born: BornRights | undefined): readonly TranscriptDraft[] {
  if (born === undefined || born.taint.length === 0) return said;
  return said.map((entry) => {
    const known = taintOfEntries([entry]);
    return { ...entry, body: { ...entry.body, [taintKey]: withTaint(known, born.taint), [bornKey]: true } };
  });
}

/** The context of what was said so far, with no message to answer: for a command about the conversation itself. */
export async function openBareContext(turn: Turn, session: SessionRow, deps: AgentDeps): Promise<TurnContext> {
  const inputId = entryIdOf(turn.row);
  const { entries } = await loadHistory(deps.store.sessions, turn.row.sessionKey, inputId);
  const history = { kind: "transcript", entries } as const;
  return deps.context.open(factsOf(turn, { session, history, input: [], inputId }, deps));
}

async function historyOf(
  turn: Turn,
  session: SessionRow | null,
  { said, inputId, deps }: { said: readonly TranscriptDraft[]; inputId: string; deps: AgentDeps },
): Promise<TurnFacts["history"]> {
  const told: readonly ModelMessage[] | undefined = turn.options.history;
  if ([...(told ?? []), ...(turn.options.input ?? [])].some(({ role }) => role === "tool"))
    turn.taint = withTaint(turn.taint, [toldByCaller]);
  if (session === null) return { kind: "told", messages: told ?? [] };
  const { sessions } = deps.store;
  const { entries, knowsInput } = await loadHistory(sessions, turn.row.sessionKey, inputId);
  turn.earlier = entries;
  turn.taint = withTaint(turn.taint, taintOfEntries(entries));
  // A restart finds the entry of its first attempt.
  if (!knowsInput) {
    turn.unwritten = sessions.append(turn.row.sessionKey, said, deps.clock.nowMs()).then(
      () => [],
      () => said,
    );
  }
  return told === undefined ? { kind: "transcript", entries } : { kind: "told", messages: told };
}

function factsOf(
  turn: Turn,
  facts: Pick<TurnFacts, "session" | "history" | "input" | "inputId">,
  deps: AgentDeps,
): TurnFacts {
  const { runId, sessionKey, agentId, message } = turn.row;
  return {
    ...facts,
    runId,
    sessionKey,
    agentId,
    isGroup: isGroup(sessionKey, message.address.chatKind),
    signal: turn.signal,
    summarise: createSummarise(turn, deps),
    tell: (text) => emitOf(turn, deps, { type: "run.notice", kind: "compaction", text }),
  };
}

/** By the session above all: an operator may speak into a group's session from a page of their own. */
function isGroup(sessionKey: string, chatKind: ChatKind): boolean {
  const key = parseSessionKey(sessionKey);
  return chatKind !== "dm" || (key?.kind === "chat" && key.chatKind !== "dm");
}

function entryIdOf(row: InboxRow): string {
  return row.message.id.replaceAll("-", "").slice(-8);
}
