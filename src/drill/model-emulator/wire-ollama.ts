/** Ollama's `/api/chat`: one JSON object per line. */
import type { Plan } from "./script.ts";
import { delta, garbageLine, items, opening, textOf, type Frame, type Wire } from "./wire.ts";

export const ollama: Wire = {
  contentType: "application/x-ndjson",
  garbage: garbageLine,
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
  errorBody: ({ message }) => ({ error: message }),
  errorFrame: ({ message }) => `${JSON.stringify({ error: message })}\n`,
};

function frames(plan: Plan): readonly Frame[] {
  const line = (message: object, more: object = { done: false }): string =>
    `${JSON.stringify({ model: plan.model, created_at: new Date(plan.createdS * 1000).toISOString(), message: { role: "assistant", content: "", ...message }, ...more })}\n`;
  const counts = plan.usage === null ? {} : { prompt_eval_count: plan.usage.input, eval_count: plan.usage.output };
  return [
    ...(plan.thinking === null ? [] : [delta(line({ thinking: plan.thinking.text }))]),
    ...plan.deltas.map((content) => delta(line({ content }))),
    ...plan.calls.map(({ name, input, id }) =>
      delta(line({ tool_calls: [{ ...(id === null ? {} : { id }), function: { name, arguments: input } }] })),
    ),
    ...(plan.finish === null ? [] : [opening(line({}, { done: true, done_reason: plan.finish ?? "stop", ...counts }))]),
  ];
}
