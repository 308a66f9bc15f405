/**
 * A request as every wire can take it: no half of a character, no call id that some protocol refuses, no two calls of one
 * id. Pure; gives back the same objects where there is nothing to mend, and what it gave back it leaves alone.
 */
import { createHash } from "node:crypto";
import type { AssistantContent, ModelMessage, ToolResult } from "../domain/conversation.ts";
import type { ModelRequest, ProviderEndpoint } from "./contract.ts";

export function fitRequest(request: ModelRequest, endpoint: Pick<ProviderEndpoint, "baseUrl">): ModelRequest {
  const { model, ...rest } = request;
  const whole = wellFormed(rest, 0);
  const fit = wantsShortIds(model.id, endpoint.baseUrl) ? shortId : plainId;
  const messages = withUniqueIds(whole.messages, fit);
  if (whole === rest && messages === whole.messages) return request;
  return { ...whole, model, messages };
}

/** Deeper than any tool's input; what is deeper would not survive the way into JSON. */
const deepest = 500;

/** Half of a surrogate pair is no character: JSON carries it as an escape, and most providers refuse the whole request. */
function wellFormed<T>(value: T, depth: number): T {
  if (isWellFormed(value, depth)) return value;
  if (typeof value === "string") return value.toWellFormed() as T;
  if (Array.isArray(value)) return value.map((item: unknown) => wellFormed(item, depth + 1)) as T;
  return Object.fromEntries(
    Object.entries(value as object).map(([key, item]) => [key.toWellFormed(), wellFormed(item as unknown, depth + 1)]),
  ) as T;
}

/** Nearly everything is, and is asked with every step: nothing is allocated. */
function isWellFormed(value: unknown, depth: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null || depth > deepest) return true;
  for (const key in value) {
    if (!key.isWellFormed() || !isWellFormed((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

/** An id may come from another provider; the strictest takes letters, digits, `_` and `-` alone, and 64 of them. */
function plainId(callId: string): string {
  const fit = callId.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(-64);
  return fit === "" ? "call" : fit;
}

/** Mistral takes nine letters and digits, no more and no fewer. */
function shortId(callId: string): string {
  return /^[A-Za-z0-9]{9}$/.test(callId) ? callId : createHash("sha256").update(callId).digest("hex").slice(0, 9);
}

function wantsShortIds(modelId: string, baseUrl: string | null): boolean {
  const host = baseUrl === null ? undefined : URL.parse(baseUrl)?.hostname;
  return host === "api.mistral.ai" || /(^|[/.])(mistral|magistral|ministral|codestral|devstral|pixtral)/i.test(modelId);
}

type Fit = (callId: string) => string;

/** Some servers call every first call of a turn `call_0`; where a conversation changes its provider, ids meet. */
function withUniqueIds(messages: readonly ModelMessage[], fit: Fit): readonly ModelMessage[] {
  const taken = new Set<string>();
  /** What the calls of an id are named on the wire, in their order, and how many of them have a result. */
  const calls = new Map<string, { readonly names: string[]; answered: number }>();
  const nameCall = (callId: string): string => {
    const name = unusedName(fit(callId), taken, fit);
    taken.add(name);
    const known = calls.get(callId);
    if (known === undefined) calls.set(callId, { names: [name], answered: 0 });
    else known.names.push(name);
    return name;
  };
  const nameResult = (callId: string): string => {
    const known = calls.get(callId);
    if (known === undefined) return fit(callId);
    const name = known.names[known.answered] ?? known.names.at(-1);
    known.answered += 1;
    return name ?? fit(callId);
  };
  const named = messages.map((message): ModelMessage => {
    if (message.role === "assistant")
      return changed(message, "content", (part: AssistantContent) => renamed(part, nameCall));
    if (message.role === "tool") return changed(message, "results", (result: ToolResult) => withId(result, nameResult));
    return message;
  });
  return named.every((message, index) => message === messages[index]) ? messages : named;
}

function renamed(part: AssistantContent, nameCall: Fit): AssistantContent {
  return part.type === "tool-call" ? withId(part, nameCall) : part;
}

function withId<T extends { readonly callId: string }>(item: T, name: Fit): T {
  const callId = name(item.callId);
  return callId === item.callId ? item : { ...item, callId };
}

function changed<M extends ModelMessage, K extends keyof M, T>(message: M, key: K, change: (item: T) => T): M {
  const items = message[key] as unknown as readonly T[];
  const next = items.map(change);
  return next.every((item, index) => item === items[index]) ? message : { ...message, [key]: next };
}

function unusedName(name: string, taken: ReadonlySet<string>, fit: Fit): string {
  let candidate = name;
  for (let count = 2; taken.has(candidate); count += 1) candidate = fit(`${name.slice(0, 56)}_${count}`);
  return candidate;
}
