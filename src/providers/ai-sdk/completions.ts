/** Our request in the words of `/chat/completions`, for OpenAI and for everything that calls itself compatible. Pure. */
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { callOptions, isStrictSchema } from "./call-options.ts";
import { fieldSeal, type Seals } from "./seal.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";
import { cacheKeyOnWire } from "../cache-key.ts";
import { effortWord, thinkingOfRequest } from "../thinking.ts";

/** The SDK's name for this provider, under which it files metadata. */
export const namespace = "compatible";

/**
 * Servers that stream `reasoning_content` want it back while they work with tools (and some refuse to go on without);
 * others refuse the field. So it goes back to the endpoint it came from, and to no other.
 */
export function sealsOf(endpoint: ProviderEndpoint, model: ModelInfo): Seals {
  const plain = `reasoning-content/${model.id}:${endpoint.id}`;
  return {
    plain,
    thoughts: { read: () => undefined, write: (seal) => (seal === plain ? { [namespace]: {} } : undefined) },
    // Gemini behind a compatible address seals its tool calls.
    calls: fieldSeal(`google-call/${model.id}`, namespace, "thoughtSignature"),
  };
}

export function optionsOf(request: ModelRequest, endpoint: ProviderEndpoint): LanguageModelV4CallOptions {
  const options = callOptions(request, { seals: sealsOf(endpoint, request.model), forgetsOldThoughts: true });
  const thinking = thinkingOfRequest(endpoint.api, request)?.wire;
  const schema = request.responseFormat?.schema;
  options.providerOptions = {
    openaiCompatible: {
      ...(schema === undefined ? {} : { strictJsonSchema: isStrictSchema(schema) }),
      ...(thinking?.kind === "effort" ? { reasoningEffort: effortWord(thinking.effort) } : {}),
    },
  };
  // By its own name the field passes through; servers that do not know it refuse it (Mistral, for one).
  if (request.cacheKey !== undefined && isOpenAiHost(endpoint.baseUrl))
    options.providerOptions[namespace] = { prompt_cache_key: cacheKeyOnWire(request.cacheKey) };
  return options;
}

function isOpenAiHost(baseUrl: string | null): boolean {
  if (baseUrl === null) return true;
  return URL.canParse(baseUrl) && new URL(baseUrl).hostname === "api.openai.com";
}

/** Last touch on the body: models that think take `max_completion_tokens`, and OpenAI's take no sampling parameters. */
export function bodyOf(body: Record<string, unknown>, model: ModelInfo, baseUrl: string): Record<string, unknown> {
  const isOpenAi = isOpenAiHost(baseUrl);
  if (!isOpenAi && !model.reasoning) return body;
  const { max_tokens, temperature, top_p, ...rest } = body;
  const limit = max_tokens === undefined ? {} : { max_completion_tokens: max_tokens };
  return isOpenAi && model.reasoning ? { ...rest, ...limit } : { ...rest, ...limit, temperature, top_p };
}
