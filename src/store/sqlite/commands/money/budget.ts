/** Setting money aside for a call before it is made, and what is done about calls whose turn is gone. */
import { AppError } from "../../../../domain/app-error.ts";
import { worstCaseMicros } from "../../../../domain/money.ts";
import { leftMicros, type PurseLimit, type PurseState } from "../../../../domain/purse.ts";
import type { HoldRequest, Reservation } from "../../../budget-port.ts";
import type { Database } from "../../database.ts";
import { record } from "../ledger.ts";
import type { HoldRecord } from "./hold.ts";
import { pauseFor } from "./pause.ts";
import { ensurePurse, heldIn, move, warn, type PayerFacts } from "./purse.ts";

/** `request.model` is `<provider>/<model>`. */
export function reserve(db: Database, request: HoldRequest): Reservation {
  const known = db.get<HoldRecord>(`SELECT * FROM budget_hold WHERE id = ?`, request.id);
  if (known !== undefined) {
    const { reserved_micros: reservedMicros, output_tokens: outputTokens } = known;
    return { outcome: "held", reservedMicros, outputTokens, warnings: [] };
  }
  if (db.get(`SELECT 1 FROM ledger WHERE id = ?`, request.id) !== undefined) {
    throw new AppError("SYS_001", "A call asks for money that is in the ledger already.", {
      details: { callId: request.id },
    });
  }
  const pause = pauseFor(db, request.payer.agentId);
  if (pause !== null) return { outcome: "paused", pause };
  const states = request.purses.map((limit) => stateOf(db, limit));
  const tightest = states.toSorted((left, right) => leftMicros(left) - leftMicros(right))[0];
  const outputTokens = affordableTokens(request, tightest === undefined ? Infinity : leftMicros(tightest));
  if (outputTokens === null) return short(db, request, states);
  return hold(db, request, { outputTokens, states });
}

interface WarnedState extends PurseState {
  readonly warnedMs: number | null;
}

function stateOf(db: Database, limit: PurseLimit): WarnedState {
  const { kind, id, period, sinceMs, untilMs, limitMicros } = limit;
  return { ...ensurePurse(db, { kind, id, period, sinceMs, untilMs }), limitMicros };
}

/** How long the answer may be; null where not even the shortest that is worth having can be paid. */
function affordableTokens(request: HoldRequest, left: number): number | null {
  const { worst, outputTokens, leastOutputTokens } = request;
  const whole = worstCaseMicros(worst, outputTokens);
  // What costs nothing is nothing that a purse could lack.
  if (whole === 0 || whole <= left) return outputTokens;
  let tokens = Math.min(outputTokens, Math.floor((left - worst.inputMicros) / worst.outputMicrosPerToken));
  while (tokens >= leastOutputTokens && worstCaseMicros(worst, tokens) > left) tokens -= 1;
  return tokens >= leastOutputTokens ? tokens : null;
}

function short(db: Database, request: HoldRequest, states: readonly WarnedState[]): Reservation {
  const { worst, outputTokens, leastOutputTokens } = request;
  const neededMicros = worstCaseMicros(worst, Math.min(outputTokens, leastOutputTokens));
  const [purse] = states.toSorted((left, right) => leftMicros(left) - leftMicros(right));
  if (purse === undefined) throw new AppError("SYS_001", "A call was refused by no purse.");
  const passing = states.every((state) => leftMicros(state) + heldIn(db, state, true) >= neededMicros);
  return { outcome: "short", purse: plain(purse), neededMicros, passing };
}

function hold(
  db: Database,
  request: HoldRequest,
  { outputTokens, states }: { outputTokens: number; states: readonly WarnedState[] },
): Reservation {
  const { id, atMs, payer, model, origin, warnAt } = request;
  const reservedMicros = worstCaseMicros(request.worst, outputTokens);
  db.run(
    `INSERT INTO budget_hold (id, at_ms, run_id, session_key, agent_id, channel, sender_id, job_id, chat, model, origin,
       reserved_micros, output_tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    atMs,
    payer.runId,
    payer.sessionKey,
    payer.agentId,
    payer.channel,
    payer.senderId,
    payer.jobId,
    payer.chat,
    model,
    origin,
    reservedMicros,
    outputTokens,
  );
  const facts: PayerFacts = {
    session_key: payer.sessionKey,
    agent_id: payer.agentId,
    channel: payer.channel,
    sender_id: payer.senderId,
    job_id: payer.jobId,
    chat: payer.chat,
  };
  move(db, facts, { atMs, spent: 0, held: reservedMicros });
  const warnings = states
    .map((state) => ({ ...state, heldMicros: state.heldMicros + reservedMicros }))
    .filter((state) => state.warnedMs === null && isOverShare(state, warnAt));
  for (const state of warnings) warn(db, state, atMs);
  return { outcome: "held", reservedMicros, outputTokens, warnings: warnings.map(plain) };
}

function isOverShare({ limitMicros, extraMicros, spentMicros, heldMicros }: PurseState, share: number): boolean {
  const mayMicros = limitMicros + extraMicros;
  return mayMicros > 0 && spentMicros + heldMicros >= share * mayMicros;
}

function plain({ warnedMs: _inside, ...state }: WarnedState): PurseState {
  return state;
}

export function loseOrphans(db: Database, { beforeMs }: { beforeMs: number }): number {
  return db.run(
    `UPDATE budget_hold SET state = 'lost' WHERE state = 'open' AND at_ms < ? AND NOT EXISTS (
       SELECT 1 FROM inbox WHERE inbox.run_id = budget_hold.run_id AND lease_owner IS NOT NULL)`,
    beforeMs,
  );
}

export interface SettleLostArgs {
  readonly id: string;
  readonly costMicros: number;
  readonly atMs: number;
}

export function settleLost(db: Database, { id, costMicros, atMs }: SettleLostArgs): boolean {
  const row = db.get<HoldRecord>(`SELECT * FROM budget_hold WHERE id = ? AND state <> 'open'`, id);
  if (row === undefined) return false;
  record(db, {
    id,
    atMs,
    runId: row.run_id,
    sessionKey: row.session_key,
    agentId: row.agent_id,
    channel: row.channel,
    senderId: row.sender_id,
    // What a person settled names no login; nobody measured it.
    profileId: null,
    jobId: row.job_id,
    model: row.model,
    input: 0,
    output: 0,
    cacheRead: 0,
    cacheWrite: 0,
    costMicros,
    costFrom: "provider",
    costs: null,
    estimated: true,
    latencyMs: -1,
    firstTokenMs: null,
    origin: row.origin,
  });
  return true;
}

/** Periods that are over, and what was asked long ago; the oldest first, at most `limit` of each. */
export function pruneBudgets(db: Database, { beforeMs, limit }: { beforeMs: number; limit: number }): number {
  const purses = db.run(
    `DELETE FROM budget_purse WHERE (kind, purse, until_ms, since_ms, period) IN (
       SELECT kind, purse, until_ms, since_ms, period FROM budget_purse WHERE until_ms < ? ORDER BY until_ms LIMIT ?)`,
    beforeMs,
    limit,
  );
  const approvals = db.run(
    `DELETE FROM approval WHERE seq IN (SELECT seq FROM approval WHERE expires_ms < ? ORDER BY seq LIMIT ?)`,
    beforeMs - keepApprovalsMs,
    limit,
  );
  db.run(`DELETE FROM budget_told WHERE at_ms < ?`, beforeMs);
  return purses + approvals;
}

/** Who allowed what can be looked up this long, beyond what is kept of messages. */
const keepApprovalsMs = 90 * 24 * 3_600_000;
