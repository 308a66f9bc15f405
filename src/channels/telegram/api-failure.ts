/**
 * What a failed call of the Bot API means, and whether it may have had its effect. Judged by status, `error_code`,
 * `parameters` and the operating system's codes; the description is for people and never decided by.
 */
import { AppError } from "../../domain/app-error.ts";
import { causesOf, wasNeverSent } from "../../platform/egress/unsent.ts";

/** `refused`: the API's own word that nothing was done. `unsent`: not a byte of it left. `unknown`: nobody can say. */
export type CallFate = "refused" | "unsent" | "unknown";

export interface ApiFailure {
  readonly ok: false;
  readonly error: AppError;
  readonly fate: CallFate;
  /** The API's error code or the HTTP status; null where there was no answer. */
  readonly status: number | null;
  /** The group has become a supergroup with this id. */
  readonly migrateToChatId: number | null;
}

/** What was answered instead of a result. */
export interface RefusedAnswer {
  readonly method: string;
  readonly httpStatus: number;
  /** The answer's JSON; undefined where it was none. */
  readonly body: unknown;
}

export const conflictSentence =
  "Somebody else reads this bot's updates with the same token (getUpdates or a webhook): stop it, or give it a token of its own.";

export function answerFailure({ method, httpStatus, body }: RefusedAnswer): ApiFailure {
  const answer = refusalOf(body);
  if (answer === null) return strangerFailure(method, httpStatus);
  const status = answer.errorCode ?? httpStatus;
  return {
    ok: false,
    // A gateway that gave up waiting for the server behind it does not know what that one did.
    fate: status === 502 || status === 504 ? "unknown" : "refused",
    status,
    migrateToChatId: answer.migrateToChatId,
    error: errorFor(method, status, answer),
  };
}

/** No answer at all: what could not be connected is told from connections that broke. */
export function networkFailure(method: string, thrown: unknown): ApiFailure {
  const base = { ok: false, status: null, migrateToChatId: null } as const;
  // Thrown before anything is sent: the address is not one that may be asked.
  if (thrown instanceof AppError && thrown.code === "SEC_005") return { ...base, fate: "unsent", error: thrown };
  const code = networkCode(thrown);
  const error = new AppError("CONN_001", `Telegram could not be reached (${code ?? "no answer"}).`, {
    details: { method, ...(code === null ? {} : { networkCode: code }) },
  });
  return { ...base, fate: wasNeverSent(thrown) ? "unsent" : "unknown", error };
}

/** The call was called off, or took too long. */
export function abortFailure(reason: unknown, begun: boolean): ApiFailure {
  const error = reason instanceof AppError ? reason : new AppError("CONN_001", "The call was called off.");
  return { ok: false, fate: begun ? "unknown" : "unsent", status: null, migrateToChatId: null, error };
}

interface Refusal {
  readonly errorCode: number | null;
  readonly description: string;
  readonly retryAfterS: number | null;
  readonly migrateToChatId: number | null;
}

function errorFor(method: string, status: number, { description, retryAfterS }: Refusal): AppError {
  const words = description === "" ? "." : `: ${description}`;
  const details = { method, status };
  if (status === 401 || status === 404) {
    return new AppError("CONN_002", `Telegram does not know this bot token (${status}).`, { details });
  }
  if (status === 409) return new AppError("CONN_001", conflictSentence, { details });
  if (status === 429) {
    const retryAfterMs = Math.max(1, retryAfterS ?? 5) * 1_000;
    return new AppError("CONN_003", "Telegram asks to slow down.", {
      details: { ...details, retryAfterMs },
      retryAfterMs,
    });
  }
  if (status === 413) return new AppError("MSG_003", `Telegram takes nothing as large as this${words}`, { details });
  if (status >= 500) return new AppError("CONN_001", `Telegram failed (${status})${words}`, { details });
  return new AppError("MSG_002", `Telegram refused ${method} (${status})${words}`, { details, retry: "never" });
}

/** Something answered that is not the Bot API: a proxy's page, a damaged body. */
function strangerFailure(method: string, status: number): ApiFailure {
  const refused = status >= 400 && status < 500;
  const error =
    status === 413
      ? new AppError("MSG_003", "What stands before Telegram takes nothing as large as this.", {
          details: { method, status },
        })
      : new AppError("CONN_001", `What answered for Telegram was not the Bot API (${status}).`, {
          details: { method, status },
        });
  return { ok: false, fate: refused ? "refused" : "unknown", status, migrateToChatId: null, error };
}

function refusalOf(body: unknown): Refusal | null {
  if (!isRecord(body) || body["ok"] !== false) return null;
  const parameters = isRecord(body["parameters"]) ? body["parameters"] : {};
  return {
    errorCode: wholeNumber(body["error_code"]),
    description: typeof body["description"] === "string" ? body["description"].slice(0, 300) : "",
    retryAfterS: wholeNumber(parameters["retry_after"]),
    migrateToChatId: wholeNumber(parameters["migrate_to_chat_id"]),
  };
}

/** Of the system or the HTTP library, wherever in the chain of causes it stands. */
function networkCode(thrown: unknown): string | null {
  for (const link of causesOf(thrown)) if (typeof link["code"] === "string") return link["code"];
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function wholeNumber(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null;
}
