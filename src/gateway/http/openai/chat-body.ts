/** The body of `/v1/chat/completions`: what is accepted, and what it means for a turn. Unknown fields are ignored. */
import { z } from "zod";
import { AppError } from "../../../domain/app-error.ts";
import type {
  AssistantContent,
  ModelMessage,
  ResponseFormat,
  ToolChoice,
  UserContent,
} from "../../../domain/conversation.ts";
import { limits } from "../../../domain/limits.ts";
import type { TurnOptions } from "../../../agent/turn-options.ts";
import { checkTools, jsonSchema, reasoningEffort, thinkingOf, toolName } from "./caller-tools.ts";
import { audioFrom, fileFrom, imageFromUrl } from "./inline-file.ts";
import { maybe, present } from "./present.ts";

const text = z.string();
const textPart = z.object({ type: z.literal("text"), text });
const userPart = z.discriminatedUnion("type", [
  textPart,
  z.object({ type: z.literal("image_url"), image_url: z.object({ url: text }) }),
  z.object({
    type: z.literal("input_audio"),
    input_audio: z.object({ data: text, format: z.string().regex(/^\w{1,16}$/) }),
  }),
  z.object({
    type: z.literal("file"),
    file: z.object({ file_data: text.optional(), filename: text.max(255).optional() }),
  }),
]);
const assistantPart = z.discriminatedUnion("type", [textPart, z.object({ type: z.literal("refusal"), refusal: text })]);
const callOfAssistant = z.object({
  id: text.min(1).max(256),
  type: z.literal("function").default("function"),
  function: z.object({ name: toolName, arguments: text }),
});
const instruction = z.union([text, z.array(textPart)]);

const message = z.discriminatedUnion("role", [
  z.object({ role: z.literal("system"), content: instruction }),
  z.object({ role: z.literal("developer"), content: instruction }),
  z.object({ role: z.literal("user"), content: z.union([text, z.array(userPart)]) }),
  z.object({
    role: z.literal("assistant"),
    content: maybe(z.union([text, z.array(assistantPart)])),
    tool_calls: maybe(z.array(callOfAssistant)),
  }),
  z.object({ role: z.literal("tool"), tool_call_id: text.min(1).max(256), content: instruction }),
]);

const functionTool = z.object({
  type: z.literal("function"),
  function: z.object({ name: toolName, description: maybe(text), parameters: maybe(jsonSchema) }),
});
const mode = z.enum(["auto", "none", "required"]);
const responseFormat = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text") }),
  z.object({ type: z.literal("json_object") }),
  z.object({
    type: z.literal("json_schema"),
    json_schema: z.object({ name: z.string().max(64).optional(), schema: jsonSchema.optional() }),
  }),
]);

export const chatBody = z.object({
  model: z.string("You must say which model.").min(1).max(256),
  messages: z.array(message).min(1).max(limits.httpMessages),
  stream: maybe(z.boolean()),
  stream_options: maybe(z.object({ include_usage: maybe(z.boolean()) })),
  user: maybe(
    z
      .string()
      .min(1)
      .max(256)
      .regex(/^\P{Cc}+$/u, "Control characters are not allowed."),
  ),
  tools: maybe(z.array(functionTool).max(limits.callerTools)),
  tool_choice: maybe(z.union([mode, z.object({ type: z.literal("function"), function: z.object({ name: text }) })])),
  response_format: maybe(responseFormat),
  stop: maybe(z.union([text, z.array(text).max(4)])),
  temperature: maybe(z.number().min(0).max(2)),
  top_p: maybe(z.number().min(0).max(1)),
  max_tokens: maybe(z.int().min(1)),
  max_completion_tokens: maybe(z.int().min(1)),
  seed: maybe(z.int()),
  reasoning_effort: maybe(reasoningEffort),
  n: maybe(z.literal(1, "Only one choice per request is possible.")),
  logprobs: maybe(z.literal(false, "Log probabilities are not available.")),
  functions: z.undefined("Use tools instead of functions.").optional(),
});

export type ChatBody = z.output<typeof chatBody>;

