/**
 * What is done about a failed model call, by its reason. Pure: the loop says what is possible, the table says in which
 * order it is tried. What would cost money without need is not in it.
 */
import type { FailureReason } from "../domain/failure-reason.ts";
import type { FallbackTrigger, Recovery } from "./contract.ts";

type Row = readonly Exclude<Recovery, "give-up">[];

// oxfmt-ignore
const table: Readonly<Record<FailureReason, Row>> = {
  // The same key is refused again: never asked twice.
  auth:             ["next-profile", "next-model"],
  // Other logins of the provider are skipped by their standing where nobody allowed them to pay.
  billing:          ["next-profile", "next-model"],
  // Whoever is free answers at once; where there is only one, it is waited for.
  rate_limit:       ["next-profile", "next-model", "same-again"],
  // The provider's own fault is the same for its other logins, which come last.
  overloaded:       ["next-model", "next-profile", "same-again"],
  network:          ["next-model", "next-profile", "same-again"],
  // Somebody has waited for minutes already: not for the same one again.
  timeout:          ["next-model", "next-profile"],
  // Another account may have it.
  model_not_found:  ["next-profile", "next-model"],
  // Once each: a shorter conversation, then a model with a larger window.
  context_overflow: ["compact", "next-model"],
  image_size:       ["shrink-images", "next-model"],
  image_dimension:  ["shrink-images", "next-model"],
  // The next model may think otherwise, but that is for a person to want: see `triggers`.
  content_filter:   ["next-model"],
  // A shape that this server refuses; the second refusal in the same words ends it.
  bad_request:      ["next-model"],
  // What was said is begun anew; it was paid for, so the same one is asked once more at most.
  interrupted:      ["next-model", "next-profile", "same-again"],
  // Paid for and useless; the same one would likely say the same.
  unreadable:       ["next-model", "next-profile"],
  empty:            ["next-model"],
  unknown:          ["next-model", "next-profile"],
};

/** What leads to another model, by the setting that allows it. `always` allows everything. */
const triggers: Readonly<Record<FailureReason, FallbackTrigger>> = {
  rate_limit: "rate-limit",
  billing: "rate-limit",
  auth: "auth",
  context_overflow: "context-overflow",
  overloaded: "on-error",
  network: "on-error",
  timeout: "on-error",
  model_not_found: "on-error",
  image_size: "on-error",
  image_dimension: "on-error",
  bad_request: "on-error",
  interrupted: "on-error",
  unreadable: "on-error",
  empty: "on-error",
  unknown: "on-error",
  // A provider's safety filter is not gone around unless a person says so.
  content_filter: "always",
};

/** The ways out in their order. The first that is possible is taken; where none is, the turn gives up. */
export function recoveriesFor(reason: FailureReason, fallbackOn: readonly FallbackTrigger[]): readonly Recovery[] {
  return table[reason].filter((recovery) => recovery !== "next-model" || mayFallBack(reason, fallbackOn));
}

/** Whether this failure may lead to another model. */
export function mayFallBack(reason: FailureReason, fallbackOn: readonly FallbackTrigger[]): boolean {
  return fallbackOn.includes("always") || fallbackOn.includes(triggers[reason]);
}
