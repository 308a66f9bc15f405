/** Our request in the words of `/chat/completions`, for OpenAI and for everything that calls itself compatible. Pure. */
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { callOptions, isStrictSchema } from "./call-options.ts";
import { fieldSeal, type Seals } from "./seal.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";

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
  const { reasoning } = options;
  // The levels that every server with `reasoning_effort` knows; "none" is best said by saying nothing.
  if (reasoning === "none") delete options.reasoning;
  else if (reasoning === "xhigh" || reasoning === "max") options.reasoning = "high";
  else if (reasoning === "minimal") options.reasoning = "low";
  const schema = request.responseFormat?.schema;
  if (schema !== undefined)
    options.providerOptions = { openaiCompatible: { strictJsonSchema: isStrictSchema(schema) } };
  return options;
}

/** Last touch on the body: models that think take `max_completion_tokens`, and OpenAI's take no sampling parameters. */
export function bodyOf(body: Record<string, unknown>, model: ModelInfo, baseUrl: string): Record<string, unknown> {
  const isOpenAi = new URL(baseUrl).hostname === "api.openai.com";
  if (!isOpenAi && !model.reasoning) return body;
  const { max_tokens, temperature, top_p, ...rest } = body;
  const limit = max_tokens === undefined ? {} : { max_completion_tokens: max_tokens };
  return isOpenAi && model.reasoning ? { ...rest, ...limit } : { ...rest, ...limit, temperature, top_p };
}
