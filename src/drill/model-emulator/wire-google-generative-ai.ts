/** `models/…:streamGenerateContent?alt=sse` as Gemini streams it. */
import type { Plan } from "./script.ts";
import { delta, garbageEvent, items, opening, sse, textOf, type Frame, type Wire } from "./wire.ts";

export const googleGenerativeAi: Wire = {
  contentType: "text/event-stream",
  garbage: garbageEvent,
  prompt(body, path) {
    const contents = items(body["contents"]);
    const last = contents.findLast(({ role }) => role === "user" || role === "function");
    const results = items(last?.["parts"]).filter((part) => "functionResponse" in part);
    const result = results.at(-1)?.["functionResponse"] as { response?: unknown } | undefined;
    return {
      model: /models\/([^/:]+):/.exec(path)?.[1] ?? "",
      lastText: result === undefined ? textOf(last?.["parts"]) : textOf(result.response),
      lastRole: result === undefined ? "user" : "tool",
      promptChars: JSON.stringify([body["systemInstruction"] ?? "", contents]).length,
    };
  },
  frames,
  errorBody: errorOf,
  errorFrame: (error) => sse(errorOf(error)),
};

function errorOf({ status, message, code, type }: Parameters<Wire["errorBody"]>[0]): object {
  const details =
    code === null
      ? []
      : [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: code, domain: "googleapis.com" }];
  return { error: { code: status, message, status: type ?? statusOf(status), details } };
}

function statusOf(status: number): string {
  const names: Readonly<Record<number, string>> = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
  };
  return names[status] ?? "INTERNAL";
}

function frames(plan: Plan): readonly Frame[] {
  // A prompt that the filter stops has no candidate at all.
  if (plan.finish === "BLOCKED") return [opening(chunk(plan, { promptFeedback: { blockReason: "SAFETY" } }))];
  const part = (content: object): string =>
    chunk(plan, { candidates: [{ content: { role: "model", parts: [content] }, index: 0 }] });
  const signed = plan.thinking?.signature === undefined ? {} : { thoughtSignature: plan.thinking.signature };
  const finishReason = plan.finish === undefined ? "STOP" : plan.finish;
  return [
    ...(plan.thinking === null ? [] : [delta(part({ text: plan.thinking.text, thought: true }))]),
    ...plan.deltas.map((text) => delta(part({ text }))),
    // Only the first of several calls is signed.
    ...plan.calls.map(({ name, input, id }, index) =>
      delta(
        part({ functionCall: { name, args: input, ...(id === null ? {} : { id }) }, ...(index === 0 ? signed : {}) }),
      ),
    ),
    ...(finishReason === null
      ? []
      : [opening(chunk(plan, { candidates: [{ content: { role: "model", parts: [] }, finishReason, index: 0 }] }))]),
  ];
}

function chunk({ usage, model, id }: Plan, content: object): string {
  const usageMetadata =
    usage === null
      ? {}
      : {
          usageMetadata: {
            promptTokenCount: usage.input + (usage.cacheRead ?? 0),
            candidatesTokenCount: usage.output,
            totalTokenCount: usage.input + (usage.cacheRead ?? 0) + usage.output,
            ...(usage.cacheRead === undefined ? {} : { cachedContentTokenCount: usage.cacheRead }),
          },
        };
  return sse({ ...content, ...usageMetadata, modelVersion: model, responseId: id });
}
