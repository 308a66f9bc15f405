/** Our request in the words of Bedrock's Converse API. Pure. */
import type { AssistantContent, ModelInfo, ModelMessage, ToolChoice, ToolResult } from "../../domain/conversation.ts";
import { isStrictSchema } from "../ai-sdk/call-options.ts";
import { attachmentNote, readableAs } from "../attachment-note.ts";
import { wireCallId } from "../call-ids.ts";
import type { ModelRequest } from "../contract.ts";
import { objectInput } from "../tool-input.ts";
import { traitsOf, type ModelTraits } from "./model-traits.ts";
import { thoughtOf } from "./seal.ts";
import { thinkingOf, type Thinking } from "./thinking.ts";

type Json = Readonly<Record<string, unknown>>;

interface ConverseMessage {
  readonly role: "user" | "assistant";
  readonly content: readonly Json[];
}

/** Up to here the prompt is cached; what comes before must not change between calls. */
const cachePoint: Json = { cachePoint: { type: "default" } };

export function bodyOf(request: ModelRequest): Json {
  const traits = traitsOf(request.model);
  const thinking = thinkingOf(request, traits);
  const tools = toolConfigOf(request, traits, thinking);
  // Calls in the history are refused where no tool is offered: they are told in words, then.
  const messages = merged(request.messages.map((message) => messageOf(message, request.model, tools !== undefined)));
  const inference = inferenceOf(request, traits, thinking);
  const format = formatOf(request, traits);
  return {
    messages: traits.family === "claude" && traits.caches ? withCachePoint(messages) : messages,
    ...systemOf(request, traits, format === undefined),
    ...(Object.keys(inference).length === 0 ? {} : { inferenceConfig: inference }),
    ...(tools === undefined ? {} : { toolConfig: tools }),
    ...(format === undefined ? {} : { outputConfig: format }),
    ...(Object.keys(thinking.fields).length === 0 ? {} : { additionalModelRequestFields: thinking.fields }),
  };
}

/** An id may be an ARN, with a slash in it. */
export function pathOf(modelId: string): string {
  return `/model/${encodeURIComponent(modelId)}/converse-stream`;
}

function systemOf(request: ModelRequest, traits: ModelTraits, tellsFormat: boolean): Json {
  const wish = tellsFormat ? formatInWords(request) : "";
  const text = `${request.system}\n\n${wish}`.trim();
  if (text === "") return {};
  return { system: [{ text }, ...(traits.caches ? [cachePoint] : [])] };
}

function inferenceOf(request: ModelRequest, traits: ModelTraits, { isOn, room }: Thinking): Json {
  const samples = traits.sampling && !isOn;
  return {
    ...(room === undefined ? {} : { maxTokens: room }),
    ...(samples && request.temperature !== undefined ? { temperature: request.temperature } : {}),
    ...(samples && request.topP !== undefined ? { topP: request.topP } : {}),
    ...(request.stop === undefined || request.stop.length === 0 ? {} : { stopSequences: request.stop }),
  };
}

/** There is no "none": it is said by offering nothing. */
function toolConfigOf(request: ModelRequest, traits: ModelTraits, { isOn }: Thinking): Json | undefined {
  if (request.tools.length === 0 || request.toolChoice === "none") return undefined;
  const tools = request.tools.map(({ name, description, inputSchema }) => ({
    toolSpec: { name, ...(description === "" ? {} : { description }), inputSchema: { json: inputSchema } },
  }));
  const choice = traits.forcedTools && !isOn ? choiceOf(request.toolChoice) : undefined;
  return { tools, ...(choice === undefined ? {} : { toolChoice: choice }) };
}

function choiceOf(choice: ToolChoice | undefined): Json | undefined {
  if (choice === undefined || choice === "auto" || choice === "none") return undefined;
  return choice === "required" ? { any: {} } : { tool: { name: choice.tool } };
}

function formatOf({ responseFormat }: ModelRequest, traits: ModelTraits): Json | undefined {
  const schema = responseFormat?.schema;
  if (schema === undefined || !traits.schemas || !isStrictSchema(schema)) return undefined;
  const jsonSchema = { name: responseFormat?.name ?? "answer", schema: JSON.stringify(schema) };
  return { textFormat: { type: "json_schema", structure: { jsonSchema } } };
}

