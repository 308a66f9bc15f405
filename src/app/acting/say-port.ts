/** Where a turn may have something said, and the way there: the one outbox, with a word in the other chat's transcript. */
import type { AdmissionPolicy } from "../../domain/admission-policy.ts";
import type { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Address, InboundMessage } from "../../domain/message.ts";
import { dedupeKeyOf } from "../../inbound/admit.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { OutboxDraft, Store } from "../../store/port.ts";
import type { NamedChat, SayPort } from "../../tools/say-port.ts";
import { putSpoken, type ChatSession } from "../chat-session.ts";
import { fromThere } from "../owner-chats.ts";

export interface SayPortDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly rules: {
    policyFor(message: InboundMessage): AdmissionPolicy;
    permissionFor(address: Address): AppError | null;
  };
  readonly initialStateOf: (address: Address) => OutboxDraft["state"];
  readonly sessionOfChat: (address: Address) => ChatSession;
  readonly wakeDelivery: () => void;
}

export function createSayPort(deps: SayPortDeps): SayPort {
  const { store, clock, rules, initialStateOf } = deps;
  return {
    async chat(named, own) {
      const wanted = { channel: own.channel, accountId: own.accountId, ...named };
      if (isThere(own, wanted)) return own;
      const address = (await heardOf(wanted, store)) ?? listed(wanted, rules);
      return address === null || rules.permissionFor(address) !== null ? null : address;
    },
    async stands(address, messageId, whose) {
      if ((await store.outbox.byPlatformId(address, messageId)) !== null) return true;
      const key = dedupeKeyOf({ address, platformMessageId: messageId });
      return whose === "anybody's" && (await store.inbox.byDedupeKey(key)) !== null;
    },
    async put({ id, address, action, markdown, replyToId, sessionKey, own }) {
      const expiresMs = clock.nowMs() + limits.replyTtlMs;
      const draft = { id, address, action, replyToId, reply: { markdown }, expiresMs, state: initialStateOf(address) };
      // The call stands in the transcript of the asking session; another chat's session hears of it here.
      if (own || action.type !== "send") {
        await store.outbox.add(draft, { sessionKey, runId: null, atMs: clock.nowMs() });
      } else await putSpoken({ draft, session: deps.sessionOfChat(address), runId: null }, deps);
      deps.wakeDelivery();
    },
  };
}

type Wanted = NamedChat & Pick<Address, "channel" | "accountId">;

function isThere(address: Address, wanted: Wanted): boolean {
  return (
    address.channel === wanted.channel &&
    address.accountId === wanted.accountId &&
    address.chatId === wanted.chatId &&
    address.threadId === wanted.threadId
  );
}

/** A chat in which somebody who was let in has written to us. */
async function heardOf(wanted: Wanted, { sessions }: Store): Promise<Address | null> {
  let cursor: string | null = null;
  for (let looked = 0; looked < limits.sessionsLookedAt; looked += limits.sessionsPerTool) {
    const page = await sessions.list({ limit: limits.sessionsPerTool, ...(cursor === null ? {} : { cursor }) });
    const found = page.rows.find(({ lastAddress }) => lastAddress !== null && isThere(lastAddress, wanted));
    if (found !== undefined) return found.lastAddress;
    cursor = page.nextCursor;
    if (cursor === null) return null;
  }
  return null;
}

/** Somebody, or a room, that the account's configuration names; `*` names nobody. */
function listed(wanted: Wanted, { policyFor }: SayPortDeps["rules"]): Address | null {
  const { channel, accountId, chatId, threadId } = wanted;
  const place = { channel, accountId, chatId, ...(threadId === undefined ? {} : { threadId }) };
  const direct: Address = { ...place, chatKind: "dm" };
  const { allowFrom, groups, prefixes } = policyFor(fromThere(direct, chatId));
  const bare = (entry: string): string => {
    const prefix = prefixes.find((one) => entry.startsWith(`${one}:`));
    return prefix === undefined ? entry : entry.slice(prefix.length + 1);
  };
  if (allowFrom.some((entry) => bare(entry) === chatId)) return direct;
  return groups?.some((entry) => bare(entry) === chatId) === true ? { ...place, chatKind: "group" } : null;
}
