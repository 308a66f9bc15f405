/** `/model/…/converse-stream` as Amazon Bedrock streams it: binary frames with checksums. */
import { crc32 } from "node:zlib";
import type { Plan } from "./script.ts";
import { delta, halves, items, opening, textOf, type Frame, type Wire, type WireError } from "./wire.ts";

export const bedrockConverseStream: Wire = {
  contentType: "application/vnd.amazon.eventstream",
  prompt(body, path) {
    const messages = items(body["messages"]);
    const content = items(messages.findLast(({ role }) => role === "user")?.["content"]);
    const results = content.flatMap((part) => ("toolResult" in part ? [part["toolResult"]] : []));
    return {
      model: decodeURIComponent(/\/model\/([^/]+)\//.exec(path)?.[1] ?? ""),
      lastText: results.length > 0 ? textOf(results.at(-1)) : textOf(content),
      lastRole: results.length > 0 ? "tool" : "user",
      promptChars: JSON.stringify([body["system"] ?? "", messages]).length,
    };
  },
  frames,
  errorBody: ({ message }) => ({ message }),
  errorHeaders: (error) => ({ "x-amzn-errortype": `${nameOf(error)}:http://internal.amazon.com/coral/` }),
  errorFrame: (error) => {
    const name = nameOf(error);
    const type = `${name[0]?.toLowerCase()}${name.slice(1)}`;
    return frame({ ":exception-type": type, ":message-type": "exception" }, { message: error.message });
  },
  garbage: "this is no frame of anything",
};

function nameOf({ type, status }: WireError): string {
  const names: Readonly<Record<number, string>> = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
  };
  return type ?? names[status] ?? "UnknownException";
}

function frames(plan: Plan): readonly Frame[] {
  const result: Frame[] = [opening(event("messageStart", { role: "assistant" }))];
  let contentBlockIndex = 0;
  const block = (start: object | null, deltas: readonly object[]): void => {
    if (start !== null) result.push(opening(event("contentBlockStart", { contentBlockIndex, start })));
    for (const each of deltas) result.push(delta(event("contentBlockDelta", { contentBlockIndex, delta: each })));
    result.push(opening(event("contentBlockStop", { contentBlockIndex })));
    contentBlockIndex += 1;
  };
  if (plan.thinking !== null) block(null, thoughts(plan.thinking));
  if (plan.deltas.length > 0)
    block(
      null,
      plan.deltas.map((text) => ({ text })),
    );
  for (const { name, input, id } of plan.calls) {
    const deltas = halves(input).map((half) => ({ toolUse: { input: half } }));
    block({ toolUse: { toolUseId: id ?? "", name } }, deltas);
  }
  if (plan.finish === null) return result;
  const stopReason = plan.finish ?? (plan.calls.length > 0 ? "tool_use" : "end_turn");
  result.push(opening(event("messageStop", { stopReason })));
  if (plan.usage !== null) result.push(opening(event("metadata", { usage: usageOf(plan.usage), metrics: {} })));
  return result;
}

function thoughts({ text, signature, redacted }: NonNullable<Plan["thinking"]>): readonly object[] {
  if (redacted !== undefined) return [{ reasoningContent: { redactedContent: redacted } }];
  const signed = signature === undefined ? [] : [{ reasoningContent: { signature } }];
  return [{ reasoningContent: { text } }, ...signed];
}

function usageOf({ input, output, cacheRead = 0 }: NonNullable<Plan["usage"]>): object {
  const cached = cacheRead === 0 ? {} : { cacheReadInputTokens: cacheRead };
  return { inputTokens: input, outputTokens: output, totalTokens: input + output + cacheRead, ...cached };
}

function event(type: string, payload: object): Uint8Array {
  return frame({ ":event-type": type, ":content-type": "application/json", ":message-type": "event" }, payload);
}

function frame(headers: Readonly<Record<string, string>>, payload: object): Uint8Array {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value)));
  const body = Buffer.from(JSON.stringify(payload));
  const bytes = Buffer.alloc(12 + head.length + body.length + 4);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.writeUInt32BE(head.length, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  bytes.set(head, 12);
  bytes.set(body, 12 + head.length);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

/** Type 7 is text. */
function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.of(7), length, Buffer.from(value)]);
}
