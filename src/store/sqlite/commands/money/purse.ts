/**
 * Purses: found by who pays, made with what is known of their period, moved by holds and by the ledger. Whatever is added
 * to or taken from one is added or taken in every row that counts the same moment.
 */
import type { PurseBalance, PurseKey, PurseSpan } from "../../../../domain/purse.ts";
import type { Database } from "../../database.ts";
import { dayMs } from "../../../../domain/local-time.ts";

/** Who pays, as rows of holds and of the ledger have it. */
export interface PayerFacts {
  readonly session_key: string;
  readonly agent_id: string;
  readonly channel: string;
  readonly sender_id: string;
  readonly job_id: string | null;
  readonly chat: string | null;
}

/** The purses that money of this payer comes from; which of them have rows is another matter. */
function pursesOf(payer: PayerFacts): readonly PurseKey[] {
  return [
    { kind: "global", id: "" },
    { kind: "agent", id: payer.agent_id },
    { kind: "user", id: `${payer.channel}:${payer.sender_id}` },
    { kind: "chat", id: payer.session_key },
    ...(payer.chat === null || payer.chat === payer.session_key ? [] : [{ kind: "chat" as const, id: payer.chat }]),
    ...(payer.job_id === null ? [] : [{ kind: "job" as const, id: payer.job_id }]),
  ];
}

/** The origin of calls that another installation made: the ledger has them, and no purse of this one. */
export const elsewhere = "import";

/** Moves every purse of the payer that counts this moment. */
export function move(
  db: Database,
  payer: PayerFacts,
  { atMs, spent, held }: { atMs: number; spent: number; held: number },
): void {
  if (spent === 0 && held === 0) return;
  for (const { kind, id } of pursesOf(payer)) {
    db.run(
      `UPDATE budget_purse SET spent_micros = spent_micros + ?, held_micros = held_micros + ?
       WHERE kind = ? AND purse = ? AND until_ms > ? AND since_ms <= ?`,
      spent,
      held,
      kind,
      id,
      atMs,
      atMs,
    );
  }
}

interface PurseRecord {
  readonly kind: PurseKey["kind"];
  readonly purse: string;
  readonly period: PurseSpan["period"];
  readonly since_ms: number;
  readonly until_ms: number;
  readonly spent_micros: number;
  readonly held_micros: number;
  readonly extra_micros: number;
  readonly warned_ms: number | null;
}

const ofSpan = `kind = ? AND purse = ? AND until_ms = ? AND since_ms = ? AND period = ?`;

function spanValues({ kind, id, untilMs, sinceMs, period }: PurseSpan): [string, string, number, number, string] {
  return [kind, id, untilMs, sinceMs, period];
}

