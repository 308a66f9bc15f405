/** Pays for calls that no turn makes: money is held before the call, and the call is booked when it is over. */
import { AppError } from "../domain/app-error.ts";
import { costMicros, noUsage, splitCost } from "../domain/money.ts";
import type { CallBeside, PayBeside } from "../domain/call-beside.ts";
import type { Clock } from "../platform/clock.ts";
import { wasNeverSent } from "../platform/egress/unsent.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { LedgerEntry } from "../store/ledger-port.ts";
import type { Store } from "../store/port.ts";
import type { BudgetGate, CallToPay } from "./contract.ts";

export interface PayBesideDeps {
  readonly gate: BudgetGate;
  readonly ledger: Pick<Store["ledger"], "book">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

export function createPayBeside(deps: PayBesideDeps): PayBeside {
  const { gate, ledger, clock, ids } = deps;
  return async (call, ask, tokensOf) => {
    const payer = payerOf(call, ids.uuid());
    const held = await gate.hold(payer);
    if (!held.granted) throw AppError.fromJSON(held.error);
    const book = async (usage: Read): Promise<void> => {
      await ledger.book([entryOf(call, payer, { ...usage, atMs: clock.nowMs() })]);
    };
    try {
      const answer = await ask();
      await settled(() => book(tokensOf === undefined ? nothingCounted : readBy(call, tokensOf(answer))), deps);
      return answer;
    } catch (thrown) {
      const usage = tokensOf === undefined ? nothingCounted : readBy(call, null);
      await settled(() => (isUnbilled(thrown) ? gate.release(held.hold) : book(usage)), deps);
      throw thrown;
    }
  };
}

/** An account of its own beside the agent's sessions, by a key that none of them can have; no person's purse pays. */
function payerOf({ purpose, agentId, model, inputBytes }: CallBeside, callId: string): CallToPay {
  return {
    callId,
    runId: "",
    sessionKey: `${purpose}:${agentId}`,
    agentId,
    channel: purpose,
    senderId: "",
    jobId: null,
    origin: purpose,
    waits: false,
    model,
    inputTokens: inputBytes,
    outputTokens: 0,
  };
}

interface Read {
  readonly input: number;
  readonly estimated: boolean;
}

const nothingCounted: Read = Object.freeze({ input: 0, estimated: false });

/** A count that no such text can have is none. */
function readBy({ inputBytes }: CallBeside, told: number | null): Read {
  return told === null || told > inputBytes
    ? { input: Math.ceil(inputBytes / usualTokenBytes), estimated: true }
    : { input: told, estimated: false };
}

/** Of most texts in most scripts; where it errs, it books too much. */
const usualTokenBytes = 3;

function entryOf(
  { purpose, model }: CallBeside,
  { callId, runId, sessionKey, agentId, channel, senderId }: CallToPay,
  { input, estimated, atMs }: Read & { readonly atMs: number },
): LedgerEntry {
  const usage = { ...noUsage, input };
  const cost = costMicros(usage, model.price) ?? null;
  return {
    id: callId,
    atMs,
    runId,
    sessionKey,
    agentId,
    channel,
    senderId,
    provider: model.provider,
    model: model.id,
    usage,
    costMicros: cost,
    costs: splitCost(usage, model.price, cost),
    estimated,
    // Its time would stand among those of answers.
    latencyMs: null,
    origin: purpose,
  };
}

/** What was refused was made for nobody, and what found nobody was not sent; all else may have been read at least. */
function isUnbilled(thrown: unknown): boolean {
  const { code, details } = AppError.from(thrown);
  const status: unknown = details["status"];
  return (typeof status === "number" && status >= 400) || code === "SEC_005" || wasNeverSent(thrown);
}

/**
 * The answer is there, or the failure is: that its price could not be written down changes neither. Where a purse has a limit
 * the hold stays, and counts at its worst case; elsewhere the call is missing from the sums.
 */
async function settled(write: () => Promise<unknown>, { log }: Pick<PayBesideDeps, "log">): Promise<void> {
  try {
    await write();
  } catch (thrown) {
    log.warn("what a call cost could not be booked", { error: AppError.from(thrown).toJSON() });
  }
}
