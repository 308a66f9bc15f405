/**
 * The way of a message, built: channels, door, queue, agent, delivery, each handed what it needs of the others.
 * Nothing runs before `start`.
 */
import { commandOf, offeredCommands, wordsOf } from "../agent/commands.ts";
import type { MemoryNotes } from "../agent/context/contract.ts";
import { createContextKeeper } from "../agent/context/keeper.ts";
import { pauseByMessage } from "../agent/money-commands.ts";
import { giveWay } from "../agent/overlap/give-way.ts";
import { createTurnHandler } from "../agent/run-turn.ts";
import { createInvokeTool } from "../agent/acting/invoke-tool.ts";
import type { InvokeTool, OpenReplyStream, Turns } from "../agent/contract.ts";
import { createTurnRegistry, type TurnRegistry } from "../agent/turn-registry.ts";
import type { AgentDeps } from "../agent/turn.ts";
import { accountSettings } from "../channels/account-settings.ts";
import type { ChannelModule, ReceiveOutcome } from "../channels/contract.ts";
import { shippedChannels, type ChannelCatalogue } from "../channels/catalogue.ts";
import { createChannelSupervisor, type ChannelSupervisor } from "../channels/supervisor.ts";
import { createWebhooks, type Webhooks } from "../channels/webhooks.ts";
import type { MissingSecret } from "../config/contract.ts";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { IdentityLinks } from "../domain/identity.ts";
import { limits } from "../domain/limits.ts";
import { messageText, type Address, type InboundMessage } from "../domain/message.ts";
import { createAdmit } from "../inbound/admit.ts";
import type { Admit } from "../inbound/contract.ts";
import { createIdentityLinks } from "../inbound/identity-links.ts";
import { createSenderRateLimit } from "../inbound/rate-limit.ts";
import type { Delivery, Route } from "../outbound/contract.ts";
import { createDelivery } from "../outbound/deliver.ts";
import { createInitialState, type InitialStateOf } from "../outbound/initial-state.ts";
import { createRateLimit } from "../outbound/rate-limit.ts";
import { startTyping, type Typing } from "../outbound/typing.ts";
import { createReplyStreams } from "../outbound/streams/reply-stream.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { DispatchQueue } from "../queue/contract.ts";
import type { InboxEntry } from "../store/port.ts";
import { createAccountMemory } from "./account-memory.ts";
import { crashPauseMs } from "../queue/pauses.ts";
import { openConsent, type Consent } from "./acting/consent.ts";
import type { Acting } from "./acting/contract.ts";
import { createBacklog, type Backlog } from "./backlog.ts";
import { sessionOfChat, type ChatSession } from "./chat-session.ts";
import { createChannelRules, type ChannelRules } from "./channel-rules.ts";
import type { DispatchDriver } from "./dispatch-driver.ts";
import { createRefusalLog, type RefusalLog } from "./refusal-log.ts";
import { stoppingDelivery } from "./stopped-turns.ts";
import { createSpending, type Spending } from "./spending.ts";

/** What the agent needs and the way does not make itself. */
export interface MessageWayDeps extends Omit<
  AgentDeps,
  | "registry"
  | "context"
  | "links"
  | "budget"
  | "budgetDesk"
  | "initialStateOf"
  | "openReplyStream"
  | "wakeDelivery"
  | "isOwner"
  | "approvals"
  | "consent"
> {
  /** Where people are asked about acts: chats are one of its ways, and messages answer there. */
  readonly approvals: Acting["approvals"];
  readonly dispatch: DispatchDriver;
  /** Where lasting facts are written before a conversation is summed up; absent: nowhere. */
  readonly notes?: MemoryNotes;
  /** As the house has it where absent. */
  readonly leaseMs?: number;
  /** Takes known secrets out of what a platform says, before it is kept or shown. Nothing where absent. */
  readonly redact?: (text: string) => string;
  /** References of the configuration in force that lead to no secret. None where absent. */
  readonly missingSecrets?: () => readonly MissingSecret[];
  /** Those that ship where absent. */
  readonly catalogue?: ChannelCatalogue;
}