/** The row of the purse, made where it is not there. */
export function ensurePurse(db: Database, span: PurseSpan): PurseBalance & { readonly warnedMs: number | null } {
  const known = db.get<PurseRecord>(`SELECT * FROM budget_purse WHERE ${ofSpan}`, ...spanValues(span));
  if (known !== undefined) return { ...balanceOf(known), warnedMs: known.warned_ms };
  const fresh = balanceFromRows(db, span);
  db.run(
    `INSERT INTO budget_purse (kind, purse, until_ms, since_ms, period, spent_micros, held_micros)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ...spanValues(span),
    fresh.spentMicros,
    fresh.heldMicros,
  );
  return { ...fresh, warnedMs: null };
}

export function warn(db: Database, span: PurseSpan, atMs: number): void {
  db.run(`UPDATE budget_purse SET warned_ms = ? WHERE ${ofSpan}`, atMs, ...spanValues(span));
}

export function grant(db: Database, span: PurseSpan, micros: number): void {
  ensurePurse(db, span);
  // More was allowed: its warning share lies higher now, and going over that is news again.
  db.run(
    `UPDATE budget_purse SET extra_micros = extra_micros + ?, warned_ms = NULL WHERE ${ofSpan}`,
    micros,
    ...spanValues(span),
  );
}

export interface BalanceArgs {
  readonly atMs: number;
  readonly asked: readonly PurseSpan[];
}

export function balances(db: Database, { atMs, asked }: BalanceArgs): PurseBalance[] {
  const used = db
    .all<PurseRecord>(
      `SELECT * FROM budget_purse WHERE until_ms > ? AND since_ms <= ? ORDER BY kind, purse, period`,
      atMs,
      atMs,
    )
    .map(balanceOf);
  const known = new Set(used.map(nameOf));
  return [...used, ...asked.filter((span) => !known.has(nameOf(span))).map((span) => balanceFromRows(db, span))];
}

function nameOf(span: PurseSpan): string {
  return JSON.stringify(spanValues(span));
}

function balanceOf(row: PurseRecord): PurseBalance {
  return {
    kind: row.kind,
    id: row.purse,
    period: row.period,
    sinceMs: row.since_ms,
    untilMs: row.until_ms,
    spentMicros: row.spent_micros,
    heldMicros: row.held_micros,
    extraMicros: row.extra_micros,
  };
}

/** What the ledger and the holds say of it: the limit may be younger than the period, or the time zone another. */
function balanceFromRows(db: Database, span: PurseSpan): PurseBalance {
  const { kind, id, period, sinceMs, untilMs } = span;
  return {
    kind,
    id,
    period,
    sinceMs,
    untilMs,
    spentMicros: spentIn(db, span),
    heldMicros: heldIn(db, span),
    extraMicros: 0,
  };
}

/** Open and lost holds of the purse; of the open ones alone, what may come back. */
export function heldIn(db: Database, span: PurseSpan, onlyOpen = false): number {
  const where = holdsOf(span);
  const states = onlyOpen ? `state = 'open'` : `state IN ('open', 'lost')`;
  const row = db.get<{ held: number }>(
    `SELECT coalesce(sum(reserved_micros), 0) AS held FROM budget_hold
     WHERE at_ms >= ? AND at_ms < ? AND ${states} AND ${where.sql}`,
    span.sinceMs,
    span.untilMs,
    ...where.values,
  );
  return row?.held ?? 0;
}

interface Condition {
  readonly sql: string;
  readonly values: readonly string[];
}

function holdsOf({ kind, id }: PurseKey): Condition {
  switch (kind) {
    case "global":
      return { sql: "1 = 1", values: [] };
    case "agent":
      return { sql: "agent_id = ?", values: [id] };
    case "user":
      return { sql: "channel = ? AND sender_id = ?", values: userOf(id) };
    case "chat":
      return { sql: "(session_key = ? OR chat = ?)", values: [id, id] };
    case "job":
      return { sql: "job_id = ?", values: [id] };
  }
}

function userOf(id: string): readonly [string, string] {
  const colon = id.indexOf(":");
  return [id.slice(0, colon), id.slice(colon + 1)];
}

/**
 * A row of the ledger may be written after the period in which its money was set aside, and then counts there: for this
 * long after its begin a period is counted row by row. A call ends within its turn's time.
 */
const lateMs = 2 * 3_600_000;
function spentIn(db: Database, span: PurseSpan): number {
  // The ledger knows no jobs, and chats by their session keys alone: such a purse begins to count with its first hold.
  if (span.kind === "job") return 0;
  if (span.kind === "user" || span.kind === "chat") return spentInRows(db, span, span.untilMs);
  const wholeDay = Math.ceil((span.sinceMs + lateMs) / dayMs);
  return spentInRows(db, span, wholeDay * dayMs) + spentInDays(db, span, wholeDay);
}

function spentInRows(db: Database, { kind, id, sinceMs }: PurseSpan, beforeMs: number): number {
  const where: Condition = kind === "chat" ? { sql: "session_key = ?", values: [id] } : holdsOf({ kind, id });
  const row = db.get<{ spent: number }>(
    `SELECT coalesce(sum(cost_micros), 0) AS spent FROM ledger
     WHERE at_ms >= ? AND at_ms < ? AND coalesce(held_ms, at_ms) >= ? AND origin <> ? AND ${where.sql}`,
    sinceMs,
    beforeMs,
    sinceMs,
    elsewhere,
    ...where.values,
  );
  return row?.spent ?? 0;
}

function spentInDays(db: Database, { kind, id, untilMs }: PurseSpan, fromDay: number): number {
  const mine = kind === "agent" ? "AND agent_id = ?" : "";
  const row = db.get<{ spent: number }>(
    `SELECT coalesce(sum(cost_micros), 0) AS spent FROM ledger_day
     WHERE day >= ? AND day < ? AND origin <> ? ${mine}`,
    fromDay,
    Math.ceil(untilMs / dayMs),
    elsewhere,
    ...(kind === "agent" ? [id] : []),
  );
  return row?.spent ?? 0;
}
