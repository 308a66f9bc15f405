/**
 * Our conversation as the SDK's prompt. Pure. Leaves nothing out in silence: a file that the model cannot take becomes
 * a note in its place; only thoughts without this protocol's seal are dropped, because no provider accepts them.
 */
import type {
  LanguageModelV4FilePart,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
  SharedV4ProviderOptions,
} from "@ai-sdk/provider";
import type { AssistantContent, ModelInfo, ModelMessage, UserContent } from "../../domain/conversation.ts";
import { attachmentNote, readableAs } from "../attachment-note.ts";
import { wireCallId } from "../call-ids.ts";
import type { ModelRequest } from "../contract.ts";
import { objectInput } from "../tool-input.ts";
import type { Seals } from "./seal.ts";

export interface PromptDialect {
  readonly seals: Seals;
  /** True where thoughts are wanted back only while the model still works at the same request. */
  readonly forgetsOldThoughts?: boolean;
}

type AssistantMessage = Extract<LanguageModelV4Prompt[number], { role: "assistant" }>;
type ToolMessage = Extract<LanguageModelV4Prompt[number], { role: "tool" }>;

export function promptOf(request: ModelRequest, dialect: PromptDialect): LanguageModelV4Prompt {
  const prompt: LanguageModelV4Prompt = [];
  if (request.system !== "") prompt.push({ role: "system", content: request.system });
  const lastUser = request.messages.findLastIndex((message) => message.role === "user");
  for (const [index, message] of request.messages.entries()) {
    const forget = dialect.forgetsOldThoughts === true && index < lastUser;
    const translated = translate(message, request.model, forget ? withoutThoughts(dialect) : dialect);
    if (translated.content.length > 0) prompt.push(translated);
  }
  return prompt;
}

/** The seals of tool calls stay: they belong to the calls, however old. */
function withoutThoughts({ seals }: PromptDialect): PromptDialect {
  return { seals: { ...seals, thoughts: { ...seals.thoughts, write: () => undefined } } };
}

function translate(
  message: ModelMessage,
  model: ModelInfo,
  dialect: PromptDialect,
): Exclude<LanguageModelV4Prompt[number], { role: "system" }> {
  switch (message.role) {
    case "user":
      return { role: "user", content: userParts(message.content, model) };
    case "assistant":
      return { role: "assistant", content: assistantParts(message.content, dialect) };
    case "tool":
      return { role: "tool", content: message.results.map(toolResult) };
  }
}

function toolResult(
  result: Extract<ModelMessage, { role: "tool" }>["results"][number],
): ToolMessage["content"][number] {
  return {
    type: "tool-result",
    toolCallId: wireCallId(result.callId),
    toolName: result.tool,
    output: { type: result.isError ? "error-text" : "text", value: result.output },
  };
}

function userParts(
  content: readonly UserContent[],
  model: ModelInfo,
): (LanguageModelV4TextPart | LanguageModelV4FilePart)[] {
  const parts = content.map((part): LanguageModelV4TextPart | LanguageModelV4FilePart => {
    if (part.type === "text") return { type: "text", text: part.text };
    return filePart(part.attachment, model) ?? { type: "text", text: attachmentNote(part.attachment, model) };
  });
  const told = parts.filter((part) => part.type !== "text" || part.text !== "");
  // Every provider refuses a message without content.
  return told.length === 0 ? [{ type: "text", text: "(empty message)" }] : told;
}

function filePart(attachment: Parameters<typeof readableAs>[0], model: ModelInfo): LanguageModelV4FilePart | undefined {
  const mediaType = readableAs(attachment, model);
  if (mediaType === undefined) return undefined;
  const name = attachment.fileName === undefined ? {} : { filename: attachment.fileName };
  if (attachment.data !== undefined)
    return { type: "file", mediaType, data: { type: "data", data: attachment.data }, ...name };
  if (attachment.url === undefined || !URL.canParse(attachment.url)) return undefined;
  return { type: "file", mediaType, data: { type: "url", url: new URL(attachment.url) }, ...name };
}

function assistantParts(content: readonly AssistantContent[], { seals }: PromptDialect): AssistantMessage["content"] {
  const parts: AssistantMessage["content"] = [];
  let sealOfNext: SharedV4ProviderOptions | undefined;
  for (const part of content) {
    if (part.type === "thinking") {
      if (part.signature === undefined) continue;
      sealOfNext = seals.calls?.write(part.signature) ?? sealOfNext;
      const providerOptions = seals.thoughts.write(part.signature);
      if (providerOptions !== undefined) parts.push({ type: "reasoning", text: part.text, providerOptions });
    } else if (part.type === "text") {
      if (part.text !== "") parts.push({ type: "text", text: part.text });
    } else {
      const sealed = sealOfNext === undefined ? {} : { providerOptions: sealOfNext };
      sealOfNext = undefined;
      parts.push({
        type: "tool-call",
        toolCallId: wireCallId(part.callId),
        toolName: part.tool,
        input: objectInput(part.input),
        ...sealed,
      });
    }
  }
  // Thoughts alone are no turn: an answer that broke off behind them.
  return parts.some((part) => part.type !== "reasoning") ? parts : [];
}
