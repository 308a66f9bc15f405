/**
 * How every model, login and provider stands: what failed, for how long it is left alone, and who may try it again. Pure
 * of disk and clock; times are the callers'. Knows no order and no fallback.
 */
import type { FailureReason } from "../domain/failure-reason.ts";
import { limits } from "../domain/limits.ts";
import { fineUnder, pauseAfter, type PauseRules } from "./pause.ts";
import type { Candidate, Outcome, Standing } from "./contract.ts";

/** What is remembered of one failing thing. Goes to the disk as it is. */
export interface StandingRow {
  /** See `scopesOf`. */
  readonly key: string;
  readonly provider: string;
  readonly reason: FailureReason;
  readonly why: string;
  /** Null: until its login changes. 0: failures are counted, nothing is left alone. */
  readonly untilMs: number | null;
  /** Counted within the breaker's window, since `sinceMs`. */
  readonly failures: number;
  readonly sinceMs: number;
  /** How many pauses there were in a row; the next one is longer. */
  readonly level: number;
  readonly failedMs: number;
  /** Of the login and its address when it failed: with another one, nothing of this is true any more. */
  readonly revision: string;
}

export interface StandingsDeps {
  /** Changes whenever the login's secret (null: of none) or the provider's address does. Undefined while it is not known. */
  readonly revisionOf: (provider: string, profileId: string | null) => string | undefined;
  readonly rules: () => PauseRules;
  /** Told the key of every row that changed or went. */
  readonly onChange: (key: string) => void;
}

export class Standings {
  readonly #deps: StandingsDeps;
  readonly #rows = new Map<string, StandingRow>();
  /** By key, since when; of this process alone: a trial that a crash cut off is free again. */
  readonly #trials = new Map<string, number>();

  constructor(deps: StandingsDeps) {
    this.#deps = deps;
  }

  /** What was kept; what this run has learnt meanwhile is newer. */
  load(rows: readonly StandingRow[]): void {
    for (const row of rows) if (!this.#rows.has(row.key)) this.#rows.set(row.key, row);
  }

  get(key: string): StandingRow | undefined {
    return this.#rows.get(key);
  }

  /** Changes nothing: for whoever looks. */
  peek(candidate: Candidate, atMs: number): Standing {
    let trial = false;
    for (const row of this.#rowsOf(candidate)) {
      if (row.untilMs === null || atMs < row.untilMs) return barred(row, row.untilMs);
      if (row.untilMs === 0) continue;
      if (this.#isTried(row.key, atMs)) return barred(row, atMs + trialPeekMs);
      trial = true;
    }
    return { usable: true, trial };
  }

  /** Whoever is told `trial` has it, and reports or forgoes. */
  take(candidate: Candidate, atMs: number): Standing {
    const standing = this.peek(candidate, atMs);
    if (standing.usable && standing.trial) {
      for (const row of this.#rowsOf(candidate)) if (row.untilMs !== 0) this.#trials.set(row.key, atMs);
    }
    return standing;
  }

  forgo(candidate: Candidate): void {
    for (const key of Object.values(scopesOf(candidate))) this.#trials.delete(key);
  }

  report(candidate: Candidate, outcome: Outcome): void {
    const scopes = scopesOf(candidate);
    this.forgo(candidate);
    if (outcome.ok || fineUnder(outcome.reason)) {
      // An answer says that login, provider and model are well, as of when it was asked for.
      for (const key of Object.values(scopes)) {
        const row = this.#rows.get(key);
        if (row !== undefined && row.failedMs <= outcome.startedMs) this.#drop(key);
      }
      return;
    }
    const scope = scopeOf(outcome, candidate);
    const key = scopes[scope];
    const before = this.#current(key, candidate);
    const login = scope === "provider" ? null : candidate.profileId;
    const revision = this.#deps.revisionOf(candidate.model.provider, login) ?? "";
    const pause = pauseAfter(before, outcome, { rules: this.#deps.rules(), candidate });
    this.#rows.delete(key);
    this.#rows.set(key, { key, provider: candidate.model.provider, revision, ...pause });
    this.#deps.onChange(key);
    // The oldest go first: a row is put at the end whenever it changes.
    while (this.#rows.size > limits.modelStandings) this.#drop(this.#rows.keys().next().value as string);
  }

  /** A login of the same provider, other than this one, that could not pay a while ago; its name. */
  unpaid({ model, profileId }: Candidate, atMs: number): string | null {
    const prefix = `login ${model.provider} `;
    for (const row of this.#rows.values()) {
      if (row.reason !== "billing" || !row.key.startsWith(prefix)) continue;
      const other = row.key.slice(prefix.length);
      if (other === (profileId ?? "") || row.untilMs === null || atMs >= row.untilMs) continue;
      if (this.#isOutdated(row, other === "" ? null : other)) this.#drop(row.key);
      else return other;
    }
    return null;
  }

  forget(providerId: string | null): number {
    const gone = [...this.#rows.values()].filter(({ provider }) => providerId === null || provider === providerId);
    for (const { key } of gone) this.#drop(key);
    return gone.length;
  }

  /** Forgets what is so long over that it would change nothing. */
  prune(atMs: number): void {
    const { failureWindowMs } = this.#deps.rules();
    for (const row of this.#rows.values()) {
      if (row.untilMs !== null && Math.max(row.untilMs, row.failedMs) + failureWindowMs < atMs) this.#drop(row.key);
    }
  }

  #rowsOf(candidate: Candidate): StandingRow[] {
    return Object.values(scopesOf(candidate)).flatMap((key) => this.#current(key, candidate) ?? []);
  }

  #current(key: string, { profileId }: Candidate): StandingRow | undefined {
    const row = this.#rows.get(key);
    if (row === undefined || !this.#isOutdated(row, profileId)) return row;
    this.#drop(key);
    return undefined;
  }

  #isOutdated(row: StandingRow, profileId: string | null): boolean {
    const login = row.key.startsWith("provider ") ? null : profileId;
    const revision = this.#deps.revisionOf(row.provider, login);
    return revision !== undefined && revision !== row.revision;
  }

  #isTried(key: string, atMs: number): boolean {
    const sinceMs = this.#trials.get(key);
    return sinceMs !== undefined && atMs - sinceMs < limits.turnTimeoutMs;
  }

  #drop(key: string): void {
    this.#trials.delete(key);
    if (this.#rows.delete(key)) this.#deps.onChange(key);
  }
}

/** While another turn tries it: soon enough to look again. */
const trialPeekMs = 1_000;

/** What may fail as a whole. No id holds a blank but the model's, which stands last. */
export function scopesOf({ model, profileId }: Candidate): Readonly<Record<"provider" | "login" | "model", string>> {
  const login = profileId ?? "";
  return {
    provider: `provider ${model.provider}`,
    login: `login ${model.provider} ${login}`,
    model: `model ${model.provider} ${login} ${model.id}`,
  };
}

function scopeOf(
  { reason, status }: Extract<Outcome, { ok: false }>,
  { profileId }: Candidate,
): "provider" | "login" | "model" {
  switch (reason) {
    // The host is the same for all of them.
    case "network":
      return "provider";
    case "auth":
      // The key is good and may not use this model; one without a key has nothing to change.
      return status === 403 || profileId === null ? "model" : "login";
    case "billing":
      return "login";
    default:
      return "model";
  }
}

function barred({ reason, why }: StandingRow, untilMs: number | null): Standing {
  return { usable: false, untilMs, reason, why };
}
