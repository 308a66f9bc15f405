/** The body of `/v1/responses`, by the OpenResponses specification: what is accepted, and what it means for a turn. */
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
import { callInput } from "./chat-body.ts";
import { fileFrom, imageFromUrl } from "./inline-file.ts";
import { maybe, present } from "./present.ts";

const text = z.string();
const notStored = z.undefined("Stored files are not known here; send the content itself.").optional();

const part = z.discriminatedUnion("type", [
  z.object({ type: z.literal("input_text"), text }),
  z.object({ type: z.literal("output_text"), text }),
  z.object({ type: z.literal("refusal"), refusal: text }),
  z.object({ type: z.literal("input_image"), image_url: text, file_id: notStored }),
  z.object({
    type: z.literal("input_file"),
    filename: maybe(text.max(255)),
    file_data: maybe(text),
    file_url: maybe(text),
    file_id: notStored,
  }),
]);

const callId = text.min(1).max(256);
const item = z.preprocess(
  // The short form of a message names no type.
  (value) =>
    typeof value === "object" && value !== null && !("type" in value) ? { ...value, type: "message" } : value,
  z.discriminatedUnion("type", [
    z.object({
      type: z.literal("message"),
      role: z.enum(["user", "assistant", "system", "developer"]),
      content: z.union([text, z.array(part)]),
    }),
    z.object({ type: z.literal("function_call"), call_id: callId, name: toolName, arguments: text }),
    z.object({ type: z.literal("function_call_output"), call_id: callId, output: z.union([text, z.array(part)]) }),
    /** Given back by clients as they got it; there is nothing in it that a model may be told again. */
    z.object({ type: z.literal("reasoning") }),
  ]),
);

const functionTool = z.object({
  type: z.literal("function", "Only tools of type function are possible."),
  name: toolName,
  description: maybe(text),
  parameters: maybe(jsonSchema),
  strict: maybe(z.boolean()),
});
const mode = z.enum(["auto", "none", "required"]);
const namedTool = z.object({ type: z.literal("function"), name: text });
const toolChoice = z.union([
  mode,
  namedTool,
  z.object({ type: z.literal("allowed_tools"), mode: mode.default("auto"), tools: z.array(namedTool).min(1).max(128) }),
]);
const textFormat = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text") }),
  z.object({ type: z.literal("json_object") }),
  z.object({
    type: z.literal("json_schema"),
    name: text.max(64).default("answer"),
    description: maybe(text),
    schema: maybe(jsonSchema),
    strict: maybe(z.boolean()),
  }),
]);

export const responsesBody = z.object({
  model: maybe(text.min(1).max(256)),
  input: maybe(z.union([text.min(1), z.array(item).max(limits.httpMessages)])),
  instructions: maybe(text),
  previous_response_id: maybe(text.regex(/^[\w-]{1,128}$/)),
  tools: maybe(z.array(functionTool).max(limits.callerTools)),
  tool_choice: maybe(toolChoice),
  parallel_tool_calls: maybe(z.boolean()),
  text: maybe(z.object({ format: maybe(textFormat), verbosity: maybe(z.enum(["low", "medium", "high"])) })),
  temperature: maybe(z.number().min(0).max(2)),
  top_p: maybe(z.number().min(0).max(1)),
  presence_penalty: maybe(z.number()),
  frequency_penalty: maybe(z.number()),
  max_output_tokens: maybe(z.int().min(1)),
  max_tool_calls: maybe(z.int().min(1)),
  reasoning: maybe(
    z.object({ effort: maybe(reasoningEffort), summary: maybe(z.enum(["auto", "concise", "detailed"])) }),
  ),
  truncation: maybe(z.enum(["auto", "disabled"])),
  metadata: maybe(
    z.record(text.max(64), text.max(512)).refine((map) => Object.keys(map).length <= 16, "At most 16 keys."),
  ),
  user: maybe(
    z
      .string()
      .min(1)
      .max(256)
      .regex(/^\P{Cc}+$/u, "Control characters are not allowed."),
  ),
  safety_identifier: maybe(text.max(64)),
  prompt_cache_key: maybe(text.max(64)),
  service_tier: maybe(text),
  stream: maybe(z.boolean()),
  store: maybe(z.boolean()),
  background: maybe(z.literal(false, "Running in the background is not possible.")),
  conversation: z.null("Stored conversations are not known here; use previous_response_id.").optional(),
});

export type ResponsesBody = z.output<typeof responsesBody>;
type Item = z.output<typeof item>;
type Part = z.output<typeof part>;

/** What one request adds to a conversation: words of the system, and messages. */
export interface Contribution {
  readonly system: readonly string[];
  readonly messages: readonly ModelMessage[];
}

