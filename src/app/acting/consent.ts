/**
 * Questions about acts, as chats carry them: which chats would see one, who there may answer, and how something is said in
 * one at once. Made once per message way.
 */
import { createConsentDesk, type ConsentDeps, type ConsentDesk } from "../../agent/consent-command.ts";
import { createAskInChat } from "../../approvals/ask-in-chat.ts";
import type { ActQuestion, ApprovalListener } from "../../approvals/contract.ts";
import { shippedChannels, type ChannelCatalogue } from "../../channels/catalogue.ts";
import type { ChannelSupervisor } from "../../channels/supervisor.ts";
import type { Config } from "../../config/schema/root.ts";
import { callerScopes } from "../../domain/caller-scopes.ts";
import { limits } from "../../domain/limits.ts";
import type { Address, InboundMessage } from "../../domain/message.ts";
import type { InitialStateOf } from "../../outbound/initial-state.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { Store } from "../../store/port.ts";
import type { ChannelRules } from "../channel-rules.ts";
import type { Acting } from "./contract.ts";
import { fromThere } from "../owner-chats.ts";

export interface ConsentParts {
  readonly approvals: Acting["approvals"];
  readonly store: Pick<Store, "outbox">;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: () => Config;
  readonly rules: ChannelRules;
  readonly channels: Pick<ChannelSupervisor, "status">;
  readonly catalogue?: ChannelCatalogue;
  readonly initialStateOf: InitialStateOf;
  readonly wakeDelivery: () => void;
}

/** Where messages answer; closed, chats are asked nothing more. */
export interface Consent extends ConsentDesk {
  close(): void;
}

export function openConsent(deps: ConsentParts): Consent {
  const { approvals, rules, catalogue = shippedChannels } = deps;
  const close = approvals.listen(chatListener(deps));
  const isOwner = (message: InboundMessage): boolean => rules.isOwner(message) || isProven(message, catalogue);
  return { ...createConsentDesk({ approvals, isOwner, tell: teller(deps) }), close };
}

/** Messages of the built-in channels are made by the gateway itself, with the scopes of the caller it let in. */
function isProven(message: InboundMessage, catalogue: ChannelCatalogue): boolean {
  if (catalogue.manifest(message.address.channel)?.builtIn !== true) return false;
  return callerScopes(message)?.includes("operator.approvals") === true;
}

function chatListener(deps: ConsentParts): ApprovalListener {
  const { store, clock, log, config, initialStateOf, wakeDelivery } = deps;
  return createAskInChat({
    config,
    clock,
    log: log.child("approvals"),
    reaches: (address) => reaches(address, deps),
    mayAnswerThere: (question) => mayAnswerThere(question, deps),
    async say({ id, address, reply, expiresMs, sessionKey }) {
      const draft = { id, address, replyToId: null, reply, expiresMs, state: initialStateOf(address) };
      await store.outbox.add(draft, { sessionKey, runId: null, atMs: clock.nowMs() });
      wakeDelivery();
    },
  });
}

function teller({ store, clock, initialStateOf, wakeDelivery }: ConsentParts): ConsentDeps["tell"] {
  return async ({ id, address, platformMessageId }, sessionKey, markdown) => {
    // What is kept back, or read from the gateway, is its own turn's to say.
    if (initialStateOf(address) !== "prepared") return false;
    const atMs = clock.nowMs();
    const draft = { id: JSON.stringify(["answer", id]), address, replyToId: platformMessageId, reply: { markdown } };
    await store.outbox.add(
      { ...draft, expiresMs: atMs + limits.replyTtlMs, state: "prepared" },
      { sessionKey, runId: null, atMs },
    );
    wakeDelivery();
    return true;
  };
}

/** Sent at once over a connection that stands or comes back by itself. */
function reaches(address: Address, { rules, channels, initialStateOf }: ConsentParts): boolean {
  if (initialStateOf(address) !== "prepared" || rules.permissionFor(address) !== null) return false;
  const account = channels
    .status()
    .find(({ channel, accountId }) => channel === address.channel && accountId === address.accountId);
  return account !== undefined && account.state !== "DISCONNECTED" && account.state !== "PERMANENTLY_FAILED";
}

/** Between two, the other one has to be it. In a group it is enough that somebody of that platform may. */
function mayAnswerThere({ address, senderId }: ActQuestion, { config, rules, catalogue }: ConsentParts): boolean {
  const { approvals, commands } = config();
  const named = approvals.exec.approvers;
  if (address.chatKind === "dm")
    return named.includes(`${address.channel}:${senderId}`) || rules.isOwner(fromThere(address, senderId));
  const prefixes = (catalogue ?? shippedChannels).prefixes(address.channel);
  return [...named, ...commands.ownerAllowFrom].some((who) => prefixes.some((prefix) => who.startsWith(`${prefix}:`)));
}
