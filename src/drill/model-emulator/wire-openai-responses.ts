/** `/responses` as OpenAI streams it. */
import type { Plan } from "./script.ts";
import { delta, garbageEvent, halves, items, opening, sse, textOf, type Frame, type Wire } from "./wire.ts";

export const openaiResponses: Wire = {
  contentType: "text/event-stream",
  garbage: garbageEvent,
  prompt(body) {
    const input = items(body["input"]);
    const last = input.findLast(({ role, type }) => role === "user" || type === "function_call_output");
    return {
      model: textOf(body["model"]),
      lastText: textOf(last?.["content"] ?? last?.["output"]),
      lastRole: last?.["type"] === "function_call_output" ? "tool" : "user",
      promptChars: JSON.stringify(input).length,
    };
  },
  frames,
  errorBody: ({ message, code, type }) => ({ error: { message, type, param: null, code } }),
  errorFrame: ({ message, code, type }) =>
    sse(
      { type: "error", sequence_number: 99, error: { type: type ?? "server_error", code, message, param: null } },
      "error",
    ),
};

function frames(plan: Plan): readonly Frame[] {
  let sequence = 0;
  const event = (type: string, fields: object): string => sse({ type, sequence_number: sequence++, ...fields }, type);
  const response = (status: string, more: object = {}): object => ({
    response: {
      id: plan.id,
      object: "response",
      created_at: plan.createdS,
      status,
      model: plan.model,
      output: [],
      ...more,
    },
  });
  const result: Frame[] = [
    opening(event("response.created", response("in_progress"))),
    opening(event("response.in_progress", response("in_progress"))),
  ];
  let outputIndex = 0;
  if (plan.thinking !== null) result.push(...reasoning(plan.thinking, outputIndex++, event));
  if (plan.deltas.length > 0) result.push(...message(plan.deltas, outputIndex++, event));
  for (const call of plan.calls) result.push(...functionCall(call, outputIndex++, event));
  if (plan.finish === null) return result;
  const isIncomplete = plan.finish !== undefined;
  const usage = plan.usage === null ? {} : { usage: usageOf(plan.usage) };
  const reason = isIncomplete ? { incomplete_details: { reason: plan.finish } } : {};
  const status = isIncomplete ? "incomplete" : "completed";
  result.push(opening(event(`response.${status}`, response(status, { ...usage, ...reason }))));
  return result;
}

type Event = (type: string, fields: object) => string;

function reasoning(thinking: NonNullable<Plan["thinking"]>, output_index: number, event: Event): Frame[] {
  const id = `rs_${output_index}`;
  const sealed = thinking.signature === undefined ? {} : { encrypted_content: thinking.signature };
  const at = { item_id: id, output_index, summary_index: 0 };
  const summary = thinking.text === "" ? [] : [{ type: "summary_text", text: thinking.text }];
  return [
    opening(event("response.output_item.added", { output_index, item: { type: "reasoning", id, summary: [] } })),
    ...(thinking.text === ""
      ? []
      : [
          opening(event("response.reasoning_summary_part.added", { ...at, part: { type: "summary_text", text: "" } })),
          delta(event("response.reasoning_summary_text.delta", { ...at, delta: thinking.text })),
          opening(event("response.reasoning_summary_part.done", { ...at, part: summary[0] })),
        ]),
    opening(event("response.output_item.done", { output_index, item: { type: "reasoning", id, summary, ...sealed } })),
  ];
}

function message(deltas: readonly string[], output_index: number, event: Event): Frame[] {
  const id = `msg_${output_index}`;
  const text = deltas.join("");
  const part = { type: "output_text", text: "", annotations: [] };
  const item = (status: string, content: readonly unknown[]): object => ({
    item: { type: "message", id, role: "assistant", status, content },
  });
  return [
    opening(event("response.output_item.added", { output_index, ...item("in_progress", []) })),
    opening(event("response.content_part.added", { item_id: id, output_index, content_index: 0, part })),
    ...deltas.map((piece) =>
      delta(event("response.output_text.delta", { item_id: id, output_index, content_index: 0, delta: piece })),
    ),
    opening(event("response.output_text.done", { item_id: id, output_index, content_index: 0, text })),
    opening(event("response.output_item.done", { output_index, ...item("completed", [{ ...part, text }]) })),
  ];
}

function functionCall({ name, input, id }: Plan["calls"][number], output_index: number, event: Event): Frame[] {
  const [first, second] = halves(input);
  const item = { type: "function_call", id: `fc_${output_index}`, call_id: id ?? "", name };
  const at = { item_id: item.id, output_index };
  return [
    opening(
      event("response.output_item.added", { output_index, item: { ...item, arguments: "", status: "in_progress" } }),
    ),
    delta(event("response.function_call_arguments.delta", { ...at, delta: first })),
    delta(event("response.function_call_arguments.delta", { ...at, delta: second })),
    opening(event("response.function_call_arguments.done", { ...at, arguments: first + second })),
    opening(
      event("response.output_item.done", {
        output_index,
        item: { ...item, arguments: first + second, status: "completed" },
      }),
    ),
  ];
}

function usageOf({ input, output, cacheRead = 0 }: NonNullable<Plan["usage"]>): object {
  return {
    input_tokens: input + cacheRead,
    input_tokens_details: { cached_tokens: cacheRead },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + cacheRead + output,
  };
}