export function contributionOf({ input }: ResponsesBody): Contribution {
  if (input === undefined) return { system: [], messages: [] };
  if (typeof input === "string")
    return { system: [], messages: [{ role: "user", content: [{ type: "text", text: input }] }] };
  const system = input.flatMap((entry, index) =>
    isSystem(entry) ? [plainText(entry.content, `input[${index}]`)] : [],
  );
  const messages = input.flatMap((entry, index) => (isSystem(entry) ? [] : messageOf(entry, `input[${index}]`)));
  return { system, messages: joinCalls(messages) };
}

/** Everything but the conversation. `system` comes from the input, behind the instructions. */
export function responsesOptions(body: ResponsesBody, system: readonly string[]): TurnOptions {
  const tools = allowedTools(body).map((tool) => ({
    name: tool.name,
    description: tool.description ?? "",
    inputSchema: tool.parameters ?? { type: "object", properties: {} },
  }));
  const toolChoice = choiceOf(body);
  checkTools(tools, toolChoice);
  const instructions = [...(body.instructions === undefined ? [] : [body.instructions]), ...system].join("\n\n");
  return {
    deliver: false,
    ...present({
      instructions: instructions === "" ? undefined : instructions,
      tools: tools.length === 0 ? undefined : tools,
      toolChoice,
      temperature: body.temperature,
      topP: body.top_p,
      maxOutputTokens: body.max_output_tokens,
      thinking: thinkingOf(body.reasoning?.effort),
      responseFormat: formatOf(body),
    }),
  };
}

function isSystem(entry: Item): entry is Extract<Item, { type: "message" }> {
  return entry.type === "message" && (entry.role === "system" || entry.role === "developer");
}

function messageOf(entry: Item, param: string): readonly ModelMessage[] {
  switch (entry.type) {
    case "reasoning":
      return [];
    case "function_call": {
      const input = callInput(entry.arguments, param);
      return [{ role: "assistant", content: [{ type: "tool-call", callId: entry.call_id, tool: entry.name, input }] }];
    }
    case "function_call_output": {
      const output = plainText(entry.output, param);
      return [{ role: "tool", results: [{ callId: entry.call_id, tool: "", output, isError: false }] }];
    }
    case "message": {
      if (entry.role === "assistant") {
        const said = plainText(entry.content, param);
        return said === "" ? [] : [{ role: "assistant", content: [{ type: "text", text: said }] }];
      }
      const parts =
        typeof entry.content === "string" ? [{ type: "input_text", text: entry.content } as const] : entry.content;
      return [{ role: "user", content: parts.map((piece) => userContent(piece, param)) }];
    }
  }
}

/** A model's words and calls of one round are one message, as providers want them. */
function joinCalls(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const joined: ModelMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    const startsWithCall = message.role === "assistant" && message.content[0]?.type === "tool-call";
    if (startsWithCall && last?.role === "assistant") {
      const content: readonly AssistantContent[] = [...last.content, ...message.content];
      joined[joined.length - 1] = { role: "assistant", content };
    } else joined.push(message);
  }
  return joined;
}

function userContent(piece: Part, param: string): UserContent {
  switch (piece.type) {
    case "input_text":
      return { type: "text", text: piece.text };
    case "input_image":
      return { type: "file", attachment: imageFromUrl(piece.image_url, param) };
    case "input_file": {
      const { file_data: data, file_url: url, filename: name } = piece;
      return { type: "file", attachment: fileFrom(present({ data, url, name }), param) };
    }
    case "output_text":
    case "refusal":
      throw new AppError("RPC_003", `A user's message has no ${piece.type}.`, { details: { param } });
  }
}

function plainText(content: string | readonly Part[], param: string): string {
  if (typeof content === "string") return content;
  return content
    .map((piece) => {
      if (piece.type === "input_text" || piece.type === "output_text") return piece.text;
      if (piece.type === "refusal") return piece.refusal;
      throw new AppError("RPC_003", "Only text is possible here.", { details: { param } });
    })
    .join("\n");
}

/** `allowed_tools` is a hard limit, so a model is not even shown the others. */
function allowedTools({ tools = [], tool_choice: choice }: ResponsesBody): NonNullable<ResponsesBody["tools"]> {
  if (typeof choice !== "object" || choice.type !== "allowed_tools") return tools;
  const allowed = new Set(choice.tools.map((tool) => tool.name));
  return tools.filter((tool) => allowed.has(tool.name));
}

function choiceOf({ tool_choice: choice }: ResponsesBody): ToolChoice | undefined {
  if (typeof choice !== "object") return choice;
  return choice.type === "function" ? { tool: choice.name } : choice.mode;
}

function formatOf({ text: settings }: ResponsesBody): ResponseFormat | undefined {
  const format = settings?.format;
  if (format === undefined || format.type === "text") return undefined;
  if (format.type === "json_object") return { type: "json" };
  return { type: "json", name: format.name, ...present({ schema: format.schema }) };
}
