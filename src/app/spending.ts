/**
 * Money, put together: the gate in front of every call, the desk where people decide, and who is told of what. Made once
 * per message way.
 */
import { createBudgetDesk } from "../budget/desk.ts";
import type { BudgetDesk, CallToPay } from "../budget/contract.ts";
import { createBudgetGate, type OpenBudgetGate } from "../budget/gate.ts";
import { warningSentence } from "../budget/words.ts";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { EventBus } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import type { Address, InboundMessage } from "../domain/message.ts";
import type { PurseState } from "../domain/purse.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import type { OutboxDraft, Store } from "../store/port.ts";
import { createOwnerChats, type OwnerChats } from "./owner-chats.ts";

export interface Spending {
  readonly gate: OpenBudgetGate;
  readonly desk: BudgetDesk;
  readonly ownerChats: OwnerChats;
}

export interface SpendingDeps {
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly config: () => Config;
  readonly isOwner: (message: InboundMessage) => boolean;
  readonly storedIsDelivered: (channel: string) => boolean;
  readonly interrupt: (agentId: string | null, error: AppError) => void;
  readonly initialStateOf: (address: Address) => OutboxDraft["state"];
  readonly wakeQueue: () => void;
  readonly wakeDelivery: () => void;
}

export function createSpending(deps: SpendingDeps): Spending {
  const { store, clock, ids, log, config, interrupt, wakeQueue } = deps;
  const ownerChats = createOwnerChats({ ...deps, documents: store.documents });
  const gate = createBudgetGate({
    store,
    clock,
    log,
    config,
    onWarning: (call, states) => {
      for (const state of states) warnOf(call, state, { deps, ownerChats });
    },
  });
  const desk = createBudgetDesk({
    store,
    gate,
    clock,
    ids,
    log,
    config,
    ownerChats: () => ownerChats.list(),
    interrupt,
    wakeQueue,
  });
  return { gate, desk, ownerChats };
}

interface Surroundings {
  readonly deps: SpendingDeps;
  readonly ownerChats: OwnerChats;
}

/** Whoever reads along is told at once; owners where they can be reached, else the chat that spends. */
function warnOf(call: CallToPay, state: PurseState, around: Surroundings): void {
  const { bus, clock, log } = around.deps;
  const { runId, sessionKey, agentId } = call;
  const text = warningSentence(state);
  log.warn("a budget is nearly used up", { ...state });
  // A call beside turns has no run that anybody follows.
  if (runId !== "")
    bus.emit({ type: "run.notice", kind: "budget", text, runId, sessionKey, agentId, atMs: clock.nowMs() });
  tellOwners(call, state, around).catch((thrown: unknown) => {
    log.warn("nobody could be told of a budget", { error: AppError.from(thrown).toJSON() });
  });
}

async function tellOwners(call: CallToPay, state: PurseState, { deps, ownerChats }: Surroundings): Promise<void> {
  const { store, clock, initialStateOf, storedIsDelivered } = deps;
  const owners = await ownerChats.list();
  const spender = owners.length > 0 ? null : (await store.sessions.get(call.sessionKey))?.lastAddress;
  const chats = spender === null || spender === undefined ? owners : [spender];
  const atMs = clock.nowMs();
  const markdown = `💰 ${warningSentence(state)}`;
  for (const address of chats.filter(({ channel }) => !storedIsDelivered(channel))) {
    const id = warningId(state, address);
    const draft = { id, address, replyToId: null, reply: { markdown }, expiresMs: atMs + limits.noticeTtlMs };
    await store.outbox.add(
      { ...draft, state: initialStateOf(address) },
      { sessionKey: call.sessionKey, runId: null, atMs },
    );
  }
  deps.wakeDelivery();
}

/** The same for the same news: it is said once, whatever happens in between. */
function warningId({ kind, id, period, sinceMs, extraMicros }: PurseState, chat: Address): string {
  return JSON.stringify([
    "budget-warning",
    kind,
    id,
    period,
    sinceMs,
    extraMicros,
    chat.channel,
    chat.accountId,
    chat.chatId,
  ]);
}
