/** Handlers of sessions, but for carrying them in and out. */
import { AppError } from "../../domain/app-error.ts";
import { thinkingLevelOf } from "../../domain/thinking-level.ts";
import { totalTokens } from "../../domain/money.ts";
import type { ParamsOf } from "../../protocol/method.ts";
import {
  sessionsDelete,
  sessionsList,
  sessionsPatch,
  sessionsPreview,
  sessionsReset,
  sessionsResolve,
  sessionsSearch,
  sessionsSubscribe,
  sessionsUnsubscribe,
} from "../../protocol/methods/sessions.ts";
import type { SessionRow, TranscriptEntry } from "../../store/session-port.ts";
import { handle, type BoundMethod, type Caller } from "./handler.ts";
import type { RpcServices } from "./services.ts";
import { sessionKeyOf } from "./session-target.ts";

const defaultPage = 100;
const defaultHits = 50;
/** Characters on either side of what was looked for. */
const nearChars = 120;

export function sessionMethods(services: RpcServices): readonly BoundMethod[] {
  return [
    handle(sessionsList, (params) => list(services, params)),
    handle(sessionsPreview, (params) => preview(services, params)),
    handle(sessionsPatch, (params) => patch(services, params)),
    handle(sessionsReset, (params) => reset(services, params)),
    handle(sessionsDelete, (params) => remove(services, params)),
    handle(sessionsResolve, (params) => resolve(services, params)),
    handle(sessionsSearch, (params) => search(services, params)),
    handle(sessionsSubscribe, (params, caller) => subscribe(services, params, caller)),
    handle(sessionsUnsubscribe, (params, caller) => unsubscribe(services, params, caller)),
  ];
}

export function sessionSummary(row: SessionRow) {
  const { label } = row.settings;
  return {
    key: row.sessionKey,
    sessionId: row.sessionId,
    agentId: row.agentId,
    ...(typeof label === "string" ? { label } : {}),
    createdAt: row.createdMs,
    updatedAt: row.updatedMs,
    messageCount: row.messageCount,
    inputTokens: row.usage.input,
    outputTokens: row.usage.output,
    totalTokens: totalTokens(row.usage),
    costUsd: row.costMicros / 1_000_000,
    ...(row.lastAddress === null ? {} : { lastChannel: row.lastAddress.channel }),
    settings: { ...row.settings },
  };
}

async function list({ deps }: RpcServices, params: ParamsOf<typeof sessionsList>) {
  const nowMs = deps.clock.nowMs();
  const search = params.search ?? params.label;
  const page = await deps.store.sessions.list({
    limit: params.limit ?? defaultPage,
    ...(params.cursor === undefined ? {} : { cursor: params.cursor }),
    ...(params.agentId === undefined ? {} : { agentId: params.agentId }),
    ...(params.activeMinutes === undefined ? {} : { activeSinceMs: nowMs - params.activeMinutes * 60_000 }),
    ...(search === undefined ? {} : { search }),
  });
  return {
    ts: nowMs,
    count: page.rows.length,
    total: page.total,
    nextCursor: page.nextCursor,
    sessions: page.rows.map(sessionSummary),
  };
}

async function preview({ deps }: RpcServices, params: ParamsOf<typeof sessionsPreview>) {
  const limit = params.limit ?? 12;
  const maxChars = params.maxChars ?? 240;
  const previews = await Promise.all(
    params.keys.map(async (named) => {
      const key = sessionKeyOf(deps, named);
      if ((await deps.store.sessions.get(key)) === null) return { key: named, status: "missing" as const, items: [] };
      const entries = await deps.store.sessions.transcript(key, { limit });
      const items = entries.flatMap((entry) => previewLine(entry, maxChars));
      return { key: named, status: items.length === 0 ? ("empty" as const) : ("ok" as const), items };
    }),
  );
  return { ts: deps.clock.nowMs(), previews };
}

function previewLine(entry: TranscriptEntry, maxChars: number): { role: string; text: string }[] {
  const message = entry.body["message"];
  if (typeof message !== "object" || message === null || !("role" in message) || !("content" in message)) return [];
  const { role, content } = message;
  if (typeof role !== "string" || !Array.isArray(content)) return [];
  const text = content
    .flatMap((part: unknown) => textOf(part))
    .join(" ")
    .trim();
  return text === "" ? [] : [{ role, text: text.slice(0, maxChars).toWellFormed() }];
}

function textOf(part: unknown): string[] {
  return typeof part === "object" && part !== null && "text" in part && typeof part.text === "string"
    ? [part.text]
    : [];
}

async function search({ deps }: RpcServices, params: ParamsOf<typeof sessionsSearch>) {
  const { hits, nextCursor } = await deps.store.sessions.search(params.query, {
    limit: params.limit ?? defaultHits,
    ...(params.key === undefined ? {} : { sessionKey: sessionKeyOf(deps, params.key) }),
    ...(params.cursor === undefined ? {} : { cursor: params.cursor }),
  });
  return {
    hits: hits.flatMap(({ sessionKey, sessionId, entry }) =>
      previewLine(entry, Number.POSITIVE_INFINITY).map(({ role, text }) => ({
        key: sessionKey,
        sessionId,
        entryId: entry.id,
        ts: entry.atMs,
        role,
        text: around(text, params.query),
      })),
    ),
    nextCursor,
  };
}

