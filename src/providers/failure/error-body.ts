/**
 * The facts in an error's body, in any of the dialects: `{error: {…}}`, `{error: "…"}`, `{code, message}`, `{detail}`,
 * an array of one, an error wrapped in an error, a page of HTML. Pure; whatever comes, something is said and nothing thrown.
 */
import { quotaOfFailure } from "../quota.ts";
import { spelledDurationMs } from "../duration.ts";
import type { ProviderFault } from "./fault.ts";

export type BodyFacts = Pick<ProviderFault, "status" | "codes" | "retryAfterMs" | "quota"> & {
  readonly message?: string;
};

type Json = Readonly<Record<string, unknown>>;

export function readErrorBody(body: unknown, depth = 0): BodyFacts {
  if (typeof body === "string") return body === "" ? {} : { message: pageTitle(body) ?? body };
  const outer = record(Array.isArray(body) ? body[0] : body);
  if (outer === undefined) return {};
  const nested = outer["error"] ?? record(outer["response"])?.["error"];
  // xAI and the text-generation servers put the words under `error` and the code beside them.
  const error = typeof nested === "string" ? { ...outer, message: nested } : (record(nested) ?? outer);
  const own = factsOf(error);
  const upstream = depth < deepestWrap ? upstreamFacts(error, depth) : {};
  return {
    ...own,
    ...upstream,
    // What the source itself says comes first; the router's own code is about the router.
    codes: [...(upstream.codes ?? []), ...(own.codes ?? [])],
    ...messageOf(own.message, upstream.message),
  };
}

/** An error in an error in an error: routers behind routers, no deeper. */
const deepestWrap = 3;

function factsOf(error: Json): BodyFacts {
  const details = Array.isArray(error["details"]) ? error["details"].map((detail) => record(detail) ?? {}) : [];
  const codes = [
    error["code"],
    ...details.map((detail) => detail["reason"]),
    error["type"],
    error["status"],
    // AWS names its exceptions so; the text-generation servers and Anthropic's proxies so.
    error["__type"],
    error["error_type"],
    record(error["innererror"])?.["code"],
    record(error["metadata"])?.["error_type"],
  ].flatMap(codeOf);
  const status = [error["code"], error["status"], error["statusCode"], error["http_status_code"]]
    .map(httpStatus)
    .find((found) => found !== undefined);
  const retryAfterMs = details.map((detail) => duration(detail["retryDelay"])).find((found) => found !== undefined);
  const quota = quotaOfFailure(details, null);
  return {
    codes: [...new Set(codes)],
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(quota.length === 0 ? {} : { quota }),
    ...messageOf(wordsOf(error)),
  };
}

/** What a router passes on of the service behind it: OpenRouter as text in `metadata.raw`, others as JSON in the message. */
function upstreamFacts(error: Json, depth: number): BodyFacts {
  const metadata = record(error["metadata"]);
  const raw = metadata?.["raw"] ?? jsonIn(error["message"]);
  const facts = raw === undefined ? {} : readErrorBody(typeof raw === "string" ? (jsonIn(raw) ?? raw) : raw, depth + 1);
  const flagged = Array.isArray(metadata?.["reasons"]) ? ["moderation_flagged"] : [];
  const { status: _ofUpstream, ...kept } = facts;
  return { ...kept, codes: [...flagged, ...(facts.codes ?? [])] };
}

function wordsOf(error: Json): string | undefined {
  const { message, Message: awsMessage, detail, error_message: flat } = error;
  const words = [message, awsMessage, detail, flat].find((value) => typeof value === "string" && value !== "");
  if (typeof words === "string") return words;
  // FastAPI: a list of what is wrong with the body; Mistral: the same under `message`.
  const complaint = record(Array.isArray(detail) ? detail[0] : Array.isArray(message) ? message[0] : message);
  const said = complaint?.["msg"] ?? complaint?.["message"] ?? record(complaint?.["detail"])?.["msg"];
  return typeof said === "string" ? said : undefined;
}

function messageOf(own: string | undefined, upstream?: string): { readonly message?: string } {
  const said = [own, upstream].filter((words): words is string => words !== undefined);
  return said.length === 0 ? {} : { message: [...new Set(said)].join(": ") };
}

/** The title of a page that some machine in between answered with: all of it that anybody wants to read. */
function pageTitle(text: string): string | undefined {
  if (!/^\s*(<!doctype html|<html|<head|<!--)/i.test(text.slice(0, 200))) return undefined;
  const title = /<title[^>]{0,200}>([^<]{1,300})/i.exec(text.slice(0, 8_192))?.[1]?.replaceAll(/\s+/g, " ").trim();
  return `${htmlMark}${title === undefined || title === "" ? "" : `: ${title}`}`;
}

/** How the words of a page begin; the table of causes knows a page by it. */
export const htmlMark = "a web page came instead of an answer";

function jsonIn(value: unknown): unknown {
  if (typeof value !== "string" || value.length > 65_536 || !/^\s*[[{]/.test(value)) return undefined;
  try {
    return JSON.parse(value);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Strings alone, short ones: a number is a status, and a novel is no code. AWS puts a namespace in front. */
function codeOf(value: unknown): string[] {
  if (typeof value !== "string") return [];
  const code = value.slice(value.lastIndexOf("#") + 1).replace(/:.*$/s, "");
  return code === "" || code.length > 80 ? [] : [code];
}

function httpStatus(value: unknown): number | undefined {
  const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === "number" && Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined;
}

function duration(value: unknown): number | undefined {
  return typeof value === "string" ? spelledDurationMs(value) : undefined;
}

export function record(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
