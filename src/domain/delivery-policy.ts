/**
 * How an account's replies leave the house, as rules: what is tried again and when, what is done about a doubt, who has
 * to allow it, how an answer grows. Pure. Classified by codes and numbers; what an error says in words decides nothing.
 */
import type { AppErrorJson } from "./app-error.ts";
import type { ErrorCode } from "./error-codes.ts";
import { limits } from "./limits.ts";

/**
 * `fire-and-forget`: one attempt, and never another, also when it is not known whether it arrived.
 * `retry`: whatever is not final is tried again.
 * `retry-on-error`: only what provably failed, in a way that passes by itself (network, rate limit, server error).
 * With the last two, a send whose answer was lost follows `onDoubt`.
 */
export const reliabilities = ["fire-and-forget", "retry", "retry-on-error"] as const;
export type Reliability = (typeof reliabilities)[number];

/** Whether a part may leave: yes, no, or after a person said so. */
export const permissions = ["allow", "deny", "require-approval"] as const;
export type Permission = (typeof permissions)[number];

/** What is done about a part that may have been sent, where the platform cannot tell. */
export const doubtPolicies = ["resend-labelled", "hold-and-ask", "drop"] as const;
export type DoubtPolicy = (typeof doubtPolicies)[number];

/** `block`: finished paragraphs leave while the rest is written. `edit`: one message that grows. */
export const streamings = ["off", "block", "edit"] as const;
export type Streaming = (typeof streamings)[number];

export interface RetryRule {
  /** Further attempts after the first. */
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Each pause is this many times the one before. */
  readonly factor: number;
  /** Each pause is longer by up to this share of it, so that chats that failed together do not come back together. */
  readonly jitter: number;
}

export interface DeliveryPolicy {
  readonly reliability: Reliability;
  readonly permission: Permission;
  readonly onDoubt: DoubtPolicy;
  readonly retry: RetryRule;
}

export interface BlockSizes {
  readonly minChars: number;
  readonly maxChars: number;
  readonly idleMs: number;
}

/** A pause, chosen by chance between the two. */
export interface DelayRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Everything that an account's configuration says about its way out. */
export interface DeliverySettings {
  /** In the platform's unit; null where the platform's own limit is the only one. */
  readonly textChunkLimit: number | null;
  readonly chunkMode: "text" | "markdown" | "paragraph";
  readonly policy: DeliveryPolicy;
  readonly streaming: Streaming;
  readonly blocks: BlockSizes;
  /** Between two parts of one answer; null = none. */
  readonly humanDelay: DelayRange | null;
}

export const defaultDeliverySettings = Object.freeze<DeliverySettings>({
  textChunkLimit: null,
  chunkMode: "markdown",
  policy: {
    reliability: "retry-on-error",
    permission: "allow",
    onDoubt: "resend-labelled",
    retry: {
      attempts: limits.deliveryAttempts - 1,
      minDelayMs: limits.deliveryBackoffMs,
      maxDelayMs: limits.deliveryBackoffCapMs,
      factor: 2,
      jitter: 0.1,
    },
  },
  streaming: "off",
  blocks: { minChars: 800, maxChars: 1_200, idleMs: 1_000 },
  humanDelay: null,
});

/** What a person's typing takes, for `humanDelay: natural`. */
export const naturalDelay: DelayRange = Object.freeze({ minMs: 800, maxMs: 2_500 });

/** How a send failed, as far as it decides about another attempt. */
export interface FailureFacts {
  readonly code: ErrorCode;
  /** The error itself says that the same will fail again. */
  readonly final: boolean;
  /** The operating system's or the network library's code, e.g. `ECONNRESET`. */
  readonly networkCode: string | null;
  /** The platform's HTTP status. */
  readonly status: number | null;
}

/** Whether a failure that is provable may be followed by another attempt, as far as its kind decides. */
export function mayRetry(reliability: Reliability, failure: FailureFacts): boolean {
  if (reliability === "fire-and-forget" || failure.final) return false;
  return reliability === "retry" || passesByItself(failure);
}

/** The most precise fact decides: the platform's status, the network's code, our own. */
export function passesByItself({ code, networkCode, status }: FailureFacts): boolean {
  if (status !== null) return status === 408 || status === 429 || (status >= 500 && status <= 599);
  if (networkCode !== null) return networkCodes.has(networkCode);
  return code === "CONN_001" || code === "CONN_003";
}

const networkCodes: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EPIPE",
  // Not in every list, and of the same kind: a route that is gone for the moment, and the names undici gives to time-outs.
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/**
 * What is known of a failure. `error` is an AppError or its JSON; the facts of what caused it are looked for in its
 * details (`status`, `networkCode`) and along its causes.
 */
export function factsOf(error: Pick<AppErrorJson, "code" | "retry" | "details"> & { cause?: unknown }): FailureFacts {
  let networkCode = textOrNull(error.details["networkCode"]);
  let status = statusOrNull(error.details["status"]);
  let cause: unknown = error.cause;
  for (let depth = 0; depth < causeDepth && typeof cause === "object" && cause !== null; depth += 1) {
    const { code, status: own, statusCode, cause: next } = cause as Readonly<Record<string, unknown>>;
    networkCode ??= typeof code === "string" && /^(E[A-Z]|UND_ERR_)/.test(code) ? code : null;
    status ??= statusOrNull(own) ?? statusOrNull(statusCode);
    cause = next;
  }
  return { code: error.code, final: error.retry === "never", networkCode, status };
}

/** Causes that are looked at: deeper than any library nests them. */
const causeDepth = 8;

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function statusOrNull(value: unknown): number | null {
  return typeof value === "number" && value >= 100 && value <= 599 ? value : null;
}

/** The pause before the next attempt; `failed` attempts were made. `random` is in [0, 1). */
export function retryPauseMs(rule: RetryRule, failed: number, random: number): number {
  const pauseMs = Math.min(rule.minDelayMs * rule.factor ** (Math.max(1, failed) - 1), rule.maxDelayMs);
  return Math.round(pauseMs * (1 + rule.jitter * random));
}

/** A moment of the range. */
export function delayWithin({ minMs, maxMs }: DelayRange, random: number): number {
  return Math.round(minMs + Math.max(0, maxMs - minMs) * random);
}
