/**
 * How a caller's words enter the house: through the one door, under a run id that is the caller's idempotency key. The
 * door itself makes the key good for one effect, in the commit that takes the message; here a second use is recognised.
 */
import { AppError } from "../../domain/app-error.ts";
import { noMentions, type Address, type Attachment, type InboundMessage } from "../../domain/message.ts";
import type { TurnOptions } from "../../agent/turn-options.ts";
import type { Caller } from "./handler.ts";
import { contentHash } from "../../platform/content-hash.ts";
import { requestConflict } from "./once.ts";
import type { RpcServices } from "./services.ts";
import type { SessionTarget } from "./session-target.ts";

export interface RunRequest {
  readonly method: string;
  readonly runId: string;
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly target: SessionTarget;
  readonly options: TurnOptions;
  /** Where the answer goes; without one it stays with the session. */
  readonly address: Address | null;
}

export type RunState = "started" | "in_flight" | "ok";

/** Throws what the refusal says, or RPC_006 where the key was used with other content. */
export function admitRun(services: RpcServices, request: RunRequest, caller: Caller): Promise<RunState> {
  const { method, runId, text, target, options, attachments, address } = request;
  const hash = contentHash({ text, target, options, attachments, address });
  const key = { principalId: caller.principal.id, method, key: runId };
  return services.once.join(key, hash, () => admitOnce(services, request, { caller, hash }));
}

/**
 * Whether a caller of the gateway vouched for this message when it came, instead of a platform's policy: what is made
 * below has such a payload, and no platform's event has.
 */
export function cameFromGateway({ raw, sender }: InboundMessage): boolean {
  return requestHashOf(raw) !== null && (raw as { principal?: unknown }).principal === sender.id;
}

async function admitOnce(
  { deps }: RpcServices,
  request: RunRequest,
  { caller, hash }: { caller: Caller; hash: string },
): Promise<RunState> {
  const { runId, target, options } = request;
  // Before the door, so that not even the first event of the run is missed.
  caller.subscriptions.started(runId);
  const admission = await deps.admit({
    message: messageOf(request, { deps, caller, hash }),
    origin: { via: "gateway", principal: caller.principal },
    sessionKey: target.sessionKey,
    agentId: target.agentId,
    runId,
    options: { ...options },
  });
  if (admission.outcome === "accepted") return "started";
  if (admission.outcome === "refused") {
    caller.subscriptions.ended(runId);
    throw admission.error;
  }
  await checkSameRequest({ deps }, admission.runId, { runId, hash, sessionKey: target.sessionKey });
  return admission.ended ? "ok" : "in_flight";
}

/** The first request's hash lies with its message; a row without one was emptied since, and nothing can be said of it. */
async function checkSameRequest(
  { deps }: Pick<RpcServices, "deps">,
  firstRunId: string,
  now: { runId: string; hash: string; sessionKey: string },
): Promise<void> {
  const row = await deps.store.inbox.byRunId(firstRunId);
  if (firstRunId !== now.runId || row === null || row.sessionKey !== now.sessionKey) throw requestConflict();
  if (row.state === "rejected") {
    throw new AppError(
      "RPC_006",
      `this key's first request was refused (${row.reason ?? "no reason kept"}); use a new key`,
    );
  }
  const first = requestHashOf(row.message.raw);
  if (first !== null && first !== now.hash) throw requestConflict();
}

function requestHashOf(raw: unknown): string | null {
  if (typeof raw !== "object" || raw === null || !("requestHash" in raw)) return null;
  return typeof raw.requestHash === "string" ? raw.requestHash : null;
}

function messageOf(
  { runId, text, attachments, target, address }: RunRequest,
  { deps, caller, hash }: { deps: RpcServices["deps"]; caller: Caller; hash: string },
): InboundMessage {
  const nowMs = deps.clock.nowMs();
  return {
    id: deps.ids.uuid(),
    kind: "message",
    address: address ?? { channel: "webchat", accountId: "default", chatId: target.sessionKey, chatKind: "dm" },
    sender: { id: caller.principal.id },
    platformMessageId: runId,
    content: [{ type: "text", text, ...(attachments.length === 0 ? {} : { attachments: [...attachments] }) }],
    mentions: { ...noMentions, self: true },
    sentAtMs: nowMs,
    receivedAtMs: nowMs,
    // The scopes stand with the message, so that a command in it is judged by who sent it and not by who runs it.
    raw: { requestHash: hash, principal: caller.principal.id, scopes: [...caller.principal.scopes] },
  };
}
