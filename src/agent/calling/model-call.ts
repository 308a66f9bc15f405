/**
 * One model call from request to collected answer: the only function that asks a provider, and it takes a hold of the
 * budget gate to be asked itself. Relays text as it comes; never throws.
 */
import type { AppErrorJson } from "../../domain/app-error.ts";
import { AppError } from "../../domain/app-error.ts";
import type { BudgetHold } from "../../domain/authority.ts";
import type { AssistantContent, ToolCall } from "../../domain/conversation.ts";
import type { StopReason } from "../../domain/events.ts";
import { limits } from "../../domain/limits.ts";
import { soundUsage, type TokenUsage } from "../../domain/money.ts";
import type { QuotaWindow } from "../../domain/quota.ts";
import type { Clock } from "../../platform/clock.ts";
import type { ModelEvent, ModelProvider, ModelRequest } from "../../providers/contract.ts";
import { conversationTokens, textTokens, toolTokens } from "../context/token-estimate.ts";

export interface ModelAnswer {
  /** Of the hold that was given for it, and of the ledger row that settles it. */
  readonly callId: string;
  readonly content: readonly AssistantContent[];
  readonly text: string;
  readonly calls: readonly ToolCall[];
  readonly stopReason: StopReason;
  readonly usage: TokenUsage;
  /** True where the provider sent no usage. */
  readonly estimated: boolean;
  /** What the provider itself says it charges, micro-dollars; null where it does not say. */
  readonly saidCostMicros: number | null;
  readonly latencyMs: number;
  /** From the call to its first word, thought or tool; null where none came. */
  readonly firstTokenMs: number | null;
  /** False where the turn had been stopped before the request could leave. */
  readonly wasAsked: boolean;
  /** Set when the call failed; what came before the failure is in `content`. */
  readonly error: AppErrorJson | null;
}

export interface Deltas {
  text(text: string): void;
  thinking(text: string): void;
  /** What is left of the account's allowance, before anything else. */
  quota(windows: readonly QuotaWindow[]): void;
}

export interface CallScene {
  readonly hold: BudgetHold;
  readonly provider: ModelProvider;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export async function callModel(request: ModelRequest, deltas: Deltas, scene: CallScene): Promise<ModelAnswer> {
  const { hold, clock } = scene;
  const startedMs = clock.monotonicMs();
  const content: AssistantContent[] = [];
  const wasAsked = !scene.signal.aborted;
  let firstTokenMs: number | null = null;
  const onFirst = (): void => {
    firstTokenMs ??= clock.monotonicMs() - startedMs;
  };
  const end = await listen(request, deltas, { ...scene, onFirst }, content);
  return finishAnswer(content, end, request, {
    callId: hold.id,
    latencyMs: clock.monotonicMs() - startedMs,
    firstTokenMs,
    wasAsked,
  });
}

/** Collects into `content` until it ends, however it does. A provider that throws has failed like any other. */
async function listen(
  request: ModelRequest,
  deltas: Deltas,
  { provider, signal, onFirst }: Pick<CallScene, "provider" | "signal"> & { readonly onFirst: () => void },
  content: AssistantContent[],
): Promise<CallEnd> {
  let saidChars = 0;
  let end: CallEnd | null = null;
  try {
    for await (const event of provider.stream(request, signal)) {
      if (event.type === "text" || event.type === "thinking" || event.type === "tool-call") onFirst();
      if (event.type === "text" || event.type === "thinking") saidChars += event.text.length;
      // Every piece is told with the whole so far: an endpoint that never stops would fill the memory many times over.
      if (saidChars > limits.modelAnswerChars) return failedEnd(tooLong(request).toJSON());
      // To its own end, not to this word: behind it the provider puts away what it has open.
      end = hear(event, deltas, content) ?? end;
    }
  } catch (thrown) {
    return end ?? failedEnd(AppError.from(thrown, "MODEL_004").toJSON());
  }
  return end ?? failedEnd(endedEarly().toJSON());
}

function endedEarly(): AppError {
  return new AppError("MODEL_005", "The model's answer ended without saying that it was complete.", {
    details: { reason: "interrupted" },
  });
}

/** Null while it goes on. */
function hear(event: ModelEvent, deltas: Deltas, content: AssistantContent[]): CallEnd | null {
  switch (event.type) {
    case "text":
      appendText(content, event.text);
      deltas.text(event.text);
      return null;
    case "thinking":
      appendThinking(content, event.text, event.signature);
      if (event.text !== "") deltas.thinking(event.text);
      return null;
    case "tool-call":
      content.push({ type: "tool-call", callId: event.callId, tool: event.tool, input: event.input });
      return null;
    case "quota":
      deltas.quota(event.windows);
      return null;
    case "end": {
      const { reason: stopReason, usage, costMicros } = event;
      return { stopReason, usage, error: null, ...(costMicros === undefined ? {} : { saidCostMicros: costMicros }) };
    }
    case "failure":
      return failedEnd(event.error);
  }
}

function failedEnd(error: AppErrorJson): CallEnd {
  return { stopReason: error.code === "RUN_001" ? "aborted" : "error", usage: null, error };
}

interface CallEnd {
  readonly stopReason: StopReason;
  readonly usage: TokenUsage | null;
  readonly saidCostMicros?: number;
  readonly error: AppErrorJson | null;
}

function tooLong({ model }: ModelRequest): AppError {
  return new AppError("MODEL_005", `The answer of ${model.id} is longer than ${limits.modelAnswerChars} characters.`, {
    details: { reason: "unreadable" },
  });
}

function finishAnswer(
  content: readonly AssistantContent[],
  end: CallEnd,
  request: ModelRequest,
  timing: Pick<ModelAnswer, "callId" | "latencyMs" | "firstTokenMs" | "wasAsked">,
): ModelAnswer {
  const calls = content.flatMap((part) =>
    part.type === "tool-call" ? [{ callId: part.callId, tool: part.tool, input: part.input }] : [],
  );
  const usage = end.usage === null ? null : soundUsage(end.usage);
  return {
    ...timing,
    content,
    calls,
    text: content.map((part) => (part.type === "text" ? part.text : "")).join(""),
    stopReason: end.stopReason,
    usage: usage ?? estimateUsage(request, content),
    estimated: usage === null,
    saidCostMicros: end.saidCostMicros ?? null,
    error: end.error,
  };
}

function estimateUsage(request: ModelRequest, content: readonly AssistantContent[]): TokenUsage {
  return {
    input: textTokens(request.system) + toolTokens(request.tools) + conversationTokens(request.messages),
    output: conversationTokens([{ role: "assistant", content }]),
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