export interface MessageWay {
  readonly admit: Admit;
  /** Calls of tools by callers of the gateway, behind the gate of the turns. */
  readonly invokeTool: InvokeTool;
  readonly turns: Turns;
  readonly channels: ChannelSupervisor;
  readonly rules: ChannelRules;
  /** What platforms call, for whoever has the port. */
  readonly webhooks: Webhooks;
  /** The gate in front of every model call, and the desk where people decide about money. */
  readonly spending: Spending;
  /** The session in which a chat's next message is answered. */
  sessionOfChat(address: Address): ChatSession;
  readonly initialStateOf: InitialStateOf;
  /** There is something in the outbox. */
  wakeDelivery(): void;
  /** What dispatch has to do without at the moment; null where nothing is missing. */
  dispatchTrouble(): string | null;
  /** A message may have its turn. */
  wakeQueue(): void;
  /**
   * Picks up what the last run left behind. Before anybody new is let in: a stateless call that waits then belongs to
   * a caller who is gone. Done once; `start` sees to it where nobody did.
   */
  recover(): Promise<void>;
  /** Lets turns, deliveries and channels run. */
  start(): Promise<void>;
  /** Lets nothing new in, finishes what it can within the time, gives the rest back for the next start. */
  close(budgetMs: number): Promise<void>;
  /** Only accounts whose settings changed are touched. Never throws: what fails is logged. */
  applyConfig(config: Config): Promise<void>;
}

/** A message that waited this long counts as one priority class higher. */
const agingMs = 30_000;

export function createMessageWay(deps: MessageWayDeps): MessageWay {
  const { store, bus, clock, ids, config } = deps;
  const owner = ids.uuid();
  const registry = createTurnRegistry({ store, bus, clock });
  const backlog = createBacklog({ store, bus, clock });
  const queue = createQueue(deps, owner);
  const intake = { stopped: false };
  const rules = createChannelRules(config, deps.catalogue);
  const links = createIdentityLinks({ documents: store.documents, config, clock, ids });
  const turns = stoppingDelivery(registry, { ...deps, delivery: () => delivery });
  const late = { spending: () => spending, consent: () => consent };
  const admit = createDoor(deps, { queue, registry, turns, backlog, rules, links, intake, ...late });
  const { channels, webhooks, delivery, initialStateOf, openReplyStream, typing } = createChannels(deps, admit, rules);
  const spending = openSpending(deps, { rules, registry, queue, delivery, initialStateOf });
  const wakeDelivery = (): void => delivery.wake();
  const consent = openConsent({ ...deps, rules, channels, initialStateOf, wakeDelivery });
  const forTurns = agentDeps(deps, {
    registry,
    consent,
    spending,
    rules,
    links,
    initialStateOf,
    openReplyStream,
    wakeDelivery,
  });
  const handler = createTurnHandler(forTurns);
  const recover = once(async () => {
    await Promise.all([recoverInbox(deps, owner), links.load()]);
    await spending.gate.start();
  });
  return {
    admit,
    invokeTool: createInvokeTool(forTurns),
    turns,
    channels,
    rules,
    webhooks,
    spending,
    initialStateOf,
    sessionOfChat: (address) => sessionOfChat(address, { config, links }),
    wakeDelivery,
    dispatchTrouble: () => queue.trouble(),
    wakeQueue: () => queue.wake(),
    recover,
    async start() {
      await recover();
      await backlog.start();
      await delivery.start();
      queue.start(handler);
      await channels.start();
    },
    async close(budgetMs) {
      intake.stopped = true;
      consent.close();
      await closeWay({ deps, queue, registry, backlog, typing, delivery, channels }, budgetMs);
      spending.gate.close();
    },
    applyConfig: (next) => followConfig(next, channels, deps),
  };
}

