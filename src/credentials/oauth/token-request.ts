/**
 * One request to a token endpoint (RFC 6749, 5) and what its answer means. Never throws: a server that is silent or
 * talks nonsense is an answer too. Lifetimes are taken as spans: the time of day of two machines is rarely the same.
 */
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";

export interface TokenRequest {
  readonly tokenUrl: string;
  /** As a form; secrets among them. */
  readonly form: Readonly<Record<string, string>>;
  /** Ends the request; the answer is `no answer` then. */
  readonly signal?: AbortSignal;
}

export interface Tokens {
  readonly accessToken: string;
  /** Null where none came: the one before it stays good. */
  readonly refreshToken: string | null;
  /** By our clock, counted from before the request was sent; null where nobody said. */
  readonly expiresMs: number | null;
}

export type TokenAnswer =
  | { readonly kind: "tokens"; readonly tokens: Tokens }
  /** The endpoint said no, in its protocol's words. */
  | {
      readonly kind: "refused";
      readonly error: string;
      readonly description: string;
      readonly intervalMs: number | null;
    }
  /** It cannot be told whether the request was heard. */
  | {
      readonly kind: "no answer";
      readonly reason: "network" | "timeout" | "overloaded" | "rate_limit";
      readonly description: string;
      readonly retryAfterMs: number | null;
    };

export interface TokenRequestDeps {
  /** The guarded HTTP, opened for this address. */
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
}

export async function requestTokens(request: TokenRequest, deps: TokenRequestDeps): Promise<TokenAnswer> {
  const sentMs = deps.clock.nowMs();
  const answer = await postForm(request, deps);
  if (answer.kind === "no answer") return answer;
  const { status, body, dateMs, retryAfterMs } = answer;
  const tokens = tokensOf(body, sentMs, dateMs === null ? 0 : dateMs - deps.clock.nowMs());
  if (status < 300 && tokens !== null) return { kind: "tokens", tokens };
  const refusal = refusalOf(body, request.form);
  if (status === 429) return { kind: "no answer", reason: "rate_limit", description: "it answered 429", retryAfterMs };
  if (status >= 500)
    return { kind: "no answer", reason: "overloaded", description: `it answered ${status}`, retryAfterMs };
  // Some answer 200 with an error inside; nothing of theirs is believed to be a token without being one.
  return refusal ?? { kind: "refused", error: `http_${status}`, description: "", intervalMs: null };
}

export interface FormAnswer {
  readonly kind: "answer";
  readonly status: number;
  /** Empty where it was no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly dateMs: number | null;
  readonly retryAfterMs: number | null;
}

/** Posts a form, within the time and size that such an answer may have. */
export async function postForm(
  { tokenUrl, form, signal }: TokenRequest,
  { fetch: guarded, clock }: TokenRequestDeps,
): Promise<FormAnswer | Extract<TokenAnswer, { kind: "no answer" }>> {
  const late = new AbortController();
  const timer = clock.after(limits.oauthRequestMs, () => late.abort());
  try {
    const response = await guarded(tokenUrl, {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(form).toString(),
      signal: signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]),
    });
    const dateMs = Date.parse(response.headers.get("date") ?? "");
    return {
      kind: "answer",
      status: response.status,
      body: await readObject(response),
      dateMs: Number.isNaN(dateMs) ? null : dateMs,
      retryAfterMs: secondsOf(response.headers.get("retry-after")),
    };
  } catch (error) {
    const reason = late.signal.aborted ? "timeout" : "network";
    const description = late.signal.aborted ? "it did not answer in time" : sentenceOf(error);
    return { kind: "no answer", reason, description, retryAfterMs: null };
  } finally {
    timer.cancel();
  }
}

/** Reads no more than such an answer may have. */
async function readObject(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > limits.credentialAnswerBytes) return {};
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // A page for people, from a proxy perhaps: the status says the rest.
    return {};
  }
}

function tokensOf(body: Readonly<Record<string, unknown>>, sentMs: number, skewMs: number): Tokens | null {
  const accessToken = textOf(body["access_token"]);
  if (accessToken === null) return null;
  const spanMs = secondsOf(body["expires_in"]);
  const absoluteMs = secondsOf(body["expires_at"]) ?? jwtExpiryMs(accessToken);
  const expiresMs = spanMs === null ? (absoluteMs === null ? null : absoluteMs - skewMs) : sentMs + spanMs;
  return { accessToken, refreshToken: textOf(body["refresh_token"]), expiresMs };
}

/** When a token says of itself that it ends. It is read, not believed: a wrong one is refreshed too early or refused. */
function jwtExpiryMs(token: string): number | null {
  const [, payload] = token.split(".");
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return secondsOf((claims as { exp?: unknown } | null)?.exp);
  } catch {
    // Most tokens are no JWT.
    return null;
  }
}

function refusalOf(
  body: Readonly<Record<string, unknown>>,
  form: Readonly<Record<string, string>>,
): Extract<TokenAnswer, { kind: "refused" }> | null {
  const { error } = body;
  // By the standard a word; some wrap it once more.
  const nested = typeof error === "object" && error !== null ? (error as Record<string, unknown>) : null;
  const code = textOf(nested === null ? error : (nested["code"] ?? nested["type"]));
  if (code === null) return null;
  const description = textOf(nested === null ? body["error_description"] : nested["message"]) ?? "";
  return {
    kind: "refused",
    error: shown(code, form),
    description: shown(description, form),
    intervalMs: secondsOf(body["interval"]),
  };
}

/** A server's words for people and logs: short, and without what it was sent. */
function shown(text: string, form: Readonly<Record<string, string>>): string {
  const clean = Object.values(form)
    .filter((value) => value.length >= 6)
    .reduce((rest, value) => rest.replaceAll(value, "[redacted]"), text);
  return clean.slice(0, longestShown);
}

const longestShown = 200;

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Whole or broken seconds, as a number or as text, as milliseconds; null for anything else. */
function secondsOf(value: unknown): number | null {
  const seconds = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds * 1_000) : null;
}

function sentenceOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, longestShown);
}
