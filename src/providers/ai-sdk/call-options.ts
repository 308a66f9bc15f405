/** Our request as the SDK's call options, as far as all protocols agree. Pure; asks for no retry and no time-out. How to think is each wire's own affair. */
import type { JSONSchema7, LanguageModelV4CallOptions, LanguageModelV4ToolChoice } from "@ai-sdk/provider";
import type { ResponseFormat, ToolChoice, ToolSpec } from "../../domain/conversation.ts";
import type { ModelRequest } from "../contract.ts";
import { promptOf, type PromptDialect } from "./prompt.ts";

export function callOptions(request: ModelRequest, dialect: PromptDialect): LanguageModelV4CallOptions {
  const options: LanguageModelV4CallOptions = { prompt: promptOf(request, dialect) };
  if (request.maxOutputTokens !== undefined) options.maxOutputTokens = request.maxOutputTokens;
  if (request.temperature !== undefined) options.temperature = request.temperature;
  if (request.topP !== undefined) options.topP = request.topP;
  if (request.stop !== undefined && request.stop.length > 0) options.stopSequences = [...request.stop];
  if (request.seed !== undefined) options.seed = request.seed;
  if (request.tools.length > 0) {
    options.tools = request.tools.map(functionTool);
    if (request.toolChoice !== undefined) options.toolChoice = toolChoice(request.toolChoice);
  }
  if (request.responseFormat !== undefined) options.responseFormat = jsonFormat(request.responseFormat);
  return options;
}

/** Whether a schema is in the subset that OpenAI's strict mode takes: closed objects, every property required. */
export function isStrictSchema(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrictSchema);
  if (typeof schema !== "object" || schema === null) return true;
  const node = schema as Readonly<Record<string, unknown>>;
  const properties = node["properties"];
  if (typeof properties === "object" && properties !== null) {
    const required = Array.isArray(node["required"]) ? node["required"] : [];
    if (node["additionalProperties"] !== false) return false;
    if (!Object.keys(properties).every((name) => required.includes(name))) return false;
  }
  return Object.values(node).every(isStrictSchema);
}

function functionTool(tool: ToolSpec): NonNullable<LanguageModelV4CallOptions["tools"]>[number] {
  return {
    type: "function",
    name: tool.name,
    description: tool.description,
    inputSchema: tool.inputSchema as JSONSchema7,
  };
}

function toolChoice(choice: ToolChoice): LanguageModelV4ToolChoice {
  return typeof choice === "string" ? { type: choice } : { type: "tool", toolName: choice.tool };
}

function jsonFormat(format: ResponseFormat): NonNullable<LanguageModelV4CallOptions["responseFormat"]> {
  return {
    type: "json",
    ...(format.schema === undefined ? {} : { schema: format.schema as JSONSchema7 }),
    ...(format.name === undefined ? {} : { name: format.name }),
  };
}
