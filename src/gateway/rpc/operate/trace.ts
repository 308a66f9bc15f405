/** Handler of `trace.get`: finds the message somebody means by any of its names, and tells its way in words. */
import { AppError } from "../../../domain/app-error.ts";
import { traceGet, type ShownTraceEvent } from "../../../protocol/methods/trace.ts";
import type { InboxRow, OutboxRow, Store } from "../../../store/port.ts";
import { handle, type BoundMethod } from "../handler.ts";
import type { RpcServices } from "../services.ts";
import { shownMessage, shownPart } from "./shown.ts";
import { wordsOf } from "./trace-words.ts";

export function traceMethods({ deps }: RpcServices): readonly BoundMethod[] {
  const { store } = deps;
  return [
    handle(traceGet, async ({ id }) => {
      const { message, parts } = await subjectOf(store, id);
      const [part] = parts;
      const events = told(await store.trace.of(message?.message.id ?? part?.id ?? id));
      if (message === null && part === undefined && events.length === 0) {
        throw new AppError("RPC_007", "nothing is known by that id, or it was too long ago");
      }
      return {
        id,
        messageId: message?.message.id ?? part?.messageId ?? null,
        runId: message?.runId ?? part?.runId ?? null,
        sessionKey: message?.sessionKey ?? part?.sessionKey ?? null,
        tookMs: (events.at(-1)?.atMs ?? 0) - (events[0]?.atMs ?? 0),
        events,
        message: message === null ? null : shownMessage(message),
        parts: parts.map(shownPart),
      };
    }),
  ];
}

interface Subject {
  readonly message: InboxRow | null;
  readonly parts: readonly OutboxRow[];
}

async function subjectOf(store: Store, id: string): Promise<Subject> {
  const message = (await store.inbox.get(id)) ?? (await store.inbox.byRunId(id));
  if (message !== null) return withParts(store, message);
  const part = (await store.outbox.get(id)) ?? null;
  if (part !== null) return aroundPart(store, part);
  for (const { channel, accountId, chatId, platformId } of platformNames(id)) {
    const theirs = await store.inbox.byDedupeKey(JSON.stringify([channel, accountId, chatId, platformId]));
    if (theirs !== null) return withParts(store, theirs);
    const ours = await store.outbox.byPlatformId({ channel, accountId, chatId }, platformId);
    if (ours !== null) return aroundPart(store, ours);
  }
  return { message: null, parts: [] };
}

async function withParts(store: Store, message: InboxRow): Promise<Subject> {
  return { message, parts: await store.outbox.ofRun(message.runId) };
}

async function aroundPart(store: Store, part: OutboxRow): Promise<Subject> {
  const { messageId, runId } = part;
  const message =
    messageId === null ? (runId === null ? null : await store.inbox.byRunId(runId)) : await store.inbox.get(messageId);
  return message === null ? { message, parts: [part] } : withParts(store, message);
}

export interface PlatformName {
  readonly channel: string;
  readonly accountId: string;
  readonly chatId: string;
  readonly platformId: string;
}

/** More colons than this are nobody's id. */
const maxCuts = 8;

/** `channel:account:chat:id`. A chat or an id may hold colons itself: every place to cut is tried, the last one first. */
export function platformNames(text: string): readonly PlatformName[] {
  const [channel = "", accountId = "", ...rest] = text.split(":");
  const names: PlatformName[] = [];
  for (let cut = rest.length - 1; cut > 0 && names.length < maxCuts; cut -= 1) {
    const [chatId, platformId] = [rest.slice(0, cut).join(":"), rest.slice(cut).join(":")];
    if (channel !== "" && accountId !== "" && chatId !== "" && platformId !== "")
      names.push({ channel, accountId, chatId, platformId });
  }
  return names;
}

function told(events: readonly { type: string; atMs: number; data: unknown }[]): ShownTraceEvent[] {
  const inTime = events.toSorted((left, right) => left.atMs - right.atMs);
  return inTime.map(({ type, atMs, data }, index) => {
    const facts = isRecord(data) ? data : {};
    return { type, atMs, gapMs: atMs - (inTime[index - 1]?.atMs ?? atMs), ...wordsOf(type, facts), data: facts };
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
