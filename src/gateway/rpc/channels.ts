/** Handlers of channels, and of saying something through one. */
import { createHash } from "node:crypto";
import { AppError } from "../../domain/app-error.ts";
import type { Address } from "../../domain/message.ts";
import { limits } from "../../domain/limits.ts";
import type { MethodDeclaration, ParamsOf } from "../../protocol/method.ts";
import {
  channelsLogout,
  channelsRestart,
  channelsStart,
  channelsStatus,
  channelsStop,
  send,
} from "../../protocol/methods/channels.ts";
import { spokenPartId } from "../../domain/delivery-mark.ts";
import type { ChannelStatus } from "../../domain/channel-status.ts";
import { handle, type BoundMethod, type Caller } from "./handler.ts";
import { contentHash } from "../../platform/content-hash.ts";
import type { RpcServices } from "./services.ts";
import { sessionKeyOf, sessionTarget } from "./session-target.ts";

export function channelMethods({ deps }: RpcServices): readonly BoundMethod[] {
  const { channels } = deps;
  type Act = (channel: string, accountId?: string) => Promise<void>;
  const verb = (declaration: typeof channelsStart & MethodDeclaration, act: Act): BoundMethod =>
    handle(declaration, async ({ channel, accountId }) => {
      requireChannel(channels.status(), channel, accountId);
      await act(channel, accountId);
      return { ok: true as const, channel, accountId: accountId ?? null };
    });
  return [
    handle(channelsStatus, async ({ channel, probe, timeoutMs }) => {
      const which = {
        ...(channel === undefined ? {} : { channel }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      };
      if (probe === true) await channels.probe(which);
      return statusOf(channels.status(), { nowMs: deps.clock.nowMs(), only: channel });
    }),
    verb(channelsStart, (channel, accountId) => channels.start(channel, accountId)),
    verb(channelsStop, (channel, accountId) => channels.stop(channel, accountId)),
    verb(channelsRestart, (channel, accountId) => channels.restart(channel, accountId)),
    verb(channelsLogout, (channel, accountId) => channels.logout(channel, accountId)),
  ];
}

export function sendMethods(services: RpcServices): readonly BoundMethod[] {
  return [handle(send, (params, caller) => sendOnce(services, params, caller))];
}

function requireChannel(status: readonly ChannelStatus[], channel: string, accountId: string | undefined): void {
  const known = status.some(
    (row) => row.channel === channel && (accountId === undefined || row.accountId === accountId),
  );
  if (!known) throw new AppError("RPC_007", `there is no channel ${channel.slice(0, 64)} with such an account`);
}

function statusOf(rows: readonly ChannelStatus[], { nowMs, only }: { nowMs: number; only: string | undefined }) {
  const channelLabels: Record<string, string> = {};
  const channels: Record<string, unknown> = {};
  const channelAccounts: Record<string, Record<string, unknown>[]> = {};
  const channelDefaultAccountId: Record<string, string> = {};
  for (const row of rows.filter(({ channel }) => only === undefined || channel === only)) {
    channelLabels[row.channel] = row.label;
    channelDefaultAccountId[row.channel] ??= row.accountId;
    const accounts = (channelAccounts[row.channel] ??= []);
    accounts.push(accountStatus(row));
    const connected = row.state === "CONNECTED";
    channels[row.channel] = { configured: true, running: row.state !== "DISCONNECTED", connected, state: row.state };
  }
  return {
    ts: nowMs,
    channelOrder: Object.keys(channelLabels),
    channelLabels,
    channels,
    channelAccounts,
    channelDefaultAccountId,
  };
}

function accountStatus(row: ChannelStatus): Record<string, unknown> {
  const { accountId, state, reason, since, lastRoundTripAgeMs, reconnects, received, sent, errors } = row;
  return {
    accountId,
    configured: true,
    enabled: true,
    running: state !== "DISCONNECTED" && state !== "PERMANENTLY_FAILED",
    connected: state === "CONNECTED",
    healthState: state,
    state,
    lastError: reason,
    since,
    lastRoundTripAgeMs,
    reconnectAttempts: reconnects,
    received,
    sent,
    errors,
  };
}

/** The part's id follows from the key, so that a repetition after a crash finds the part instead of making another. */
async function sendOnce(services: RpcServices, params: ParamsOf<typeof send>, caller: Caller) {
  const { deps, once } = services;
  const { idempotencyKey, ...content } = params;
  const key = { principalId: caller.principal.id, method: send.name, key: idempotencyKey };
  const address = await addressOf(services, params);
  // Whoever answers there next has to know what was said: it stands in the chat's own session where none is named.
  const session =
    params.sessionKey === undefined
      ? deps.sessionOfChat(address)
      : sessionTarget(deps, { sessionKey: params.sessionKey, agentId: undefined });
  return once.keep(key, contentHash(content), async () => {
    const id = spokenPartId(createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 32));
    const expiresMs = deps.clock.nowMs() + limits.replyTtlMs;
    const draft = {
      id,
      address,
      replyToId: params.replyToId ?? null,
      reply: { markdown: params.message },
      expiresMs,
      state: "prepared" as const,
    };
    const { sessionKey, agentId } = session;
    await deps.enqueue(draft, { sessionKey, runId: null, said: { agentId } });
    return { ok: true as const, messageId: id, channel: address.channel, to: address.chatId };
  });
}

/** Where no channel is named: the session's last one, or the only one there is. */
async function addressOf({ deps }: RpcServices, params: ParamsOf<typeof send>): Promise<Address> {
  const accounts = deps.channels.status();
  const last =
    params.sessionKey === undefined ? null : await deps.store.sessions.get(sessionKeyOf(deps, params.sessionKey));
  const names = new Set(accounts.map(({ channel }) => channel));
  const only = names.size === 1 ? [...names][0] : undefined;
  const channel = params.channel ?? last?.lastAddress?.channel ?? only;
  if (channel === undefined) {
    throw new AppError("RPC_003", "invalid send params: must have required property 'channel'", {
      details: { param: "channel" },
    });
  }
  requireChannel(accounts, channel, params.accountId);
  const accountId = params.accountId ?? accounts.find((row) => row.channel === channel)?.accountId ?? "default";
  return {
    channel,
    accountId,
    chatId: params.to,
    chatKind: params.chatKind ?? (params.to.startsWith("#") ? "group" : "dm"),
    ...(params.threadId === undefined ? {} : { threadId: params.threadId }),
  };
}
