/** What the SDK's errors say, as facts. Known by their type names and fields: the classes belong to packages that are not loaded yet. */
import { networkCodeOf } from "../guarded-call.ts";
import { readErrorBody, record, type ProviderFault } from "../failure.ts";

/** Null where the SDK adds nothing to what was thrown: a broken connection. */
export function sdkFault(thrown: unknown): ProviderFault | null {
  if (typeof thrown === "string") return { message: thrown };
  const error = record(thrown);
  if (error === undefined) return { message: "an error of no known kind", reason: "unreadable" };
  const name = typeof error["name"] === "string" ? error["name"] : "";
  if (name === "AI_APICallError") return apiCallFault(error);
  if (name === "AI_TypeValidationError" || name === "AI_JSONParseError") return frameFault(error);
  if (name === "AI_InvalidResponseDataError" || name === "AI_EmptyResponseBodyError") {
    return { message: String(error["message"]), reason: "unreadable" };
  }
  // Whatever else the SDK throws by name, it throws while it builds the request.
  if (name.startsWith("AI_")) return { message: String(error["message"]), reason: "bad_request" };
  return thrown instanceof Error ? null : streamFault(error);
}

function apiCallFault(error: Readonly<Record<string, unknown>>): ProviderFault | null {
  const status = typeof error["statusCode"] === "number" ? error["statusCode"] : undefined;
  const message = typeof error["message"] === "string" ? error["message"] : "";
  const networkCode = networkCodeOf(error["cause"]);
  if (status === undefined) return { message: networkCode ?? message, reason: "network", networkCode };
  if (status < 300) return networkCode === undefined ? { message, reason: "unreadable" } : null;
  const { message: told, ...facts } = readErrorBody(bodyOf(error));
  return {
    ...facts,
    status,
    message: told ?? message,
    headers: error["responseHeaders"] as Readonly<Record<string, string>> | undefined,
  };
}

/** As it came: the SDK's own reading of it has lost what no schema of theirs names. */
function bodyOf({ responseBody, data }: Readonly<Record<string, unknown>>): unknown {
  if (typeof responseBody !== "string" || responseBody.trim() === "") return data;
  return jsonOf(responseBody) ?? responseBody;
}

/** A frame that did not fit the protocol. Some servers put an error of their own shape there: that is what happened, then. */
function frameFault(error: Readonly<Record<string, unknown>>): ProviderFault {
  const value = record(error["value"]);
  const told = value?.["error"] ?? record(value?.["response"])?.["error"];
  if (value !== undefined && told !== undefined && told !== null) return streamFault(value);
  return { message: "a part of it was not what the protocol says", reason: "unreadable" };
}

function streamFault(error: Readonly<Record<string, unknown>>): ProviderFault {
  const own = readErrorBody(error);
  const nested = error["data"] === undefined ? own : readErrorBody(error["data"]);
  const status = typeof error["statusCode"] === "number" ? error["statusCode"] : (own.status ?? nested.status);
  return {
    message: own.message ?? nested.message ?? "it named no reason",
    codes: [...(nested.codes ?? []), ...(own.codes ?? [])],
    status,
    retryAfterMs: own.retryAfterMs ?? nested.retryAfterMs,
  };
}

function jsonOf(body: unknown): unknown {
  if (typeof body !== "string") return undefined;
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
