/** A conversation as the run loop keeps it and every provider translates it; and what is known of a model. Pure data. */
import type { Attachment } from "./message.ts";
import type { ModelPrice } from "./money.ts";

export interface ModelInfo {
  /** `<provider>/<model>`. */
  readonly ref: string;
  readonly provider: string;
  readonly id: string;
  readonly name: string;
  readonly contextWindow: number | null;
  readonly maxTokens: number | null;
  readonly reasoning: boolean;
  readonly input: readonly ("text" | "image" | "document")[];
  /** Undefined where nobody told us: unknown is never free. */
  readonly price: ModelPrice | undefined;
}

/** One entry of the conversation, provider-neutral. */
export type ModelMessage =
  | { readonly role: "user"; readonly content: readonly UserContent[] }
  | { readonly role: "assistant"; readonly content: readonly AssistantContent[] }
  | { readonly role: "tool"; readonly results: readonly ToolResult[] };

export type UserContent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "file"; readonly attachment: Attachment };

export type AssistantContent =
  | { readonly type: "text"; readonly text: string }
  /** `signature` must be given back unchanged where the provider sent one. */
  | { readonly type: "thinking"; readonly text: string; readonly signature?: string }
  | { readonly type: "tool-call"; readonly callId: string; readonly tool: string; readonly input: unknown };

export interface ToolResult {
  readonly callId: string;
  readonly tool: string;
  readonly output: string;
  readonly isError: boolean;
}

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the input, an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** Whether the model may, must or must not call a tool, or which one it must call. */
export type ToolChoice = "auto" | "none" | "required" | { readonly tool: string };

/** A JSON answer, optionally bound to a JSON Schema. */
export interface ResponseFormat {
  readonly type: "json";
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly name?: string;
}

/** A call the model asked for. */
export interface ToolCall {
  readonly callId: string;
  readonly tool: string;
  readonly input: unknown;
}