interface ClosingParts extends Pick<DoorParts, "queue" | "registry" | "backlog"> {
  readonly deps: MessageWayDeps;
  readonly delivery: Delivery;
  readonly channels: ChannelSupervisor;
  readonly typing: Typing;
}

async function closeWay(parts: ClosingParts, budgetMs: number): Promise<void> {
  const { deps, queue, registry, backlog, typing, delivery, channels } = parts;
  await deps.failpoints.reach("intake-stopped");
  backlog.close();
  await closeQueue(queue, registry, { clock: deps.clock, budgetMs: budgetMs / 2 });
  typing.close();
  await delivery.close(AbortSignal.timeout(budgetMs / 4));
  await channels.close();
}

/** The work of the first call; every call gets its promise. */
function once(work: () => Promise<void>): () => Promise<void> {
  let begun: Promise<void> | undefined;
  return () => (begun ??= work());
}

async function followConfig(next: Config, channels: ChannelSupervisor, deps: MessageWayDeps): Promise<void> {
  const { catalogue = shippedChannels, log } = deps;
  try {
    await channels.reconfigure(accountSettings(next.channels, catalogue.manifests(), deps.missingSecrets?.()));
  } catch (thrown) {
    log.error("the channels could not follow the configuration", { error: AppError.from(thrown).toJSON() });
  }
}

interface SpendingParts extends Pick<DoorParts, "rules" | "registry" | "queue"> {
  readonly delivery: Delivery;
  readonly initialStateOf: InitialStateOf;
}

function openSpending(deps: MessageWayDeps, parts: SpendingParts): Spending {
  const { rules, registry, queue, delivery, initialStateOf } = parts;
  const { catalogue = shippedChannels } = deps;
  return createSpending({
    ...deps,
    log: deps.log.child("budget"),
    isOwner: (message) => rules.isOwner(message),
    storedIsDelivered: (channel) => catalogue.manifest(channel)?.builtIn === true,
    interrupt: (agentId, error) => registry.interrupt(agentId, error),
    initialStateOf,
    wakeQueue: () => queue.wake(),
    wakeDelivery: () => delivery.wake(),
  });
}

interface AgentParts extends Pick<
  AgentDeps,
  "registry" | "links" | "consent" | "initialStateOf" | "openReplyStream" | "wakeDelivery"
> {
  readonly rules: ChannelRules;
  readonly spending: Spending;
}

function agentDeps(deps: MessageWayDeps, { rules, spending, ...parts }: AgentParts): AgentDeps {
  const { store, bus, clock, ids, config, models, desk, tools, failpoints, restarts, shrinkImages, vision } = deps;
  const { policy, approvals, commands, surroundings } = deps;
  const log = deps.log.child("agent");
  return {
    ...parts,
    store,
    bus,
    clock,
    ids,
    log,
    config,
    models,
    desk,
    budget: spending.gate,
    budgetDesk: spending.desk,
    context: createContextKeeper({ ...deps, sessions: store.sessions, log }),
    tools,
    policy,
    approvals,
    commands,
    surroundings,
    failpoints,
    isOwner: (message) => rules.isOwner(message),
    ...(restarts === undefined ? {} : { restarts }),
    ...(shrinkImages === undefined ? {} : { shrinkImages }),
    ...(vision === undefined ? {} : { vision }),
  };
}

function createQueue(deps: MessageWayDeps, owner: string): DispatchQueue {
  const { store, clock, ids, log, config, leaseMs } = deps;
  return deps.dispatch({
    store,
    clock,
    log: log.child("queue"),
    owner,
    agingMs,
    random: () => ids.random(),
    ...leaseTimes(leaseMs),
    capacity: () => Math.min(config().agents.defaults.maxConcurrent, limits.turnsInFlight),
  });
}

/** A short lease is renewed and looked after as often as a long one, by its length. */
function leaseTimes(leaseMs: number | undefined): { leaseMs?: number; leaseRenewMs?: number; sweepMs?: number } {
  return leaseMs === undefined ? {} : { leaseMs, leaseRenewMs: leaseMs / 5, sweepMs: leaseMs / 2 };
}

