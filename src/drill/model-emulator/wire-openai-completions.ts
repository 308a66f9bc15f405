/** `/chat/completions` as OpenAI streams it. */
import type { Plan } from "./script.ts";
import { delta, garbageEvent, halves, items, opening, sse, textOf, type Frame, type Wire } from "./wire.ts";

export const openaiCompletions: Wire = {
  contentType: "text/event-stream",
  garbage: garbageEvent,
  prompt(body) {
    const messages = items(body["messages"]);
    const last = messages.findLast(({ role }) => role === "user" || role === "tool");
    return {
      model: textOf(body["model"]),
      lastText: textOf(last?.["content"]),
      lastRole: last?.["role"] === "tool" ? "tool" : "user",
      promptChars: JSON.stringify(messages).length,
    };
  },
  frames,
  errorBody: ({ message, code, type }) => ({ error: { message, type, param: null, code } }),
  errorFrame: ({ message, code, type }) => sse({ error: { message, type, code } }),
};

function frames(plan: Plan, body: Readonly<Record<string, unknown>>): readonly Frame[] {
  const chunk = (choices: readonly unknown[], more: object = {}): string =>
    sse({ id: plan.id, object: "chat.completion.chunk", created: plan.createdS, model: plan.model, choices, ...more });
  const choice = (content: object, finish: string | null = null): string =>
    chunk([{ index: 0, delta: content, finish_reason: finish }]);
  const wantsUsage = (body["stream_options"] as { include_usage?: boolean } | undefined)?.include_usage === true;
  const finish = plan.finish === undefined ? (plan.calls.length > 0 ? "tool_calls" : "stop") : plan.finish;
  return [
    opening(choice({ role: "assistant", content: "" })),
    ...(plan.thinking === null ? [] : [delta(choice({ reasoning_content: plan.thinking.text }))]),
    ...plan.deltas.map((text) => delta(choice({ content: text }))),
    ...plan.calls.flatMap(({ name, input, id }, index) => {
      const [first, second] = halves(input);
      const named = { index, ...(id === null ? {} : { id }), type: "function" };
      return [
        delta(choice({ tool_calls: [{ ...named, function: { name, arguments: first } }] })),
        delta(choice({ tool_calls: [{ index, function: { arguments: second } }] })),
      ];
    }),
    ...(finish === null ? [] : [opening(choice({}, finish))]),
    ...(plan.usage === null || !wantsUsage ? [] : [opening(chunk([], { usage: usageOf(plan.usage) }))]),
    opening(sse("[DONE]")),
  ];
}

function usageOf({ input, output, cacheRead = 0 }: NonNullable<Plan["usage"]>): object {
  return {
    prompt_tokens: input + cacheRead,
    completion_tokens: output,
    total_tokens: input + cacheRead + output,
    prompt_tokens_details: { cached_tokens: cacheRead },
  };
}
