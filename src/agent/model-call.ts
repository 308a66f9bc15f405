/** One model call from request to collected answer. Relays text as it comes; never throws. */
import type { AppErrorJson } from "../domain/app-error.ts";
import { AppError } from "../domain/app-error.ts";
import type { AssistantContent, ToolCall } from "../domain/conversation.ts";
import type { StopReason } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import { soundUsage, type TokenUsage } from "../domain/money.ts";
import type { Clock } from "../platform/clock.ts";
import type { ModelProvider, ModelRequest } from "../providers/contract.ts";
import { conversationChars, estimateTokens } from "./context.ts";

export interface ModelAnswer {
  readonly content: readonly AssistantContent[];
  readonly text: string;
  readonly calls: readonly ToolCall[];
  readonly stopReason: StopReason;
  readonly usage: TokenUsage;
  /** True where the provider sent no usage. */
  readonly estimated: boolean;
  readonly latencyMs: number;
  /** Set when the call failed; what came before the failure is in `content`. */
  readonly error: AppErrorJson | null;
}

export interface Deltas {
  text(text: string): void;
  thinking(text: string): void;
}

export async function callModel(
  provider: ModelProvider,
  request: ModelRequest,
  deltas: Deltas,
  { signal, clock }: { signal: AbortSignal; clock: Clock },
): Promise<ModelAnswer> {
  const startedMs = clock.monotonicMs();
  const content: AssistantContent[] = [];
  let end: { stopReason: StopReason; usage: TokenUsage | null; error: AppErrorJson | null } | undefined;
  let saidChars = 0;
  for await (const event of provider.stream(request, signal)) {
    if (event.type === "text" || event.type === "thinking") saidChars += event.text.length;
    // Every piece is told with the whole so far: an endpoint that never stops would fill the memory many times over.
    if (saidChars > limits.modelAnswerChars) {
      end = { stopReason: "error", usage: null, error: tooLong(request).toJSON() };
      break;
    }
    switch (event.type) {
      case "text":
        appendText(content, event.text);
        deltas.text(event.text);
        break;
      case "thinking":
        appendThinking(content, event.text, event.signature);
        if (event.text !== "") deltas.thinking(event.text);
        break;
      case "tool-call":
        content.push({ type: "tool-call", callId: event.callId, tool: event.tool, input: event.input });
        break;
      case "quota":
        break;
      case "end":
        end = { stopReason: event.reason, usage: event.usage, error: null };
        break;
      case "failure":
        end = { stopReason: event.error.code === "RUN_001" ? "aborted" : "error", usage: null, error: event.error };
        break;
    }
  }
  end ??= {
    stopReason: "error",
    usage: null,
    error: new AppError("MODEL_005", "The model's answer ended without saying that it was complete.").toJSON(),
  };
  return finishAnswer(content, end, request, clock.monotonicMs() - startedMs);
}

function tooLong({ model }: ModelRequest): AppError {
  return new AppError("MODEL_005", `The answer of ${model.id} is longer than ${limits.modelAnswerChars} characters.`);
}

function finishAnswer(
  content: readonly AssistantContent[],
  end: { stopReason: StopReason; usage: TokenUsage | null; error: AppErrorJson | null },
  request: ModelRequest,
  latencyMs: number,
): ModelAnswer {
  const calls = content.flatMap((part) =>
    part.type === "tool-call" ? [{ callId: part.callId, tool: part.tool, input: part.input }] : [],
  );
  const usage = end.usage === null ? null : soundUsage(end.usage);
  return {
    content,
    calls,
    text: content.map((part) => (part.type === "text" ? part.text : "")).join(""),
    stopReason: end.stopReason,
    usage: usage ?? estimateUsage(request, content),
    estimated: usage === null,
    latencyMs,
    error: end.error,
  };
}

function estimateUsage(request: ModelRequest, content: readonly AssistantContent[]): TokenUsage {
  return {
    input: estimateTokens(request.system.length + conversationChars(request.messages)),
    output: estimateTokens(conversationChars([{ role: "assistant", content }])),
    cacheRead: 0,
    cacheWrite: 0,
  };
}

function appendText(content: AssistantContent[], text: string): void {
  const last = content.at(-1);
  if (last?.type === "text") content[content.length - 1] = { type: "text", text: last.text + text };
  else content.push({ type: "text", text });
}

function appendThinking(content: AssistantContent[], text: string, signature: string | undefined): void {
  const last = content.at(-1);
  const sealed = signature === undefined ? {} : { signature };
  // A signature closes its block: what follows is a new one.
  if (last?.type === "thinking" && last.signature === undefined) {
    content[content.length - 1] = { type: "thinking", text: last.text + text, ...sealed };
  } else content.push({ type: "thinking", text, ...sealed });
}