function formatInWords({ responseFormat }: ModelRequest): string {
  if (responseFormat === undefined) return "";
  const wish = "Answer with one JSON object and nothing else.";
  const { schema } = responseFormat;
  return schema === undefined ? wish : `${wish} It must match this JSON Schema:\n${JSON.stringify(schema)}`;
}

function messageOf(message: ModelMessage, model: ModelInfo, knowsTools: boolean): ConverseMessage {
  switch (message.role) {
    case "user":
      return { role: "user", content: userContent(message.content, model) };
    case "assistant":
      return { role: "assistant", content: assistantContent(message.content, model, knowsTools) };
    case "tool":
      return { role: "user", content: message.results.map((result) => resultOf(result, knowsTools)) };
  }
}

/** Roles must take turns, and a message without content is refused. */
function merged(messages: readonly ConverseMessage[]): readonly ConverseMessage[] {
  const result: ConverseMessage[] = [];
  for (const message of messages) {
    if (message.content.length === 0) continue;
    const last = result.at(-1);
    if (last?.role !== message.role) result.push(message);
    else result[result.length - 1] = { role: last.role, content: [...last.content, ...message.content] };
  }
  return result;
}

function withCachePoint(messages: readonly ConverseMessage[]): readonly ConverseMessage[] {
  const at = messages.findLastIndex(({ role }) => role === "user");
  return messages.map((message, index) =>
    index === at ? { ...message, content: [...message.content, cachePoint] } : message,
  );
}

function userContent(content: Extract<ModelMessage, { role: "user" }>["content"], model: ModelInfo): readonly Json[] {
  const blocks = content.flatMap((part, index): Json[] => {
    if (part.type === "text") return textBlock(part.text);
    return [fileBlock(part.attachment, model, index) ?? { text: attachmentNote(part.attachment, model) }];
  });
  // A document alone is refused, and so is nothing.
  return blocks.some((block) => "text" in block)
    ? blocks
    : [...blocks, { text: blocks.length === 0 ? "(empty message)" : "(a file)" }];
}

type FilePart = Extract<Extract<ModelMessage, { role: "user" }>["content"][number], { type: "file" }>;

/** Only bytes travel: the service fetches nothing from the web. */
function fileBlock(attachment: FilePart["attachment"], model: ModelInfo, index: number): Json | undefined {
  const mediaType = readableAs(attachment, model);
  if (mediaType === undefined || attachment.data === undefined) return undefined;
  const source = { bytes: attachment.data };
  if (mediaType === "application/pdf")
    return { document: { format: "pdf", name: documentName(attachment.fileName, index), source } };
  const format = imageFormats[mediaType];
  return format === undefined ? undefined : { image: { format, source } };
}

const imageFormats: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpeg",
  "image/jpg": "jpeg",
  "image/gif": "gif",
  "image/webp": "webp",
};

/** The model reads it, and the service takes few characters; two of one name are refused, so the place is part of it. */
function documentName(fileName: string | undefined, index: number): string {
  const plain = (fileName ?? "")
    .replace(/\.pdf$/i, "")
    .replaceAll(/[^A-Za-z0-9()[\]-]+/g, " ")
    .trim();
  return `${plain === "" ? "document" : plain.slice(0, 150)} (${index + 1})`;
}

function assistantContent(
  content: readonly AssistantContent[],
  model: ModelInfo,
  knowsTools: boolean,
): readonly Json[] {
  const blocks = content.flatMap((part): Json[] => {
    if (part.type === "text") return textBlock(part.text);
    if (part.type === "thinking") return thoughtOf(part, model);
    if (!knowsTools) return [{ text: `[Called ${part.tool} with ${JSON.stringify(objectInput(part.input))}]` }];
    return [{ toolUse: { toolUseId: wireCallId(part.callId), name: part.tool, input: objectInput(part.input) } }];
  });
  // Thoughts alone are no turn: an answer that broke off behind them.
  return blocks.some((block) => !("reasoningContent" in block)) ? blocks : [];
}

function resultOf({ callId, tool, output, isError }: ToolResult, knowsTools: boolean): Json {
  const text = output.trim() === "" ? "(no output)" : output;
  if (!knowsTools) return { text: `[${tool} ${isError ? "failed" : "answered"}: ${text}]` };
  return { toolResult: { toolUseId: wireCallId(callId), content: [{ text }], status: isError ? "error" : "success" } };
}

/** A blank text is refused. */
function textBlock(text: string): Json[] {
  return text.trim() === "" ? [] : [{ text }];
}
