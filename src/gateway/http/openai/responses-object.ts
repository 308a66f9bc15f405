/**
 * The response object of the OpenResponses specification, with every field that it requires: what a caller did not
 * say stands in it as the value that was used.
 */
import type { AppError } from "../../../domain/app-error.ts";
import type { ToolCall } from "../../../domain/conversation.ts";
import type { StopReason } from "../../../domain/events.ts";
import type { TokenUsage } from "../../../domain/money.ts";
import { present } from "./present.ts";
import type { ResponsesBody } from "./responses-body.ts";

export type ItemStatus = "in_progress" | "completed" | "incomplete";
export type ResponseStatus = "in_progress" | "completed" | "incomplete" | "failed";

export interface ResponseHead {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly createdAt: number;
  readonly model: string;
  readonly body: ResponsesBody;
}

export interface ResponseState {
  readonly status: ResponseStatus;
  readonly output: readonly unknown[];
  readonly completedAt?: number;
  readonly usage?: TokenUsage;
  readonly error?: AppError;
  readonly stopReason?: StopReason;
}

export function responseObject({ id, createdAt, model, body }: ResponseHead, state: ResponseState): unknown {
  return {
    id,
    object: "response",
    created_at: createdAt,
    completed_at: state.completedAt ?? null,
    status: state.status,
    incomplete_details: state.status === "incomplete" ? { reason: incompleteReason(state.stopReason) } : null,
    model,
    previous_response_id: body.previous_response_id ?? null,
    instructions: body.instructions ?? null,
    output: state.output,
    error: state.error === undefined ? null : { code: failureCode(state.error), message: state.error.message },
    tools: (body.tools ?? []).map(toolObject),
    tool_choice: body.tool_choice ?? "auto",
    truncation: body.truncation ?? "disabled",
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    text: textObject(body),
    top_p: body.top_p ?? 1,
    presence_penalty: body.presence_penalty ?? 0,
    frequency_penalty: body.frequency_penalty ?? 0,
    top_logprobs: 0,
    temperature: body.temperature ?? 1,
    reasoning:
      body.reasoning == null
        ? null
        : { effort: body.reasoning.effort ?? null, summary: body.reasoning.summary ?? null },
    user: body.user ?? null,
    usage: state.usage === undefined ? null : usageObject(state.usage),
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    store: body.store ?? true,
    background: false,
    service_tier: "default",
    metadata: body.metadata ?? {},
    safety_identifier: body.safety_identifier ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
  };
}

export function messageItem(id: string, text: string | null, status: ItemStatus): unknown {
  return { id, type: "message", status, role: "assistant", content: text === null ? [] : [textPart(text)] };
}

export function textPart(text: string): unknown {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

export function callItem(id: string, call: ToolCall, written: string, status: ItemStatus): unknown {
  return { id, type: "function_call", status, call_id: call.callId, name: call.tool, arguments: written };
}

function incompleteReason(stopReason: StopReason | undefined): string {
  return stopReason === "content-filter" ? "content_filter" : "max_output_tokens";
}

function failureCode(error: AppError): string {
  if (error.code === "MODEL_003") return "rate_limit_exceeded";
  if (error.code === "MODEL_007" || error.code === "MODEL_008") return "invalid_prompt";
  return "server_error";
}

function toolObject(tool: NonNullable<ResponsesBody["tools"]>[number]): unknown {
  const { name, description, parameters, strict } = tool;
  return {
    type: "function",
    name,
    description: description ?? null,
    parameters: parameters ?? null,
    strict: strict ?? true,
  };
}

function textObject({ text }: ResponsesBody): unknown {
  const format = text?.format ?? { type: "text" };
  const verbosity = present({ verbosity: text?.verbosity });
  if (format.type !== "json_schema") return { format: { type: format.type }, ...verbosity };
  const { name, description, schema, strict } = format;
  return {
    format: {
      type: "json_schema",
      name,
      description: description ?? null,
      schema: schema ?? null,
      strict: strict ?? false,
    },
    ...verbosity,
  };
}

function usageObject({ input, output, cacheRead, cacheWrite }: TokenUsage): unknown {
  const inputTokens = input + cacheRead + cacheWrite;
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cacheRead },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + output,
  };
}
