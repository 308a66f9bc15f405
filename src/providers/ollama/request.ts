/** Our request in the words of Ollama's `/api/chat`. Pure. */
import type { AssistantContent, ModelInfo, ModelMessage, ToolCall, UserContent } from "../../domain/conversation.ts";
import { attachmentNote, readableAs } from "../attachment-note.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";
import { thinkingOfRequest } from "../thinking.ts";
import { objectInput } from "../tool-input.ts";

interface OllamaMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  /** Base64 without a prefix. */
  readonly images?: readonly string[];
  readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: unknown } }[];
  readonly tool_name?: string;
}

export function bodyOf(request: ModelRequest): Readonly<Record<string, unknown>> {
  const { model, system, toolChoice } = request;
  const messages: OllamaMessage[] = [
    ...(system === "" ? [] : [{ role: "system", content: system } as const]),
    ...request.messages.flatMap((message) => messagesOf(message, model)),
  ];
  // The protocol has no tool choice: "none" is said by offering none.
  const tools = toolChoice === "none" ? [] : request.tools;
  const think = thinkOf(request);
  return {
    model: model.id,
    messages,
    stream: true,
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, inputSchema }) => ({
            type: "function",
            function: { name, description, parameters: inputSchema },
          })),
        }),
    ...(request.responseFormat === undefined ? {} : { format: request.responseFormat.schema ?? "json" }),
    ...(think === undefined ? {} : { think }),
    options: optionsOf(request),
  };
}

/** The root of the server, whichever of its two addresses is configured. */
export function baseUrlOf(endpoint: Pick<ProviderEndpoint, "baseUrl">): string {
  return (endpoint.baseUrl ?? "http://127.0.0.1:11434").replace(/\/+$/, "").replace(/\/(v1|api)$/, "");
}

export function headersOf(endpoint: Pick<ProviderEndpoint, "apiKey" | "headers">): Record<string, string> {
  return {
    "content-type": "application/json",
    ...(endpoint.apiKey === null || endpoint.apiKey === "" ? {} : { authorization: `Bearer ${endpoint.apiKey}` }),
    ...endpoint.headers,
  };
}

function optionsOf(request: ModelRequest): Readonly<Record<string, unknown>> {
  const { maxOutputTokens, temperature, topP, stop, seed, model } = request;
  return {
    ...(maxOutputTokens === undefined ? {} : { num_predict: maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop }),
    ...(seed === undefined ? {} : { seed }),
    // Without it the server cuts a conversation at a few thousand tokens and does not say so.
    ...(model.contextWindow === null ? {} : { num_ctx: model.contextWindow }),
  };
}

function thinkOf(request: ModelRequest): boolean | string | undefined {
  const wire = thinkingOfRequest("ollama", request)?.wire;
  if (wire?.kind === "switch") return wire.on;
  return wire?.kind === "effort" ? wire.effort : undefined;
}

function messagesOf(message: ModelMessage, model: ModelInfo): OllamaMessage[] {
  switch (message.role) {
    case "user":
      return [userMessage(message.content, model)];
    case "assistant":
      return [assistantMessage(message.content)];
    case "tool":
      return message.results.map(({ tool, output, isError }) => ({
        role: "tool",
        content: isError ? `Error: ${output}` : output,
        tool_name: tool,
      }));
  }
}

function userMessage(content: readonly UserContent[], model: ModelInfo): OllamaMessage {
  const texts: string[] = [];
  const images: string[] = [];
  for (const part of content) {
    if (part.type === "text") texts.push(part.text);
    // Only bytes travel: the server fetches nothing.
    else if (readableAs(part.attachment, model)?.startsWith("image/") === true && part.attachment.data !== undefined)
      images.push(part.attachment.data);
    else texts.push(attachmentNote(part.attachment, model));
  }
  return { role: "user", content: texts.join("\n"), ...(images.length === 0 ? {} : { images }) };
}

function assistantMessage(content: readonly AssistantContent[]): OllamaMessage {
  const calls = content.filter((part): part is ToolCall & { readonly type: "tool-call" } => part.type === "tool-call");
  return {
    role: "assistant",
    content: content.map((part) => (part.type === "text" ? part.text : "")).join(""),
    ...(calls.length === 0
      ? {}
      : { tool_calls: calls.map(({ tool, input }) => ({ function: { name: tool, arguments: objectInput(input) } })) }),
  };
}
