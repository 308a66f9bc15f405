/** What an event of a message's way means, in words for a person who does not know our names for it. */

import { errorCodes, isErrorCode } from "../../../domain/error-codes.ts";

export type TraceFacts = Readonly<Record<string, unknown>>;

export interface TraceWords {
  readonly what: string;
  readonly why: string | null;
}

/** An event that has no words yet is told by its own name, never left out. */
export function wordsOf(type: string, facts: TraceFacts): TraceWords {
  const words = Object.hasOwn(sentences, type) ? sentences[type] : undefined;
  return { what: words?.(facts) ?? type, why: whyOf(type, facts) };
}

type Sentence = (facts: TraceFacts) => string;

const sentences: Readonly<Record<string, Sentence>> = Object.freeze({
  "message.received": () => "came in",
  "message.refused": () => "refused at the door",
  "inbox.queued": (facts) => (facts["replayed"] === true ? "waits for its turn anew" : "stored; it waits for its turn"),
  "inbox.running": (facts) => `taken up${nth(facts)}`,
  "inbox.retry": () => "the attempt failed; it will be tried again",
  "inbox.released": () => "given back unfinished, because the gateway stops",
  "inbox.recovered": () => "found unfinished after a restart; it waits again",
  "inbox.replied": () => "answered",
  "inbox.merged": () => "answered together with a later message",
  "inbox.rejected": () => "refused, and the refusal kept",
  "inbox.expired": () => "waited too long and expired",
  "inbox.dead": () => "given up",
  "inbox.purged": () => "taken off the list of dead letters, and its words dropped",
  "run.started": () => "the turn begins",
  "run.first-text": () => "the first words of the answer came",
  "run.ended": (facts) => `the turn ends${text(facts, "outcome", (outcome) => `: ${outcome}`)}`,
  "model.chosen": (facts) => `${text(facts, "model")}${login(facts)} is to answer`,
  "model.failed": (facts) =>
    `${text(facts, "model")}${login(facts)} could not answer; then: ${text(facts, "recovery")}`,
  "tool.started": (facts) => `tool ${text(facts, "tool")} starts`,
  "tool.completed": (facts) => `tool ${text(facts, "tool")} has finished`,
  "tool.failed": (facts) => `tool ${text(facts, "tool")} failed`,
  "outbox.prepared": (facts) => `${part(facts)} is ready to go out${later(facts)}`,
  "outbox.held": (facts) => `${part(facts)} waits for somebody to approve it`,
  "outbox.approved": (facts) => `${part(facts)} was approved${by(facts)}`,
  "outbox.denied": (facts) => `${part(facts)} was denied${by(facts)}`,
  "outbox.resolved": (facts) => `${part(facts)} was settled as ${text(facts, "as")}${by(facts)}`,
  "outbox.sending": (facts) => `${part(facts)} leaves${nth(facts)}`,
  "outbox.progress": (facts) => `a piece of ${part(facts)} was confirmed${receipts(facts)}`,
  "outbox.sent": (facts) => `${part(facts)} arrived${receipts(facts)}`,
  "outbox.unknown": (facts) => `whether ${part(facts)} arrived is not known`,
  "outbox.failed": (facts) => `${part(facts)} could not be sent`,
  "outbox.expired": (facts) => `${part(facts)} waited too long and expired`,
  "outbox.purged": (facts) => `${part(facts)} was taken off the list of dead letters, and its words dropped`,
  "message.sent": (facts) => `the platform has ${part(facts)}${receipts(facts)}`,
  "message.unsent": (facts) => `${part(facts)} did not arrive for certain: ${text(facts, "state")}`,
  "dlq.replayed": (facts) => `put back to work by hand${by(facts)}`,
});

function whyOf(type: string, facts: TraceFacts): string | null {
  if (type === "model.chosen") return passedOver(facts);
  const { reason, error } = facts;
  // The cause in one word is for rules; a person reads what the provider said.
  if (type !== "model.failed" && typeof reason === "string" && reason !== "") return reason;
  if (isErrorCode(error)) return `${errorCodes[error].meaning} (${error})`;
  if (typeof error !== "object" || error === null || !("message" in error)) return null;
  const code = "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return typeof error.message === "string" ? `${error.message}${code}` : null;
}

/** Who would have come before the one that was chosen; null where it was the first. */
function passedOver({ considered }: TraceFacts): string | null {
  const lines = Array.isArray(considered) ? (considered as readonly Readonly<Record<string, unknown>>[]) : [];
  const used = lines.findIndex(({ verdict }) => verdict === "used");
  const skipped = lines.slice(0, Math.max(0, used)).map((line) => `${text(line, "model")}: ${text(line, "why")}`);
  return skipped.length === 0 ? null : skipped.join("; ");
}

function login(facts: TraceFacts): string {
  return text(facts, "profileId", (id) => ` (${id})`);
}

function text(facts: TraceFacts, key: string, around: (value: string) => string = (value) => value): string {
  const value = facts[key];
  return typeof value === "string" && value !== "" ? around(value) : "";
}

function part(facts: TraceFacts): string {
  return text(facts, "partId", (id) => `part ${id}`) || "the part";
}

function by(facts: TraceFacts): string {
  return text(facts, "by", (who) => ` by ${who}`);
}

function nth(facts: TraceFacts): string {
  const attempt = facts["attempt"] ?? facts["attempts"];
  return typeof attempt === "number" && attempt > 1 ? `, attempt ${attempt}` : "";
}

function later(facts: TraceFacts): string {
  return typeof facts["nextAttemptMs"] === "number" && facts["nextAttemptMs"] > 0
    ? ` at ${new Date(facts["nextAttemptMs"]).toISOString()}`
    : "";
}

/** The platform's own ids: what a person can look for there. */
function receipts(facts: TraceFacts): string {
  const { platformMessageIds, platformMessageId } = facts;
  const ids = Array.isArray(platformMessageIds)
    ? platformMessageIds.filter((id) => typeof id === "string")
    : typeof platformMessageId === "string"
      ? [platformMessageId]
      : [];
  return ids.length === 0 ? "" : ` as ${ids.join(", ")}`;
}
