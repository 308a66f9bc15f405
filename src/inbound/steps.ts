/**
 * What is asked of every message before it is let in, in this order. Each step is small, has a name that the trace
 * shows, and either lets the message on or names the reason against it.
 */
import { judgeAdmission, type AdmissionPolicy } from "../domain/admission-policy.ts";
import type { InboundMessage } from "../domain/message.ts";
import { messageText } from "../domain/message.ts";
import type { AdmitRequest, RefusalReason } from "./contract.ts";

/** What the steps look at besides the message. */
export interface AdmitWorld {
  policyFor(message: InboundMessage): AdmissionPolicy;
  takeFromAllowance(senderKey: string): boolean;
  /** What was taken for a message that was not let in then, and comes again. */
  giveBackToAllowance(senderKey: string): void;
  /** Messages waiting for a turn. */
  waiting(): number;
  stopping(): boolean;
  readonly maxTextBytes: number;
  readonly maxWaiting: number;
  readonly maxAttachments: number;
}

export interface AdmitStep {
  readonly name: string;
  check(request: AdmitRequest, world: AdmitWorld): RefusalReason | null;
  /** Takes back what a check that let the message on has used up. */
  undo?(request: AdmitRequest, world: AdmitWorld): void;
}

export const admitSteps: readonly AdmitStep[] = [
  { name: "open", check: (_request, world) => (world.stopping() ? "stopping" : null) },
  { name: "policy", check: checkPolicy },
  { name: "kind", check: checkKind },
  { name: "rate", check: checkRate, undo: giveBackRate },
  { name: "size", check: checkSize },
  { name: "depth", check: (_request, world) => (world.waiting() >= world.maxWaiting ? "inbox-full" : null) },
];

/** A caller of the gateway has shown a credential already; a platform's sender is judged by the account's policy. */
function checkPolicy({ message, origin }: AdmitRequest, world: AdmitWorld): RefusalReason | null {
  return origin.via === "channel" ? judgeAdmission(message, world.policyFor(message)) : null;
}

/** Edits, reactions and the like pass the same policy, and then are noted rather than answered. */
function checkKind({ message }: AdmitRequest): RefusalReason | null {
  return message.kind === "message" || message.kind === "command" || message.kind === "callback"
    ? null
    : "not-a-request";
}

function checkRate({ message, origin }: AdmitRequest, world: AdmitWorld): RefusalReason | null {
  if (origin.via !== "channel") return null;
  return world.takeFromAllowance(senderKeyOf(message)) ? null : "rate-limited";
}

function giveBackRate({ message, origin }: AdmitRequest, world: AdmitWorld): void {
  if (origin.via === "channel") world.giveBackToAllowance(senderKeyOf(message));
}

function senderKeyOf({ address, sender }: InboundMessage): string {
  return JSON.stringify([address.channel, address.accountId, sender.id]);
}

function checkSize(request: AdmitRequest, world: AdmitWorld): RefusalReason | null {
  const { message } = request;
  const text = messageText(message);
  if (Buffer.byteLength(text) > world.maxTextBytes) return "too-large";
  const attachments = message.content.reduce((count, content) => count + (content.attachments?.length ?? 0), 0);
  if (attachments > world.maxAttachments) return "too-large";
  const carriesSomething =
    text.trim() !== "" ||
    attachments > 0 ||
    message.content.some((content) => content.type !== "text") ||
    request.options?.["input"] !== undefined;
  return carriesSomething ? null : "empty";
}
