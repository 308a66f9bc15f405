/** The answers of `/v1/chat/completions`: one object, or a stream of chunks, from the same run. */
import { AppError } from "../../../domain/app-error.ts";
import type { ToolCall } from "../../../domain/conversation.ts";
import type { StopReason } from "../../../domain/events.ts";
import type { TokenUsage } from "../../../domain/money.ts";
import type { EndedRun } from "../follow-run.ts";
import { errorBody } from "../respond.ts";
import type { EventStream } from "../sse.ts";

/** What stands in every object of one answer. */
export interface ChatHead {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly model: string;
}

export function chatCompletion(head: ChatHead, run: EndedRun): unknown {
  const calls = run.toolCalls.map(toolCall);
  const message = {
    role: "assistant",
    content: run.text === "" && calls.length > 0 ? null : run.text,
    refusal: null,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return {
    ...head,
    object: "chat.completion",
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReasons[run.stopReason] }],
    usage: chatUsage(run.usage),
  };
}

export interface ChatStream {
  text(delta: string): void;
  finish(run: EndedRun): void;
  /** After the stream has begun: the error as an event of its own, which clients raise. */
  fail(thrown: unknown): void;
}

export function chatStream(head: ChatHead, stream: EventStream, includeUsage: boolean): ChatStream {
  let hasRole = false;
  const chunk = (delta: unknown, finishReason: string | null): void => {
    stream.send(null, {
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...(includeUsage ? { usage: null } : {}),
    });
  };
  const begin = (): void => {
    if (hasRole) return;
    hasRole = true;
    chunk({ role: "assistant", content: "", refusal: null }, null);
  };
  return {
    text: (delta) => {
      begin();
      chunk({ content: delta }, null);
    },
    finish: (run) => {
      begin();
      run.toolCalls.forEach((call, index) => chunk({ tool_calls: [{ index, ...toolCall(call) }] }, null));
      chunk({}, finishReasons[run.stopReason]);
      if (includeUsage) {
        stream.send(null, { ...head, object: "chat.completion.chunk", choices: [], usage: chatUsage(run.usage) });
      }
      stream.end();
    },
    fail: (thrown) => {
      stream.send(null, errorBody(AppError.from(thrown)));
      stream.end();
    },
  };
}

const finishReasons: Readonly<Record<StopReason, string>> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool_calls",
  "content-filter": "content_filter",
  aborted: "stop",
  error: "stop",
};

function toolCall({ callId, tool, input }: ToolCall): object {
  return { id: callId, type: "function", function: { name: tool, arguments: JSON.stringify(input ?? {}) } };
}

function chatUsage({ input, output, cacheRead, cacheWrite }: TokenUsage): unknown {
  const promptTokens = input + cacheRead + cacheWrite;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: output,
    total_tokens: promptTokens + output,
    prompt_tokens_details: { cached_tokens: cacheRead },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}
