/**
 * What a provider's failure means. Judged by status, code and type; by the words of a message only for an overflowing
 * context window, which two protocols tell in no other way. The result names no key and no body.
 */
import { AppError } from "../domain/app-error.ts";
import type { ErrorCode, Retry } from "../domain/error-codes.ts";
import type { FailureReason } from "../domain/failure-reason.ts";
import type { ProviderEndpoint } from "./contract.ts";

/** What is known of a failure, whatever protocol told it. */
export interface ProviderFault {
  readonly message: string;
  /** HTTP status, of the answer or as the error itself names it. */
  readonly status?: number | undefined;
  /** Codes and types the provider named, any spelling, most specific first. */
  readonly codes?: readonly string[];
  /** Response headers, names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Wait that the body names. */
  readonly retryAfterMs?: number | undefined;
  /** Of the operating system or the HTTP client, e.g. ECONNREFUSED. */
  readonly networkCode?: string | undefined;
  /** Set where the cause is known without any code. */
  readonly reason?: FailureReason;
}

export interface FaultScene {
  readonly endpoint: ProviderEndpoint;
  readonly model: string;
  readonly nowMs: number;
}

export function providerFailure(fault: ProviderFault, scene: FaultScene): AppError {
  const reason = fault.reason ?? reasonOf(fault);
  const { code, says, retry } = verdicts[reason];
  const retryAfterMs = retryAfter(fault, scene.nowMs);
  const status = fault.status === undefined ? "" : ` (HTTP ${fault.status})`;
  const words = networkWords(fault.networkCode) ?? withoutSecrets(fault.message, scene.endpoint).trim();
  return new AppError(
    code,
    `${says.replace("{provider}", scene.endpoint.id).replace("{model}", scene.model)}${status}${words === "" ? "." : `: ${words}`}`,
    {
      details: {
        provider: scene.endpoint.id,
        model: scene.model,
        reason,
        ...(fault.status === undefined ? {} : { status: fault.status }),
        ...(fault.codes?.[0] === undefined ? {} : { providerCode: fault.codes[0] }),
        ...(fault.networkCode === undefined ? {} : { networkCode: fault.networkCode }),
      },
      ...(retry === undefined ? {} : { retry }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}

/** The facts in an error's JSON, in any of the dialects: `{error: {…}}`, `{error: "…"}`, `{code, message}`, an array of one. */
export function readErrorBody(
  body: unknown,
): Pick<ProviderFault, "status" | "codes" | "retryAfterMs"> & { readonly message?: string } {
  const outer = record(Array.isArray(body) ? body[0] : body);
  if (outer === undefined) return typeof body === "string" && body !== "" ? { message: body } : {};
  const nested = outer["error"] ?? record(outer["response"])?.["error"];
  if (typeof nested === "string") return { message: nested };
  const error = record(nested) ?? outer;
  const details = Array.isArray(error["details"]) ? error["details"].map((detail) => record(detail) ?? {}) : [];
  const codes = [error["code"], ...details.map((detail) => detail["reason"]), error["type"], error["status"]];
  const status = [error["code"], error["status"], error["statusCode"]]
    .map(httpStatus)
    .find((found) => found !== undefined);
  const retryAfterMs = details.map((detail) => duration(detail["retryDelay"])).find((found) => found !== undefined);
  return {
    codes: codes.filter((code): code is string => typeof code === "string" && code !== ""),
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(typeof error["message"] === "string" ? { message: error["message"] } : {}),
  };
}

interface Verdict {
  readonly code: ErrorCode;
  readonly says: string;
  /** Where the code table's answer is wrong for this cause. */
  readonly retry?: Retry;
}

const verdicts: Readonly<Record<FailureReason, Verdict>> = {
  auth: { code: "MODEL_002", says: "The provider {provider} refused the API key" },
  // Waiting does not fill an account: the same key is not asked again.
  billing: { code: "MODEL_003", says: "The account at {provider} has no credit or quota left", retry: "never" },
  rate_limit: { code: "MODEL_003", says: "The provider {provider} asks to slow down" },
  overloaded: { code: "MODEL_004", says: "The provider {provider} failed" },
  network: { code: "MODEL_004", says: "The provider {provider} could not be reached" },
  timeout: { code: "MODEL_006", says: "The model {model} of {provider} was silent for too long" },
  model_not_found: { code: "MODEL_001", says: "The provider {provider} has no model {model}, or its address is wrong" },
  context_overflow: { code: "MODEL_007", says: "The conversation does not fit the context window of {model}" },
  image_size: { code: "MODEL_008", says: "A picture is too large for {model}" },
  image_dimension: { code: "MODEL_008", says: "A picture has too many pixels for {model}" },
  content_filter: { code: "MODEL_008", says: "The safety filter of {provider} blocked the answer" },
  bad_request: { code: "MODEL_008", says: "The provider {provider} refused the request" },
  interrupted: { code: "MODEL_005", says: "The answer of {model} was cut off" },
  unreadable: { code: "MODEL_005", says: "The answer of {model} was unreadable" },
  empty: { code: "MODEL_005", says: "The model {model} answered with nothing" },
  unknown: { code: "MODEL_004", says: "The provider {provider} failed" },
};

/** Codes that settle the cause whatever the status says. Lower case. */
const decisiveCodes: Readonly<Record<string, FailureReason>> = {
  context_length_exceeded: "context_overflow",
  exceed_context_size_error: "context_overflow",
  request_too_large: "context_overflow",
  insufficient_quota: "billing",
  billing_error: "billing",
  billing_hard_limit_reached: "billing",
  insufficient_credits: "billing",
  insufficient_balance: "billing",
  api_key_invalid: "auth",
  invalid_api_key: "auth",
  model_not_found: "model_not_found",
  content_filter: "content_filter",
  content_policy_violation: "content_filter",
};

/** Asked only where no status is known: an error in the middle of a stream that began with 200. */
const looseCodes: Readonly<Record<string, FailureReason>> = {
  authentication_error: "auth",
  permission_error: "auth",
  unauthenticated: "auth",
  permission_denied: "auth",
  rate_limit_error: "rate_limit",
  rate_limit_exceeded: "rate_limit",
  too_many_requests: "rate_limit",
  resource_exhausted: "rate_limit",
  not_found_error: "model_not_found",
  not_found: "model_not_found",
  invalid_request_error: "bad_request",
  invalid_argument: "bad_request",
  failed_precondition: "bad_request",
};

/** How Anthropic, Gemini and the local servers tell an overflow: a 400 whose only distinguishing mark is its text. */
const overflowWords = [
  /prompt is too long/i,
  /input token count.*exceeds the maximum/i,
  /maximum context length/i,
  /exceeds? the (available |model's |maximum )?context/i,
  /context (length|window|size).*exceed/i,
];

function reasonOf(fault: ProviderFault): FailureReason {
  const codes = (fault.codes ?? []).map((code) => code.toLowerCase());
  const decisive = codes.map((code) => ownValue(decisiveCodes, code)).find((reason) => reason !== undefined);
  if (decisive !== undefined) return decisive;
  if (fault.status !== undefined && fault.status >= 300) return reasonOfStatus(fault.status, fault.message);
  if (fault.networkCode !== undefined) return "network";
  const loose = codes.map((code) => ownValue(looseCodes, code)).find((reason) => reason !== undefined);
  if (loose === "bad_request" && isOverflow(fault.message)) return "context_overflow";
  return loose ?? "overloaded";
}

function reasonOfStatus(status: number, message: string): FailureReason {
  if (status === 401 || status === 403) return "auth";
  if (status === 402) return "billing";
  if (status === 404) return "model_not_found";
  if (status === 429) return "rate_limit";
  if (status === 413) return "context_overflow";
  if (status === 408 || status === 409 || status >= 500) return "overloaded";
  return isOverflow(message) ? "context_overflow" : "bad_request";
}

function isOverflow(message: string): boolean {
  return overflowWords.some((words) => words.test(message));
}

/** Header first: it is what proxies set too. A day is the longest wait that is believed. */
function retryAfter(fault: ProviderFault, nowMs: number): number | undefined {
  const exact = Number(fault.headers?.["retry-after-ms"] ?? Number.NaN);
  const header = fault.headers?.["retry-after"];
  const seconds = Number(header ?? Number.NaN) * 1000;
  const until = header === undefined ? Number.NaN : Date.parse(header) - nowMs;
  const wait = [exact, seconds, until, fault.retryAfterMs ?? Number.NaN].find((ms) => Number.isFinite(ms));
  return wait === undefined ? undefined : Math.min(Math.max(0, Math.round(wait)), 24 * 3_600_000);
}

/** Providers quote the refused key in their message; ours may not. Long texts are pages of HTML: nobody reads them. */
function withoutSecrets(message: string, endpoint: ProviderEndpoint): string {
  // A header is a scheme and a key; an address has either in the spelling of addresses.
  const { apiKey, aws, headers } = endpoint;
  const keys = [apiKey, aws?.secretAccessKey, aws?.sessionToken].map((key) => key ?? "");
  const words = [...keys, ...Object.values(headers)].flatMap((text) => [text, ...text.split(" ")]);
  const secrets = words.flatMap((word) => [word, encodeURIComponent(word.toWellFormed())]).filter(isLongEnough);
  const safe = secrets.reduce((text, secret) => text.replaceAll(secret, "[key]"), message);
  return safe.length > 500 ? `${safe.slice(0, 500)}…` : safe;
}

/** A provider names its codes as it likes, "constructor" too. */
function ownValue<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Shorter words stand in any sentence, the name of the scheme among them. */
function isLongEnough(secret: string): boolean {
  return secret.length >= 6 && !/^(bearer|basic|digest|apikey|api-key)$/i.test(secret);
}

/** What people can act on; the code stays beside it for those who look it up. */
function networkWords(code: string | undefined): string | null {
  const words = code === undefined ? undefined : ownValue(networkFaults, code);
  return words === undefined ? null : `${words} (${code})`;
}

const networkFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens at its address",
  ECONNRESET: "the connection broke",
  EPIPE: "the connection broke",
  UND_ERR_SOCKET: "the connection broke",
  ENOTFOUND: "its host name is not known",
  EAI_AGAIN: "its host name could not be looked up",
  ETIMEDOUT: "no connection came about in time",
  UND_ERR_CONNECT_TIMEOUT: "no connection came about in time",
};

function httpStatus(value: unknown): number | undefined {
  const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === "number" && status >= 400 && status < 600 ? status : undefined;
}

/** Google's `"34.5s"`. */
function duration(value: unknown): number | undefined {
  const match = typeof value === "string" ? /^(\d+(?:\.\d+)?)s$/.exec(value) : null;
  return match === null ? undefined : Math.round(Number(match[1]) * 1000);
}

export function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
