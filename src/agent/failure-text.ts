/**
 * What a person in a chat is told when a turn fails: what happened, in words they can act on, without internals. One or
 * two sentences, however many models were asked.
 */
import type { AppErrorJson } from "../domain/app-error.ts";
import { errorCodes } from "../domain/error-codes.ts";
import { failureReasons, type FailureReason } from "../domain/failure-reason.ts";

export function failureText(error: AppErrorJson): string {
  const failures = failuresOf(error);
  if (failures.length > 0) return `⚠️ ${modelFailureText(failures)} (${error.code})`;
  const row = errorCodes[error.code];
  // A choice that cannot be made names itself, and what can be chosen instead.
  if (error.code === "MODEL_001" && error.details["param"] === "model") return `⚠️ ${error.message} (${error.code})`;
  return `⚠️ ${row.meaning} ${row.remedy} (${error.code})`;
}

interface ModelFailure {
  readonly model: string;
  readonly provider: string;
  readonly reason: FailureReason;
}

/** One failure in full; of several what each was, and what helps against the first of them that a person can mend. */
function modelFailureText(failures: readonly ModelFailure[]): string {
  const reasons = [...new Set(failures.map(({ reason }) => reason))];
  if (reasons.length === 1) {
    const [reason] = reasons as [FailureReason];
    const { says, helps } = sentences[reason];
    return `${capital(says(namesOf(failures, reason)))}. ${helps}`;
  }
  const said = reasons.map((reason) => sentences[reason].says(namesOf(failures, reason)));
  const mendable = reasons.find((reason) => mendableReasons.has(reason)) ?? (reasons[0] as FailureReason);
  return `No model could answer: ${said.join("; ")}. ${sentences[mendable].helps}`;
}

function namesOf(failures: readonly ModelFailure[], wanted: FailureReason): string {
  const of = sentences[wanted].of;
  const names = failures.filter(({ reason }) => reason === wanted).map((failure) => failure[of]);
  return [...new Set(names)].join(" and ");
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

const mendableReasons: ReadonlySet<FailureReason> = new Set([
  "auth",
  "billing",
  "model_not_found",
  "context_overflow",
  "image_size",
  "image_dimension",
]);

interface Sentence {
  /** Whose name stands in it. */
  readonly of: "provider" | "model";
  /** Without a capital and a full stop: it may stand in a list. Never begins with a name, and fits several. */
  says(names: string): string;
  readonly helps: string;
}

const tryAgain = "Try again in a moment.";

const sentences: Readonly<Record<FailureReason, Sentence>> = {
  auth: {
    of: "provider",
    says: (names) => `the key for ${names} is missing, expired or refused`,
    helps:
      "Give it a new one with `openclaw models auth` (or, if it is right after all, `openclaw models retry`), or add a fallback model.",
  },
  billing: {
    of: "provider",
    says: (names) => `the account at ${names} has no credit or quota left`,
    helps: "Top it up, or add a fallback model at another provider.",
  },
  rate_limit: {
    of: "provider",
    says: (names) => `too many requests for ${names} at the moment`,
    helps: "Try again in a minute, or add a fallback model.",
  },
  overloaded: { of: "provider", says: (names) => `no answer from ${names}: overloaded or down`, helps: tryAgain },
  network: {
    of: "provider",
    says: (names) => `no connection to ${names}`,
    helps: "Check that it runs and that its address is right, or add a fallback model.",
  },
  timeout: { of: "model", says: (names) => `no word from ${names} for too long`, helps: tryAgain },
  model_not_found: {
    of: "model",
    says: (names) => `no such model at its provider: ${names}`,
    helps: "Choose one of `openclaw models list`.",
  },
  context_overflow: {
    of: "model",
    says: (names) => `this conversation is too long for ${names}`,
    helps: "Start a new one with /new, or use a model with a larger window.",
  },
  image_size: { of: "model", says: (names) => `a picture is too large for ${names}`, helps: "Send a smaller one." },
  image_dimension: {
    of: "model",
    says: (names) => `a picture has too many pixels for ${names}`,
    helps: "Send a smaller one.",
  },
  content_filter: {
    of: "provider",
    says: (names) => `the safety filter of ${names} blocked the answer`,
    helps: "Say it in other words.",
  },
  bad_request: {
    of: "model",
    says: (names) => `the request was refused by ${names}`,
    helps: "Start a new conversation with /new; if it happens again, look at the log.",
  },
  interrupted: { of: "model", says: (names) => `the answer of ${names} broke off`, helps: tryAgain },
  unreadable: { of: "model", says: (names) => `the answer of ${names} was unreadable`, helps: tryAgain },
  empty: {
    of: "model",
    says: (names) => `an empty answer from ${names}`,
    helps: "Say it in other words, or use another model.",
  },
  unknown: { of: "provider", says: (names) => `something failed at ${names}`, helps: tryAgain },
};

/** Of the attempts and the ones that were left alone; a budget's refusal is no failure of a model. */
function failuresOf({ code, details }: AppErrorJson): readonly ModelFailure[] {
  if (!code.startsWith("MODEL_")) return [];
  const all = [details["attempts"], details["skipped"]].flatMap((list) => (Array.isArray(list) ? list : []));
  return all.flatMap((entry: unknown) => {
    const { model, reason } = (entry ?? {}) as { model?: unknown; reason?: unknown };
    const known = failureReasons.find((candidate) => candidate === reason);
    if (typeof model !== "string" || known === undefined) return [];
    return [{ model, provider: model.split("/")[0] ?? model, reason: known }];
  });
}