async function recoverInbox({ store, clock, log, failpoints }: MessageWayDeps, owner: string): Promise<void> {
  const { requeued, expired } = await store.inbox.recover(owner, clock.nowMs(), crashPauseMs);
  if (requeued + expired > 0) log.warn("messages of the last run were found", { requeued, expired });
  await failpoints.reach("recovered");
}

interface DoorParts {
  readonly queue: DispatchQueue;
  readonly registry: TurnRegistry;
  readonly turns: Turns;
  readonly backlog: Backlog;
  readonly rules: ChannelRules;
  readonly links: IdentityLinks;
  readonly intake: { readonly stopped: boolean };
  readonly spending: () => Spending;
  readonly consent: () => Consent;
}

function createDoor(deps: MessageWayDeps, parts: DoorParts): Admit {
  const { queue, registry, turns, backlog, rules, intake, links } = parts;
  const { store, bus, clock, ids, config } = deps;
  const rate = createSenderRateLimit(clock, () => limits.senderMessagesPerMinute);
  return createAdmit({
    store,
    queue,
    bus,
    clock,
    ids,
    config,
    failpoints: deps.failpoints,
    links,
    world: {
      policyFor: (message) => rules.policyFor(message),
      takeFromAllowance: (senderKey) => rate.take(senderKey),
      giveBackToAllowance: (senderKey) => rate.giveBack(senderKey),
      waiting: () => backlog.count(),
      stopping: () => intake.stopped,
      maxTextBytes: limits.inboundTextBytes,
      maxWaiting: limits.inboxDepth,
      maxAttachments: limits.attachmentsPerMessage,
    },
    onAccepted: (entry) => {
      const { message, sessionKey, runId } = entry;
      // What another turn or a stateless caller writes is nobody's command and nobody's word about a question.
      const isPersons = entry.options["born"] === undefined && !entry.ephemeral;
      // Before its own run is known: the word to stop is not among what it stops.
      if (isPersons && commandOf(messageText(message)) === "stop")
        turns.abortSession(sessionKey, "somebody asked for it");
      registry.expect({ runId, sessionKey });
      if (!isPersons) return;
      if (rules.isOwner(message)) heedOwner(message, parts.spending(), deps.log);
      heedAnswer(parts.consent().answer(message, sessionKey), deps.log);
      interruptFor(entry, deps, parts);
    },
  });
}

/** What fails here is made up for by the turn itself, between two steps. */
function interruptFor(entry: InboxEntry, deps: MessageWayDeps, { registry, queue }: DoorParts): void {
  const { store, config, clock, bus, log } = deps;
  giveWay(entry, { store, registry, config, clock, bus, wakeQueue: () => queue.wake() }).catch((thrown: unknown) => {
    log.warn("a turn could not be ended for a newer message", { error: AppError.from(thrown).toJSON() });
  });
}

/** An owner's order to pause waits for no turn: those that run are what it is about. Its own turn answers, or catches up. */
function heedOwner(message: InboundMessage, { desk, ownerChats }: Spending, log: Log): void {
  ownerChats.note(message);
  const text = messageText(message);
  if (commandOf(text) !== "pause") return;
  pauseByMessage(message, wordsOf(text), { budgetDesk: desk }).catch((thrown: unknown) => {
    log.error("spending could not be paused yet", { error: AppError.from(thrown).toJSON() });
  });
}

/** What a turn waits for must not wait behind that turn. Its own turn says what became of it, where nobody was told. */
function heedAnswer(answering: Promise<unknown>, log: Log): void {
  answering.catch((thrown: unknown) => {
    log.error("an answer to a question could not be taken yet", { error: AppError.from(thrown).toJSON() });
  });
}

interface WayOut {
  readonly channels: ChannelSupervisor;
  readonly webhooks: Webhooks;
  readonly delivery: Delivery;
  readonly initialStateOf: InitialStateOf;
  readonly openReplyStream: OpenReplyStream;
  readonly typing: Typing;
}

