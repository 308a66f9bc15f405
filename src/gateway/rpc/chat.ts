/** Handlers of the chat. */
import { limits } from "../../domain/limits.ts";
import { thinkingLevelOf } from "../../domain/thinking-level.ts";
import { chatAbort, chatHistory, chatInject, chatSend } from "../../protocol/methods/chat.ts";
import type { ParamsOf } from "../../protocol/method.ts";
import type { TranscriptEntry } from "../../store/session-port.ts";
import { wireEvent } from "../ws/wire-event.ts";
import { admitRun } from "./admit-run.ts";
import { handle, type BoundMethod, type Caller } from "./handler.ts";
import { attachmentOf } from "./inline-attachment.ts";
import type { RpcServices } from "./services.ts";
import { sessionKeyOf, sessionTarget } from "./session-target.ts";

/** Messages of a history when nobody says how many. */
const defaultHistory = 200;

export function chatMethods(services: RpcServices): readonly BoundMethod[] {
  return [
    handle(chatSend, (params, caller) => send(services, params, caller)),
    handle(chatHistory, (params) => history(services, params)),
    handle(chatAbort, (params) => abort(services, params)),
    handle(chatInject, (params) => inject(services, params)),
  ];
}

async function send(services: RpcServices, params: ParamsOf<typeof chatSend>, caller: Caller) {
  const target = sessionTarget(services.deps, { sessionKey: params.sessionKey, agentId: params.agentId });
  const runId = params.idempotencyKey;
  const status = await admitRun(
    services,
    {
      method: chatSend.name,
      runId,
      text: params.message,
      attachments: (params.attachments ?? []).map(attachmentOf),
      target,
      options: {
        ...(params.thinking === undefined ? {} : { thinking: thinkingLevelOf(params.thinking, "thinking") }),
        ...(params.timeoutMs === undefined || params.timeoutMs === 0 ? {} : { timeoutMs: params.timeoutMs }),
      },
      address: null,
    },
    caller,
  );
  return { runId, status };
}

async function history({ deps }: RpcServices, params: ParamsOf<typeof chatHistory>) {
  const sessionKey = sessionKeyOf(deps, params.sessionKey);
  const row = await deps.store.sessions.get(sessionKey);
  const sessionId = params.sessionId ?? row?.sessionId ?? null;
  const entries =
    row === null
      ? []
      : await deps.store.sessions.transcript(sessionKey, {
          limit: params.limit ?? defaultHistory,
          ...(params.sessionId === undefined ? {} : { sessionId: params.sessionId }),
        });
  const messages = entries.flatMap((entry) => messageOf(entry, params.maxChars));
  const { kept, truncated } = withinBytes(messages, limits.historyReplyBytes);
  return { sessionKey, sessionId, messages: [...kept], truncated };
}

/** Lines that are no messages (a change of model, a label) are not told here; the export has them. */
function messageOf(entry: TranscriptEntry, maxChars: number | undefined): Record<string, unknown>[] {
  const message = entry.body["message"];
  if (entry.type !== "message" || typeof message !== "object" || message === null) return [];
  const whole = { id: entry.id, timestamp: entry.atMs, ...message } as Record<string, unknown>;
  return [maxChars === undefined ? whole : shortened(whole, maxChars)];
}

function shortened(message: Record<string, unknown>, maxChars: number): Record<string, unknown> {
  const { content } = message;
  if (!Array.isArray(content)) return message;
  return { ...message, content: content.map((part: unknown) => shortPart(part, maxChars)) };
}

function shortPart(part: unknown, maxChars: number): unknown {
  if (typeof part !== "object" || part === null || !("text" in part) || typeof part.text !== "string") return part;
  return part.text.length <= maxChars ? part : { ...part, text: `${part.text.slice(0, maxChars).toWellFormed()}…` };
}

/** Keeps the newest. One message that alone is too large is told as such: it still has a place in the order. */
function withinBytes(messages: readonly Record<string, unknown>[], maxBytes: number) {
  const kept: Record<string, unknown>[] = [];
  let bytes = 0;
  for (const message of messages.toReversed()) {
    let size = Buffer.byteLength(JSON.stringify(message)) + 1;
    let told = message;
    if (size > maxBytes) {
      told = {
        id: message["id"],
        role: message["role"],
        timestamp: message["timestamp"],
        content: [],
        omitted: "too large",
      };
      size = Buffer.byteLength(JSON.stringify(told)) + 1;
    }
    if (bytes + size > maxBytes) return { kept: kept.toReversed(), truncated: true };
    bytes += size;
    kept.push(told);
  }
  return { kept: kept.toReversed(), truncated: false };
}

function abort({ deps }: RpcServices, params: ParamsOf<typeof chatAbort>) {
  const reason = "stopped by a client";
  if (params.runId !== undefined) {
    const aborted = deps.turns.abort(params.runId, reason);
    return { ok: true as const, aborted, runIds: aborted ? [params.runId] : [] };
  }
  const { sessionKey } = sessionTarget(deps, { sessionKey: params.sessionKey, agentId: params.agentId });
  const runIds = [...deps.turns.abortSession(sessionKey, reason)];
  return { ok: true as const, aborted: runIds.length > 0, runIds };
}

async function inject({ deps, connections }: RpcServices, params: ParamsOf<typeof chatInject>) {
  const { sessionKey, agentId } = sessionTarget(deps, { sessionKey: params.sessionKey, agentId: params.agentId });
  const { sessions } = deps.store;
  const atMs = deps.clock.nowMs();
  const opened = await sessions.open(sessionKey, agentId, { sessionId: deps.ids.uuid(), atMs });
  if (opened.created) deps.bus.emit({ type: "session.created", sessionKey, sessionId: opened.row.sessionId, atMs });
  const id = deps.ids.hex(4);
  const text = params.label === undefined ? params.message : `[${params.label}]\n\n${params.message}`;
  const message = { role: "assistant", content: [{ type: "text", text }], timestamp: atMs };
  const body = { message: { ...message, stopReason: "injected" } };
  await sessions.append(sessionKey, [{ id, type: "message", atMs, body }], atMs);
  const payload = { runId: `inject-${id}`, sessionKey, agentId, seq: 1, state: "final", message };
  connections.broadcast(wireEvent("chat", payload, { sessionKey }));
  return { ok: true as const, messageId: id };
}
