/**
 * Where people decide about money: more for a purse, a pause and its end, what a lost call has cost. Owns the questions to
 * owners; who is an owner is found out by those who call.
 */
import type { Config } from "../config/schema/root.ts";
import { AppError, type AppErrorJson } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Address, Reply } from "../domain/message.ts";
import { dollarsOf } from "../domain/money.ts";
import { leftMicros, type PurseLimit, type PurseSpan, type PurseState } from "../domain/purse.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { waitingFor, type ApprovalRow, type ReplayRule } from "../store/budget-port.ts";
import type { Store } from "../store/port.ts";
import type { AllowOutcome, BudgetDesk, BudgetOverview, KeptMessage, RefusedTurn } from "./contract.ts";
import type { OpenBudgetGate } from "./gate.ts";
import { pauseSentence, purseName, shortSentence } from "./words.ts";

export interface BudgetDeskDeps {
  readonly store: Pick<Store, "budgets" | "approvals" | "trace">;
  readonly gate: OpenBudgetGate;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly config: () => Config;
  /** Chats in which owners alone are, as far as is known. */
  readonly ownerChats: () => Promise<readonly Address[]>;
  /** Breaks off the turns of one agent, or of all, with this error. */
  readonly interrupt: (agentId: string | null, error: AppError) => void;
  /** Messages that waited may go on. */
  readonly wakeQueue: () => void;
}

export function createBudgetDesk(deps: BudgetDeskDeps): BudgetDesk {
  const { store, gate, clock, log } = deps;
  return {
    overview: () => overview(deps),
    refused: (turn) => keep(turn, deps),
    allow: (id, { by, micros }) => decide(id, { allow: true, by, micros: micros ?? null }, deps),
    deny: (id, by) => decide(id, { allow: false, by, micros: null }, deps),
    async settle(callId, { by, costMicros }) {
      const settled = await store.budgets.settleLost(callId, costMicros, clock.nowMs());
      if (settled) log.info("a lost call was settled by hand", { callId, costMicros, by });
      return settled;
    },
    async pause({ agentId, reason, by, cause }) {
      const pause = { agentId, reason, by, atMs: clock.nowMs() };
      if (!(await store.budgets.pause(pause, cause))) return;
      // Before the turns are broken off: none of them may begin another call.
      await gate.pausesChanged();
      log.warn("spending is paused", { agentId, reason, by });
      deps.interrupt(agentId, new AppError("BUDGET_003", pauseSentence(pause), { details: { agentId, reason } }));
    },
    async resume({ agentId, by }) {
      const { lifted, replayed } = await store.budgets.resume({ agentId, all: agentId === null }, replayRule(clock));
      await gate.pausesChanged();
      if (lifted.length > 0) log.info("spending goes on", { agentId, by, replayed });
      deps.wakeQueue();
      return { lifted: lifted.length, replayed };
    },
  };
}

/** What is older than a message may wait is left on the list of dead letters. */
function replayRule(clock: Clock): ReplayRule {
  const atMs = clock.nowMs();
  return { atMs, expiresMs: atMs + limits.inboundTtlMs, admittedAfterMs: atMs - limits.inboundTtlMs };
}

// ---------------------------------------------------------------- what is left

const shownRows = 200;

async function overview({ store, gate, clock, config }: BudgetDeskDeps): Promise<BudgetOverview> {
  const atMs = clock.nowMs();
  const book = gate.book();
  const [balances, pauses, lost, approvals] = await Promise.all([
    store.budgets.balances({ atMs, asked: book.named(atMs).map(spanOf) }),
    store.budgets.pauses(),
    store.budgets.lost(shownRows),
    store.approvals.list({ state: "open", limit: shownRows, atMs }),
  ]);
  const purses = balances.flatMap((balance): PurseState[] => {
    const limitMicros = book.limitOf(balance);
    return limitMicros === null ? [] : [{ ...balance, limitMicros }];
  });
  const { warnAt, unpriced } = config().budgets;
  const rank = ({ kind, id, period }: PurseState): string =>
    JSON.stringify([kind === "global" ? "" : kind, id, period]);
  return {
    timeZone: book.timeZone,
    warnAt,
    unpriced,
    pauses,
    purses: purses.toSorted((left, right) => (rank(left) < rank(right) ? -1 : 1)),
    lost,
    approvals: approvals.filter(({ kind }) => kind === "budget"),
  };
}

function spanOf({ kind, id, period, sinceMs, untilMs }: PurseLimit): PurseSpan {
  return { kind, id, period, sinceMs, untilMs };
}

// ---------------------------------------------------------------- a turn that was refused

/** What the gate says in the details of a `BUDGET_001`. */
interface ShortPurse {
  readonly purse: PurseState;
  readonly neededMicros: number;
}

function shortPurseOf(error: AppErrorJson): ShortPurse | null {
  const { purse, neededMicros } = error.details as Partial<ShortPurse>;
  return purse === undefined || neededMicros === undefined ? null : { purse, neededMicros };
}

/** What consent is asked for. Written once, read when somebody answers. */
interface BudgetQuestion {
  readonly purse: PurseSpan;
  readonly limitMicros: number;
  /** Granted where nobody names another amount. */
  readonly proposedMicros: number;
}

async function keep(turn: RefusedTurn, deps: BudgetDeskDeps): Promise<KeptMessage | null> {
  switch (turn.error.code) {
    case "BUDGET_001": {
      const short = shortPurseOf(turn.error);
      return short === null ? null : askForMore(turn, short, deps);
    }
    case "BUDGET_003":
      return keepForResume(turn, deps);
    default:
      return null;
  }
}