/** System and developer messages, wherever they stand, in order. */
function chatInstructions(body: ChatBody): string | undefined {
  const said = body.messages.flatMap((entry) =>
    entry.role === "system" || entry.role === "developer" ? [instructionText(entry.content)] : [],
  );
  return said.length === 0 ? undefined : said.join("\n\n");
}

export function chatConversation(body: ChatBody): readonly ModelMessage[] {
  return body.messages.flatMap((entry, index): readonly ModelMessage[] => {
    const param = `messages[${index}].content`;
    switch (entry.role) {
      case "system":
      case "developer":
        return [];
      case "user":
        return [{ role: "user", content: userContent(entry.content, param) }];
      case "assistant":
        return assistantMessage(entry, index);
      case "tool": {
        const output = instructionText(entry.content);
        return [{ role: "tool", results: [{ callId: entry.tool_call_id, tool: "", output, isError: false }] }];
      }
    }
  });
}

/** Everything but the conversation. */
export function chatOptions(body: ChatBody): TurnOptions {
  const tools = (body.tools ?? []).map(({ function: tool }) => ({
    name: tool.name,
    description: tool.description ?? "",
    inputSchema: tool.parameters ?? { type: "object", properties: {} },
  }));
  const toolChoice = chatToolChoice(body);
  checkTools(tools, toolChoice);
  const stop = typeof body.stop === "string" ? [body.stop] : body.stop;
  return {
    deliver: false,
    ...present({
      instructions: chatInstructions(body),
      tools: tools.length === 0 ? undefined : tools,
      toolChoice,
      temperature: body.temperature,
      topP: body.top_p,
      maxOutputTokens: body.max_completion_tokens ?? body.max_tokens,
      stop: stop?.length === 0 ? undefined : stop,
      seed: body.seed,
      thinking: thinkingOf(body.reasoning_effort),
      responseFormat: chatFormat(body),
    }),
  };
}

function chatToolChoice({ tool_choice: choice }: ChatBody): ToolChoice | undefined {
  return typeof choice === "object" ? { tool: choice.function.name } : choice;
}

function chatFormat({ response_format: format }: ChatBody): ResponseFormat | undefined {
  if (format === undefined || format.type === "text") return undefined;
  if (format.type === "json_object") return { type: "json" };
  const { name, schema } = format.json_schema;
  return { type: "json", ...present({ name, schema }) };
}

type MessageOf<Role extends string> = Extract<ChatBody["messages"][number], { role: Role }>;

function userContent(content: MessageOf<"user">["content"], param: string): readonly UserContent[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return content.map((part): UserContent => {
    switch (part.type) {
      case "text":
        return { type: "text", text: part.text };
      case "image_url":
        return { type: "file", attachment: imageFromUrl(part.image_url.url, param) };
      case "input_audio":
        return { type: "file", attachment: audioFrom(part.input_audio.data, part.input_audio.format, param) };
      case "file": {
        const { file_data: data, filename: name } = part.file;
        return { type: "file", attachment: fileFrom(present({ data, name }), param) };
      }
    }
  });
}

function assistantMessage(entry: MessageOf<"assistant">, index: number): readonly ModelMessage[] {
  const said = typeof entry.content === "string" ? [entry.content] : (entry.content ?? []).map(assistantText);
  const content: readonly AssistantContent[] = [
    ...said.filter((part) => part !== "").map((part) => ({ type: "text", text: part }) as const),
    ...(entry.tool_calls ?? []).map((call) => ({
      type: "tool-call" as const,
      callId: call.id,
      tool: call.function.name,
      input: callInput(call.function.arguments, `messages[${index}].tool_calls`),
    })),
  ];
  return content.length === 0 ? [] : [{ role: "assistant", content }];
}

function assistantText(part: z.output<typeof assistantPart>): string {
  return part.type === "text" ? part.text : part.refusal;
}

/** Arguments as the model once wrote them; no arguments are an empty object. */
export function callInput(written: string, param: string): unknown {
  if (written.trim() === "") return {};
  try {
    return JSON.parse(written);
  } catch (error) {
    throw new AppError("RPC_003", "The arguments of a tool call are not valid JSON.", {
      cause: error,
      details: { param },
    });
  }
}

function instructionText(content: z.output<typeof instruction>): string {
  return typeof content === "string" ? content : content.map((part) => part.text).join("\n");
}
