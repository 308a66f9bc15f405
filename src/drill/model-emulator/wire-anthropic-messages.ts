/** `/messages` as Anthropic streams it. It always counts tokens: a reply without usage is sent with zeros. */
import type { Plan } from "./script.ts";
import { delta, garbageEvent, halves, items, opening, sse, textOf, type Frame, type Wire } from "./wire.ts";

export const anthropicMessages: Wire = {
  contentType: "text/event-stream",
  garbage: garbageEvent,
  prompt(body) {
    const messages = items(body["messages"]);
    const last = messages.findLast(({ role }) => role === "user");
    const results = items(last?.["content"]).filter(({ type }) => type === "tool_result");
    return {
      model: textOf(body["model"]),
      lastText: textOf(results.at(-1)?.["content"] ?? last?.["content"]),
      lastRole: results.length > 0 ? "tool" : "user",
      promptChars: JSON.stringify([body["system"] ?? "", messages]).length,
    };
  },
  frames,
  errorBody: ({ message, status, type }) => ({ type: "error", error: { type: type ?? typeOf(status), message } }),
  errorFrame: ({ message, status, type }) =>
    sse({ type: "error", error: { type: type ?? typeOf(status), message } }, "error"),
};

function typeOf(status: number): string {
  const types: Readonly<Record<number, string>> = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
  };
  return types[status] ?? "api_error";
}

function frames(plan: Plan): readonly Frame[] {
  const usage = plan.usage ?? { input: 0, output: 0 };
  const counted = {
    input_tokens: usage.input,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cacheRead ?? 0,
  };
  const message = {
    id: plan.id,
    type: "message",
    role: "assistant",
    model: plan.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
  const result: Frame[] = [
    event("message_start", { message: { ...message, usage: { ...counted, output_tokens: 0 } } }),
    event("ping", {}),
  ];
  let index = 0;
  if (plan.thinking !== null) result.push(...thinking(plan.thinking, index++));
  if (plan.deltas.length > 0) {
    const deltas = plan.deltas.map((text) => ({ type: "text_delta", text }));
    result.push(...block(index++, { type: "text", text: "" }, deltas));
  }
  for (const { name, input, id } of plan.calls) {
    const deltas = halves(input).map((partial_json) => ({ type: "input_json_delta", partial_json }));
    result.push(...block(index++, { type: "tool_use", id: id ?? "", name, input: {} }, deltas));
  }
  if (plan.finish === null) return result;
  const stop_reason = plan.finish ?? (plan.calls.length > 0 ? "tool_use" : "end_turn");
  result.push(
    event("message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: usage.output } }),
  );
  result.push(event("message_stop", {}));
  return result;
}

function thinking({ text, signature, redacted }: NonNullable<Plan["thinking"]>, index: number): Frame[] {
  if (redacted !== undefined) return block(index, { type: "redacted_thinking", data: redacted }, []);
  const deltas = [
    { type: "thinking_delta", thinking: text },
    ...(signature === undefined ? [] : [{ type: "signature_delta", signature }]),
  ];
  return block(index, { type: "thinking", thinking: "" }, deltas);
}

function block(index: number, content_block: object, deltas: readonly object[]): Frame[] {
  return [
    event("content_block_start", { index, content_block }),
    ...deltas.map((each) => delta(sse({ type: "content_block_delta", index, delta: each }, "content_block_delta"))),
    event("content_block_stop", { index }),
  ];
}

function event(type: string, fields: object): Frame {
  return opening(sse({ type, ...fields }, type));
}
