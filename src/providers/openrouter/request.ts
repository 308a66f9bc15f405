/** Our request in the words of OpenRouter, which are OpenAI's and a few of its own. Pure. */
import type { JSONValue, LanguageModelV4CallOptions, LanguageModelV4Prompt } from "@ai-sdk/provider";
import { callOptions, isStrictSchema } from "../ai-sdk/call-options.ts";
import { namespace } from "../ai-sdk/completions.ts";
import { fieldSeal, type Seals } from "../ai-sdk/seal.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";
import { effortWord, thinkingOfRequest } from "../thinking.ts";
import { parsedInput } from "../tool-input.ts";

/** Under which the details of thoughts and the cost travel in metadata. */
export const metadataKey = "openrouter";

/**
 * Thoughts go back as the details they came with. A router that picks a model anew each time gets none: what one
 * model sealed, the next one refuses.
 */
export function sealsOf(_endpoint: ProviderEndpoint, model: ModelInfo): Seals {
  const details = fieldSeal(`openrouter/${model.id}`, metadataKey, "details");
  return { thoughts: model.id.startsWith("openrouter/") ? { read: () => undefined, write: () => undefined } : details };
}

export function optionsOf(request: ModelRequest, endpoint: ProviderEndpoint): LanguageModelV4CallOptions {
  const options = callOptions(request, { seals: sealsOf(endpoint, request.model), forgetsOldThoughts: true });
  const schema = request.responseFormat?.schema;
  const thinking = thinkingOfRequest("openrouter", request)?.wire;
  return {
    ...options,
    prompt: options.prompt.map(withDetails),
    // What the SDK does not know it writes into the body as it stands.
    providerOptions: {
      [namespace]: {
        usage: { include: true },
        ...(thinking?.kind === "effort" ? { reasoning: { effort: effortWord(thinking.effort) } } : {}),
        ...(schema === undefined ? {} : { strictJsonSchema: isStrictSchema(schema) }),
      },
    },
  };
}

type Message = LanguageModelV4Prompt[number];

/** The details stand beside a message's content, in the order in which they came. */
function withDetails(message: Message): Message {
  if (message.role !== "assistant") return message;
  const details = message.content.flatMap((part) =>
    part.type === "reasoning" ? detailsIn(part.providerOptions?.[metadataKey]?.["details"]) : [],
  );
  if (details.length === 0) return message;
  return {
    ...message,
    content: message.content.filter((part) => part.type !== "reasoning"),
    providerOptions: { openaiCompatible: { reasoning_details: details } },
  };
}

function detailsIn(text: unknown): JSONValue[] {
  const parsed: unknown = typeof text === "string" ? parsedInput(text) : null;
  return Array.isArray(parsed) ? (parsed as JSONValue[]) : [];
}