async function keepForResume(turn: RefusedTurn, deps: BudgetDeskDeps): Promise<KeptMessage> {
  const { error } = turn;
  const { agentId = null } = error.details as { agentId?: string | null };
  const reason = waitingFor({ pauseOf: agentId });
  const markdown = `⏸️ ${error.message} Your message is kept and is answered when it goes on.`;
  return { reason, reply: (await mayTell(reason, turn, deps)) ? { markdown } : null, also: [] };
}

async function askForMore(turn: RefusedTurn, short: ShortPurse, deps: BudgetDeskDeps): Promise<KeptMessage> {
  const { purse } = short;
  const atMs = deps.clock.nowMs();
  const question: BudgetQuestion = {
    purse: spanOf(purse),
    limitMicros: purse.limitMicros,
    proposedMicros: proposed(short),
  };
  const { row, created } = await deps.store.approvals.request({
    id: deps.ids.hex(4),
    kind: "budget",
    subject: question,
    subjectKey: JSON.stringify(["budget", ...Object.values(question.purse)]),
    runId: turn.runId,
    sessionKey: turn.sessionKey,
    createdMs: atMs,
    expiresMs: Math.min(purse.untilMs, atMs + limits.approvalTtlMs),
  });
  const reason = waitingFor({ approval: row.id });
  const told = await mayTell(reason, turn, deps);
  // The turn that asked asks again where it died before it could tell anybody.
  const also = created || row.runId === turn.runId ? await otherOwners(turn, { row, short }, deps) : [];
  return { reason, reply: told ? questionReply(row, shortSentence(purse, short.neededMicros)) : null, also };
}

/** A fifth of the limit, or twice what is missing where that is more; whole cents. */
function proposed({ purse, neededMicros }: ShortPurse): number {
  const missing = neededMicros - leftMicros(purse);
  return Math.ceil(Math.max(purse.limitMicros / 5, 2 * missing) / centMicros) * centMicros;
}

const centMicros = 10_000;

async function otherOwners(
  { address }: RefusedTurn,
  { row, short }: { row: ApprovalRow; short: ShortPurse },
  deps: BudgetDeskDeps,
): Promise<KeptMessage["also"]> {
  const { purse, neededMicros } = short;
  const chats = (await deps.ownerChats()).filter((chat) => !isSameChat(chat, address));
  const sentence = `${shortSentence(purse, neededMicros, purseName(purse))} A message of ${address.channel} waits for it.`;
  return chats.map((chat) => ({
    id: JSON.stringify(["approval", row.id, chat.channel, chat.accountId, chat.chatId]),
    address: chat,
    reply: questionReply(row, sentence),
  }));
}

function isSameChat(left: Address, right: Address): boolean {
  return left.channel === right.channel && left.accountId === right.accountId && left.chatId === right.chatId;
}

function questionReply({ id, subject }: ApprovalRow, sentence: string): Reply {
  const { proposedMicros, purse } = subject as BudgetQuestion;
  const usd = proposedMicros / 1_000_000;
  const until = purse.period === "day" ? "today" : "this month";
  const amount = dollarsOf(proposedMicros);
  return {
    markdown: [
      `💰 ${sentence}`,
      `An owner can allow ${amount} more for ${until}: \`/allow ${id}\`, or another amount: \`/allow ${id} ${usd * 2}\`. The message is kept and is answered then.`,
    ].join("\n\n"),
    buttons: [
      { label: `Allow ${amount} more`, says: `/allow ${id} ${usd}` },
      { label: "No", says: `/deny ${id}` },
    ],
  };
}

/** A chat whose messages wait is told so once in a while, and not with each of them. */
function mayTell(reason: string, turn: RefusedTurn, { store, clock }: BudgetDeskDeps): Promise<boolean> {
  return store.budgets.mayTell(reason, turn, { atMs: clock.nowMs(), everyMs: limits.budgetNoticeMs });
}

// ---------------------------------------------------------------- the answer

interface Answer {
  readonly allow: boolean;
  readonly by: string;
  /** Null: what was proposed. */
  readonly micros: number | null;
}

async function decide(id: string, { allow, by, micros }: Answer, deps: BudgetDeskDeps): Promise<AllowOutcome> {
  const { store, clock, log } = deps;
  const asked = await store.approvals.get(id.toLowerCase());
  if (asked === null || asked.kind !== "budget") return { outcome: "unknown" };
  const { purse, proposedMicros } = asked.subject as BudgetQuestion;
  const granted = allow ? (micros ?? proposedMicros) : 0;
  const decided = await store.approvals.decide(asked.id, {
    allow,
    by,
    decision: { micros: granted },
    ...(allow ? { grant: { purse, micros: granted } } : {}),
    replay: replayRule(clock),
  });
  if (decided.outcome !== "decided") return decided;
  const { row, replayed } = decided;
  log.info("a budget was decided about", { approval: row.id, allow, micros: granted, by, replayed });
  const type = allow ? "budget.allowed" : "budget.denied";
  await store.trace.add([
    { messageId: null, runId: row.runId, type, atMs: clock.nowMs(), data: { approval: row.id, by, micros: granted } },
  ]);
  deps.wakeQueue();
  return allow ? { outcome: "allowed", row, micros: granted, replayed } : { outcome: "denied", row };
}
