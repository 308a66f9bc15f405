/** What Bedrock's exceptions mean, whether they refuse a request or break into an answer. Judged by name first. */
import type { FailureReason } from "../../domain/failure-reason.ts";
import { readErrorBody, record, type ProviderFault } from "../failure.ts";
import { parsedInput } from "../tool-input.ts";
import type { EventFrame, StreamFault } from "./event-stream.ts";

/** A refusal before the answer began. Reads the body to its end. */
export async function refusalFault(response: Response, nowMs: number): Promise<ProviderFault> {
  const headers = Object.fromEntries(response.headers);
  const body: unknown = parsedInput(await response.text());
  const name = exceptionName(headers["x-amzn-errortype"] ?? record(body)?.["__type"] ?? record(body)?.["code"]);
  const { message = "", codes = [] } = bodyWords(body);
  if (isClockFault(name, message)) return clockFault(message, Date.parse(headers["date"] ?? ""), nowMs);
  const reason = reasonOf(name, message);
  return {
    message,
    status: response.status,
    codes: name === "" ? codes : [name],
    headers,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Null where the frame is an event. */
export function frameFault({ headers, payload }: EventFrame): ProviderFault | null {
  const kind = headers.get(":message-type") ?? "event";
  if (kind === "event") return null;
  const body: unknown = parsedInput(new TextDecoder().decode(payload));
  const name = exceptionName(headers.get(kind === "exception" ? ":exception-type" : ":error-code"));
  const told = headers.get(":error-message");
  const { originalMessage, originalStatusCode } = record(body) ?? {};
  const words = typeof told === "string" ? told : (bodyWords(body).message ?? "");
  const message =
    typeof originalMessage === "string" && originalMessage !== words ? `${words} ${originalMessage}`.trim() : words;
  const reason = originalStatusCode === 429 ? "rate_limit" : (reasonOf(name, message) ?? "overloaded");
  return { message: message === "" ? name : message, codes: name === "" ? [] : [name], reason };
}

export function streamFault(fault: StreamFault): ProviderFault {
  return { message: streamWords[fault], reason: fault === "cut-frame" ? "interrupted" : "unreadable" };
}

const streamWords: Readonly<Record<StreamFault, string>> = {
  "wrong-checksum": "the checksum of a frame was wrong",
  "cut-frame": "it ended in the middle of a frame",
  "too-large": "a frame of it is larger than any may be",
  malformed: "a part of it was no frame",
};

/** `com.amazon…#ThrottlingException:http://…`, `throttlingException`: one name. */
function exceptionName(value: unknown): string {
  if (typeof value !== "string") return "";
  const plain = value.split(":")[0]?.split("#").at(-1) ?? "";
  return plain === "" ? "" : `${plain[0]?.toUpperCase()}${plain.slice(1)}`;
}

const reasons: Readonly<Record<string, FailureReason>> = {
  AccessDeniedException: "auth",
  UnrecognizedClientException: "auth",
  InvalidSignatureException: "auth",
  SignatureDoesNotMatch: "auth",
  ExpiredTokenException: "auth",
  ExpiredToken: "auth",
  IncompleteSignatureException: "auth",
  MissingAuthenticationTokenException: "auth",
  ThrottlingException: "rate_limit",
  TooManyRequestsException: "rate_limit",
  ServiceQuotaExceededException: "rate_limit",
  ResourceNotFoundException: "model_not_found",
  // Comes with 429, but nobody asked too often.
  ModelNotReadyException: "overloaded",
  ModelTimeoutException: "timeout",
  // With 424, which elsewhere is the caller's fault.
  ModelErrorException: "overloaded",
  ModelStreamErrorException: "overloaded",
  InternalServerException: "overloaded",
  InternalFailure: "overloaded",
  ServiceUnavailableException: "overloaded",
};

/** Undefined leaves it to the status and the words that all protocols share. */
function reasonOf(name: string, message: string): FailureReason | undefined {
  if (Object.hasOwn(reasons, name)) return reasons[name];
  if (name !== "ValidationException") return undefined;
  if (
    /input is too long|too many input tokens|prompt is too long|exceeds? the maximum (number of )?(input )?tokens/i.test(
      message,
    )
  )
    return "context_overflow";
  // An id that is not one, or one that must be asked for through a profile: both are cured by another name.
  if (/model identifier is invalid|inference profile|end of its life/i.test(message)) return "model_not_found";
  return message === "" ? "bad_request" : undefined;
}

function isClockFault(name: string, message: string): boolean {
  return (
    name.startsWith("InvalidSignature") && /signature expired|not yet current|earlier than|later than/i.test(message)
  );
}

/** Signatures hold for minutes. AWS tells its own time in the message and in the head of the answer. */
function clockFault(message: string, headMs: number, nowMs: number): ProviderFault {
  const told = /\((\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z [-+]/.exec(message);
  const [year = 0, month = 0, ...rest] = (told ?? []).slice(1).map(Number);
  const theirMs = told === null ? headMs : Date.UTC(year, month - 1, ...rest);
  const minutes = Math.round((nowMs - theirMs) / 60_000);
  const off = Number.isNaN(minutes)
    ? "wrong"
    : `${Math.abs(minutes)} min ${minutes < 0 ? "behind" : "ahead of"} the time of AWS`;
  return {
    message: `the clock of this machine is ${off}; set it (with NTP), the keys are not at fault`,
    status: 403,
    codes: ["InvalidSignatureException"],
    reason: "auth",
  };
}

/** AWS writes `message` and `Message`. */
function bodyWords(body: unknown): { readonly message?: string; readonly codes?: readonly string[] } {
  const message = record(body)?.["Message"];
  return typeof message === "string" ? { message } : readErrorBody(body);
}
