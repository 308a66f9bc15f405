/** Why a model did not answer, in a few words for people. */
import type { FailureReason } from "../../domain/failure-reason.ts";

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