/** The words with what stands near them. */
function around(text: string, query: string): string {
  const at = text.toLowerCase().indexOf(query.toLowerCase());
  const from = Math.max(0, at - nearChars);
  const to = Math.min(text.length, Math.max(at, 0) + query.length + nearChars);
  return `${from > 0 ? "…" : ""}${text.slice(from, to).toWellFormed()}${to < text.length ? "…" : ""}`;
}

async function patch({ deps }: RpcServices, { key: named, ...wanted }: ParamsOf<typeof sessionsPatch>) {
  const key = sessionKeyOf(deps, named);
  checkChoice(deps, wanted);
  const { thinkingLevel } = wanted;
  const settings =
    typeof thinkingLevel === "string"
      ? { ...wanted, thinkingLevel: thinkingLevelOf(thinkingLevel, "thinkingLevel") }
      : wanted;
  const atMs = deps.clock.nowMs();
  const row = found(await deps.store.sessions.patch(key, settings, atMs));
  deps.bus.emit({ type: "session.changed", sessionKey: key, change: "patched", atMs });
  return { ok: true as const, key, entry: sessionSummary(row) };
}

/** What cannot be used is refused when it is set, not with every message from then on. */
function checkChoice(
  { desk }: RpcServices["deps"],
  { model, authProfile }: Pick<ParamsOf<typeof sessionsPatch>, "model" | "authProfile">,
): void {
  const refusal = typeof model === "string" ? desk.refusal(model) : null;
  if (refusal !== null) throw AppError.fromJSON(refusal);
  if (typeof authProfile === "string" && !desk.knowsLogin(authProfile)) {
    throw new AppError("RPC_003", `there is no login named ${JSON.stringify(authProfile.slice(0, 128))}`, {
      details: { param: "authProfile" },
    });
  }
}

async function reset({ deps }: RpcServices, params: ParamsOf<typeof sessionsReset>) {
  const key = sessionKeyOf(deps, params.key);
  // A run that goes on would write into the session that was just begun anew.
  deps.turns.abortSession(key, "the session was reset");
  const atMs = deps.clock.nowMs();
  const row = found(await deps.store.sessions.reset(key, deps.ids.uuid(), atMs));
  deps.bus.emit({ type: "session.changed", sessionKey: key, change: "reset", atMs });
  return { ok: true as const, key, sessionId: row.sessionId };
}

async function remove({ deps }: RpcServices, params: ParamsOf<typeof sessionsDelete>) {
  const key = sessionKeyOf(deps, params.key);
  deps.turns.abortSession(key, "the session was deleted");
  const deleted = await deps.store.sessions.delete(key);
  if (deleted) deps.bus.emit({ type: "session.changed", sessionKey: key, change: "deleted", atMs: deps.clock.nowMs() });
  return { ok: true as const, key, deleted, archived: [] };
}

async function resolve({ deps }: RpcServices, params: ParamsOf<typeof sessionsResolve>) {
  const row = await findSession({ deps }, params);
  if (row !== null) return { ok: true as const, key: row.sessionKey, agentId: row.agentId };
  if (params.allowMissing === true) return { ok: false as const };
  throw new AppError("RPC_007", "there is no such session");
}

async function findSession(
  { deps }: Pick<RpcServices, "deps">,
  params: ParamsOf<typeof sessionsResolve>,
): Promise<SessionRow | null> {
  const { sessions } = deps.store;
  if (params.key !== undefined) return sessions.get(sessionKeyOf(deps, params.key));
  const { label, sessionId } = params;
  if (label === undefined && sessionId === undefined) {
    throw new AppError("RPC_003", "invalid sessions.resolve params: 'key', 'sessionId' or 'label' is needed");
  }
  const page = await sessions.list({
    limit: 1_000,
    ...(label === undefined ? {} : { search: label }),
    ...(params.agentId === undefined ? {} : { agentId: params.agentId }),
  });
  return (
    page.rows.find((row) => (label === undefined ? row.sessionId === sessionId : row.settings["label"] === label)) ??
    null
  );
}

function found(row: SessionRow | null): SessionRow {
  if (row === null) throw new AppError("RPC_007", "there is no such session");
  return row;
}

function subscribe({ deps }: RpcServices, params: ParamsOf<typeof sessionsSubscribe>, caller: Caller) {
  const named = params.key ?? params.sessionKey;
  if (named === undefined) caller.subscriptions.subscribeAll();
  else caller.subscriptions.subscribe(sessionKeyOf(deps, named));
  return subscribed(caller);
}

function unsubscribe({ deps }: RpcServices, params: ParamsOf<typeof sessionsUnsubscribe>, caller: Caller) {
  const named = params.key ?? params.sessionKey;
  if (named === undefined) caller.subscriptions.unsubscribeAll();
  else caller.subscriptions.unsubscribe(sessionKeyOf(deps, named));
  return subscribed(caller);
}

function subscribed({ subscriptions }: Caller) {
  const chosen = subscriptions.list();
  return { ok: true as const, subscribed: chosen === "all" ? ("all" as const) : [...chosen] };
}
