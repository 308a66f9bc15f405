/**
 * Every event a client can be sent: who may hear it, what it holds, what the tutorial's dialect calls it, and whether
 * it may be left out for a client that does not keep up.
 */
import { z } from "zod";
import type { Scope } from "../domain/scopes.ts";
import { approvalSchema } from "./methods/approvals.ts";
import { healthSchema } from "./methods/health.ts";
import { presenceEntrySchema } from "./methods/system.ts";

export interface EventDeclaration {
  readonly name: string;
  /** `null`: every connected client. */
  readonly scope: Scope | null;
  readonly tutorialName: string | null;
  readonly payload: z.ZodType;
  readonly summary: string;
}

const runScoped = {
  runId: z.string().min(1),
  sessionKey: z.string().min(1),
  agentId: z.string().min(1),
  seq: z.number().int(),
};
const chatMessage = z.strictObject({
  role: z.literal("assistant"),
  content: z.array(z.strictObject({ type: z.literal("text"), text: z.string() })),
  timestamp: z.number(),
});

export const chatEventSchema = z.discriminatedUnion("state", [
  /** `message` holds the whole text so far, `deltaText` what is new; with `replace` it is not a continuation. */
  z.strictObject({
    ...runScoped,
    state: z.literal("delta"),
    message: chatMessage,
    deltaText: z.string(),
    replace: z.boolean().optional(),
  }),
  z.strictObject({
    ...runScoped,
    state: z.literal("final"),
    message: chatMessage.optional(),
    usage: z.unknown().optional(),
    stopReason: z.string().optional(),
  }),
  z.strictObject({
    ...runScoped,
    state: z.literal("aborted"),
    message: chatMessage.optional(),
    stopReason: z.string().optional(),
  }),
  z.strictObject({
    ...runScoped,
    state: z.literal("error"),
    message: chatMessage.optional(),
    errorMessage: z.string(),
    errorKind: z.string().optional(),
  }),
]);