/** The connections and the way out through them. Delivery drains an account when it is up, and not before. */
function createChannels(deps: MessageWayDeps, admit: Admit, rules: ChannelRules): WayOut {
  const { store, bus, clock, ids, log, config, catalogue = shippedChannels } = deps;
  const loaded = new Map<string, ChannelModule>();
  const webhooks = createWebhooks();
  const tellRefusal = createRefusalLog(log.child("channels"));
  const channels = createChannelSupervisor({
    modules: async (id) => {
      const module = await catalogue.module(id);
      loaded.set(id, module);
      return module;
    },
    label: (id) => catalogue.manifest(id)?.label ?? id,
    accounts: accountSettings(config().channels, catalogue.manifests(), deps.missingSecrets?.()),
    receive: (message) => receive(message, { admit, log, tellRefusal }),
    clock,
    ids,
    log: log.child("channels"),
    bus,
    memoryOf: createAccountMemory(store.documents, clock),
    webhooks,
    commands: offeredCommands,
    failpoints: deps.failpoints,
    ...(deps.redact === undefined ? {} : { redact: deps.redact }),
  });
  const outward = {
    store,
    clock,
    log: log.child("delivery"),
    bus,
    ids,
    rate: createRateLimit(clock),
    failpoints: deps.failpoints,
    route: (address: Address) => routeTo(address, channels, loaded),
    settings: (address: Address) => rules.deliveryFor(address),
    permission: (address: Address) => rules.permissionFor(address),
  };
  const delivery = createDelivery({
    ...outward,
    accounts: () => channels.status().filter((account) => account.state === "CONNECTED"),
  });
  channels.onReady(() => delivery.wake());
  const initialStateOf = createInitialState(
    (channel) => catalogue.manifest(channel)?.builtIn === true,
    outward.settings,
  );
  const typing = startTyping({
    ...outward,
    intervalMs: () => config().agents.defaults.typingIntervalSeconds * 1_000,
  });
  const openReplyStream = createReplyStreams({
    ...outward,
    delivery,
    initialStateOf,
    manifest: (channel) => catalogue.manifest(channel),
  });
  return { channels, webhooks, delivery, initialStateOf, openReplyStream, typing };
}

/** Turns under way get their time; what then still runs is given back, and runs again behind its finished steps. */
async function closeQueue(
  queue: DispatchQueue,
  registry: TurnRegistry,
  { clock, budgetMs }: { clock: Clock; budgetMs: number },
): Promise<void> {
  const closed = queue.close();
  const park = clock.after(budgetMs, () => registry.parkAll());
  await closed;
  park.cancel();
}

async function receive(
  message: InboundMessage,
  { admit, log, tellRefusal }: { admit: Admit; log: Log; tellRefusal: RefusalLog },
): Promise<ReceiveOutcome> {
  try {
    const admission = await admit({ message, origin: { via: "channel" } });
    switch (admission.outcome) {
      case "accepted":
      case "duplicate":
        return { outcome: admission.outcome };
      case "refused":
        tellRefusal(message, admission.reason);
        // What can be taken later is not acknowledged now: the platform keeps it.
        return admission.reason === "stopping" || admission.reason === "inbox-full"
          ? { outcome: "unavailable" }
          : { outcome: "refused", reason: admission.reason };
    }
  } catch (thrown) {
    // Not durable, so not acknowledged: the platform keeps it and sends it again.
    log.error("a message could not be stored", { error: AppError.from(thrown).toJSON() });
    return { outcome: "unavailable" };
  }
}

function routeTo(
  address: Address,
  channels: ChannelSupervisor,
  loaded: ReadonlyMap<string, ChannelModule>,
): Route | null {
  const connection = channels.connection(address.channel, address.accountId);
  const module = loaded.get(address.channel);
  if (connection === null || module === undefined) return null;
  return { connection, manifest: module.manifest, render: (markdown, options) => module.render(markdown, options) };
}
