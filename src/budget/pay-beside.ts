/** The till for calls that no turn makes: money is held before the call, and the call is booked when it is over. */
import { AppError } from "../domain/app-error.ts";
import { costMicros, noUsage, splitCost } from "../domain/money.ts";
import type { CallBeside, PayBeside } from "../domain/paid-call.ts";
import type { Clock } from "../platform/clock.ts";
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
  return async (call, ask) => {
    const payer = payerOf(call, ids.uuid());
    const held = await gate.hold(payer, neverWaits);
    if (!held.granted) throw AppError.fromJSON(held.error);
    const startedMs = clock.monotonicMs();
    const book = async (inputTokens: number | null): Promise<void> => {
      const times = { atMs: clock.nowMs(), latencyMs: Math.round(clock.monotonicMs() - startedMs) };
      await ledger.book([entryOf(call, payer, { ...times, inputTokens })]);
    };
    try {
      const answer = await ask();
      await settled(() => book(answer.inputTokens), deps);
      return answer;
    } catch (thrown) {
      await settled(() => (mayBeBilled(AppError.from(thrown)) ? book(null) : gate.release(held.hold)), deps);
      throw thrown;
    }
  };
}

/** Nobody waits here until other calls give money back: it can be done without, or is done later. */
const neverWaits = AbortSignal.abort();

/** An account of its own beside the agent's conversations; whoever asked is not told, so no person's purse pays. */
function payerOf({ purpose, agentId, model, inputBytes }: CallBeside, callId: string): CallToPay {
  return {
    callId,
    runId: "",
    sessionKey: `agent:${agentId}:${purpose}`,
    agentId,
    channel: purpose,
    senderId: "",
    jobId: null,
    origin: purpose,
    model,
    inputTokens: inputBytes,
    outputTokens: 0,
  };
}

function entryOf(
  { purpose, model, inputBytes }: CallBeside,
  { callId, runId, sessionKey, agentId, channel, senderId }: CallToPay,
  { inputTokens, ...times }: { readonly inputTokens: number | null; readonly atMs: number; readonly latencyMs: number },
): LedgerEntry {
  const usage = { ...noUsage, input: inputTokens ?? Math.ceil(inputBytes / usualTokenBytes) };
  const cost = costMicros(usage, model.price) ?? null;
  return {
    id: callId,
    ...times,
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
    estimated: inputTokens === null,
    origin: purpose,
  };
}

/** Where a provider tells nothing: what a token of most texts is about as long as. */
const usualTokenBytes = 4;

/** What was refused was made for nobody; what was silent, stopped or unreadable has been read at least. */
function mayBeBilled({ code, details }: AppError): boolean {
  return details["silent"] === true || code === "MODEL_005" || code === "MODEL_006" || code === "SYS_007";
}

/** The answer is there, or the failure is: that its price could not be written down changes neither. A hold counts at its worst case then. */
async function settled(write: () => Promise<unknown>, { log }: Pick<PayBesideDeps, "log">): Promise<void> {
  try {
    await write();
  } catch (thrown) {
    log.warn("what a call cost could not be booked", { error: AppError.from(thrown).toJSON() });
  }
}
