/** Why a model call failed, in one word: what a recovery, a cool-down and a fallback rule look at. */

export const failureReasons = [
  /** The key, token or login was refused. */
  "auth",
  /** The account has no credit or quota left; waiting does not fill it. */
  "billing",
  /** Too many requests or tokens for the moment. */
  "rate_limit",
  /** The provider's own fault: 5xx, busy. */
  "overloaded",
  /** No connection, or it broke before the answer began. */
  "network",
  /** Silent for too long. */
  "timeout",
  "model_not_found",
  "context_overflow",
  /** A picture has too many bytes. */
  "image_size",
  /** A picture has too many pixels on a side. */
  "image_dimension",
  "content_filter",
  /** The request is of a shape that this model or server refuses; the same one fails again. */
  "bad_request",
  /** The answer began and broke off. */
  "interrupted",
  /** The answer made no sense: garbage, or an error in the middle of it. */
  "unreadable",
  /** It ended in good order and said nothing. */
  "empty",
  /** None of these can be told. */
  "unknown",
] as const;

export type FailureReason = (typeof failureReasons)[number];

/** Of a model, for people: behind its name and a colon. */
export const reasonWords: Readonly<Record<FailureReason, string>> = Object.freeze({
  auth: "its key was refused",
  billing: "no credit is left",
  rate_limit: "too many requests",
  overloaded: "it is overloaded or down",
  network: "it cannot be reached",
  timeout: "it was silent for too long",
  model_not_found: "there is no such model",
  context_overflow: "the conversation is too long for it",
  image_size: "a picture is too large for it",
  image_dimension: "a picture has too many pixels for it",
  content_filter: "its safety filter blocked the answer",
  bad_request: "it refused the request",
  interrupted: "its answer broke off",
  unreadable: "its answer was unreadable",
  empty: "it answered with nothing",
  unknown: "it failed",
});

/** What an error's `details.reason` says, where it is one of these. */
export function failureReasonOf(details: unknown): FailureReason {
  const reason: unknown = (details as { reason?: unknown } | undefined)?.reason;
  return failureReasons.find((known) => known === reason) ?? "unknown";
}
