/**
 * Writes answers: JSON, and every failure as `{"error":{message,type,param,code}}`, the shape that OpenAI's clients
 * read. An answer that comes before the body was read ends the connection instead of swallowing what follows.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { AppError } from "../../domain/app-error.ts";
import type { ErrorCode } from "../../domain/error-codes.ts";
import { limits } from "../../domain/limits.ts";
import type { Exchange } from "./contract.ts";

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

export function sendJson(exchange: Exchange, status: number, body: unknown, headers: OutgoingHttpHeaders = {}): void {
  sendText(exchange, status, JSON.stringify(body), { "content-type": "application/json; charset=utf-8", ...headers });
}

export function sendText(exchange: Exchange, status: number, text: string, headers: OutgoingHttpHeaders): void {
  const { req, res } = exchange;
  if (res.headersSent || res.destroyed) return;
  const all = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-length": Buffer.byteLength(text),
    ...headers,
  };
  const content = req.method === "HEAD" ? "" : text;
  if (hasUnreadBody(exchange)) {
    res.writeHead(status, { ...all, connection: "close" });
    if (content !== "") res.write(content);
    else res.flushHeaders();
    linger(exchange);
    return;
  }
  res.writeHead(status, all);
  res.end(content);
}

export function sendError(exchange: Exchange, thrown: unknown): void {
  const error = AppError.from(thrown);
  const headers: OutgoingHttpHeaders = {
    // The row of the error table, for people who look it up.
    "x-openclaw-error": error.code,
    // OpenAI's clients repeat any 5xx twice; what cannot succeed must not cost three turns.
    "x-should-retry": String(error.retry !== "never"),
  };
  if (error.retryAfterMs !== undefined)
    headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  if (statusOf(error) === 401) headers["www-authenticate"] = "Bearer";
  sendJson(exchange, statusOf(error), errorBody(error), headers);
}

/** The row's status, unless whoever raised it knows a more precise one (405, 408, 415, 421). */
export function statusOf(error: AppError): number {
  const precise = error.details["httpStatus"];
  return typeof precise === "number" ? precise : error.row.http;
}

export function errorBody(error: AppError): ErrorBody {
  const [type, code] = words[error.code] ?? [typeOf(statusOf(error)), error.code];
  const param = error.details["param"];
  // What nobody foresaw may hold a path or a key in its text: it goes to the log, not to the caller.
  const message = error.code === "SYS_001" ? "Something failed inside the gateway; its log says what." : error.message;
  return { error: { message, type, param: typeof param === "string" ? param : null, code } };
}

/** The words that clients of OpenAI look for; other rows are named by their number in the error table. */
const words: Partial<Record<ErrorCode, readonly [type: string, code: string]>> = {
  SEC_003: ["unauthorized", "invalid_api_key"],
  SEC_004: ["permission_error", "insufficient_scope"],
  SEC_006: ["permission_error", "foreign_origin"],
  SEC_008: ["rate_limit_error", "too_many_attempts"],
  CONN_003: ["rate_limit_error", "rate_limit_exceeded"],
  MSG_003: ["invalid_request_error", "request_too_large"],
  MODEL_001: ["invalid_request_error", "model_not_found"],
  MODEL_003: ["rate_limit_error", "rate_limit_exceeded"],
  MODEL_007: ["invalid_request_error", "context_length_exceeded"],
  RPC_002: ["invalid_request_error", "unknown_url"],
  RPC_006: ["invalid_request_error", "idempotency_conflict"],
  RPC_007: ["invalid_request_error", "not_found"],
};

function typeOf(status: number): string {
  if (status === 429) return "rate_limit_error";
  if (status === 403) return "permission_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

function hasUnreadBody({ req }: Exchange): boolean {
  if (req.complete) return false;
  return req.headers["transfer-encoding"] !== undefined || Number(req.headers["content-length"] ?? 0) > 0;
}

/**
 * The answer is out, the body still comes. Closing at once would reset the connection and take the answer with it,
 * so what arrives is thrown away for a moment and then the line is cut.
 */
function linger({ req, res, clock }: Exchange): void {
  let discardedBytes = 0;
  const finish = (): void => {
    timer.cancel();
    res.end();
    res.socket?.destroySoon();
  };
  const timer = clock.after(limits.httpLingerMs, finish);
  req.on("data", (chunk: Buffer) => {
    discardedBytes += chunk.length;
    if (discardedBytes > limits.httpBodyBytes) finish();
  });
  req.once("end", finish);
  req.once("close", () => timer.cancel());
  req.resume();
}