const declarations = [
  event(
    "connect.challenge",
    null,
    null,
    z.strictObject({ nonce: z.string(), ts: z.number().int() }),
    "What a client signs to connect.",
  ),
  event("tick", null, null, z.strictObject({ ts: z.number().int() }), "A sign of life, every 30 seconds."),
  event(
    "shutdown",
    null,
    "gateway.closing",
    z.strictObject({ reason: z.string(), restartExpectedMs: z.number().int().optional() }),
    "The gateway is about to stop; sent before any socket closes.",
  ),
  event(
    "resync",
    null,
    null,
    z.strictObject({ dropped: z.number().int(), sinceSeq: z.number().int() }),
    "Events were left out because the client did not keep up: ask for the state again.",
  ),
  event("chat", "operator.read", "agent.message", chatEventSchema, "The text of a run as it grows, and its one end."),
  event(
    "agent",
    "operator.read",
    "agent.event",
    z.strictObject({
      runId: z.string(),
      seq: z.number().int(),
      stream: z.string(),
      ts: z.number().int(),
      data: z.record(z.string(), z.unknown()),
    }),
    "What a run does: lifecycle, assistant text, thinking and tools. Tool payloads go to who started the run or subscribed to its session.",
  ),
  event(
    "presence",
    "operator.read",
    null,
    z.strictObject({
      /** All clients with `full`, else those that came or changed. */
      presence: z.array(presenceEntrySchema),
      full: z.boolean(),
      /** Instance ids that left. */
      left: z.array(z.string()).optional(),
      /** Too much changed for one small frame: ask `system-presence`. */
      resync: z.boolean().optional(),
    }),
    "Clients came or left. Small: a difference where the whole list would be long.",
  ),
  event("health", "operator.read", "health.changed", healthSchema, "The health, when it changed."),
  event(
    "sessions.changed",
    "operator.read",
    "sessions.changed",
    z.strictObject({ sessionKey: z.string(), change: z.string(), ts: z.number().int() }),
    "A session was made, patched, reset or deleted.",
  ),
  event(
    "channel.connected",
    "operator.read",
    "channel.connected",
    channelPayload(),
    "A channel account can send and receive.",
  ),
  event(
    "channel.disconnected",
    "operator.read",
    "channel.disconnected",
    channelPayload(),
    "A channel account no longer can.",
  ),
  event(
    "outbox.held",
    "operator.read",
    null,
    z.strictObject({
      partId: z.string(),
      sessionKey: z.string(),
      channel: z.string(),
      accountId: z.string(),
      chatId: z.string(),
      ts: z.number().int(),
    }),
    "A part of a reply waits until somebody approves or denies it. Its text is in `outbox.list`.",
  ),
  event(
    "outbox.decided",
    "operator.read",
    null,
    z.strictObject({ partId: z.string(), decision: z.string(), ts: z.number().int() }),
    "Somebody decided about a part that was held or in doubt.",
  ),
  event(
    "outbox.unknown",
    "operator.read",
    null,
    z.strictObject({
      partId: z.string(),
      channel: z.string(),
      accountId: z.string(),
      chatId: z.string(),
      ts: z.number().int(),
    }),
    "Whether a part arrived is not known. It may be settled by itself, or wait for `outbox.resolve`.",
  ),
  event(
    "exec.approval.requested",
    "operator.approvals",
    "approvals.requested",
    z.strictObject({ id: z.string(), approval: approvalSchema, createdAtMs: z.number(), expiresAtMs: z.number() }),
    "Somebody is asked about an act, with all that it is about.",
  ),
  event(
    "exec.approval.resolved",
    "operator.approvals",
    "approvals.resolved",
    z.strictObject({
      id: z.string(),
      sessionKey: z.string(),
      state: z.enum(["allowed", "denied", "expired"]),
      decision: z.enum(["allow-once", "allow-always", "deny"]),
      resolvedBy: z.string().nullable(),
      ts: z.number().int(),
    }),
    "A question was answered, or its time is over, which is a no.",
  ),
  event(
    "dlq.changed",
    "operator.read",
    null,
    z.strictObject({ change: z.enum(["added", "replayed", "purged"]), ids: z.array(z.string()), ts: z.number().int() }),
    "There are more or fewer dead letters.",
  ),
  event(
    "config.changed",
    "operator.read",
    "config.changed",
    z.strictObject({
      version: z.number().int(),
      changedPaths: z.array(z.string()),
      values: z.record(z.string(), z.unknown()),
      ts: z.number().int(),
    }),
    "The configuration changed: which paths, with secrets hidden.",
  ),
  event(
    "config.refused",
    "operator.read",
    "config.refused",
    z.strictObject({ reason: z.string(), ts: z.number().int() }),
    "An edit of the configuration was not applied.",
  ),
  event(
    "system-event",
    "operator.read",
    "system-event",
    z.strictObject({ text: z.string(), ts: z.number().int() }),
    "An outside system told the gateway something.",
  ),
] as const satisfies readonly EventDeclaration[];

export type EventName = (typeof declarations)[number]["name"];

export const events: readonly EventDeclaration[] = declarations;

export function eventDeclaration(name: EventName): EventDeclaration {
  return declarationsByName[name];
}

const declarationsByName = Object.freeze(
  Object.fromEntries(declarations.map((declaration) => [declaration.name, declaration])),
) as Readonly<Record<EventName, EventDeclaration>>;

function channelPayload() {
  return z.strictObject({
    channel: z.string(),
    accountId: z.string(),
    state: z.string(),
    reason: z.string().optional(),
    ts: z.number().int(),
  });
}

// eslint-disable-next-line max-params -- one row of the table above; a named object would bury the names
function event<Name extends string>(
  name: Name,
  scope: Scope | null,
  tutorialName: string | null,
  payload: z.ZodType,
  summary: string,
) {
  return { name, scope, tutorialName, payload, summary };
}
