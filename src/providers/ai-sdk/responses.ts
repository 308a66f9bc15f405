/** Our request in the words of OpenAI's `/responses`. Pure. Nothing is left at the provider: the transcript is ours. */
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { callOptions, isStrictSchema } from "./call-options.ts";
import type { Seal, Seals } from "./seal.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";
import { cacheKeyOnWire } from "../cache-key.ts";
import { effortWord, thinkingOfRequest } from "../thinking.ts";

/** A reasoning item goes back by its id and its encrypted content, `<mark><id>|<content>`. */
export function sealsOf(_endpoint: ProviderEndpoint, model: ModelInfo): Seals {
  const mark = `openai-reasoning/${model.id}:`;
  const thoughts: Seal = {
    read: (metadata) => {
      const { itemId, reasoningEncryptedContent: content } = metadata?.["openai"] ?? {};
      if (typeof itemId !== "string" || typeof content !== "string") return undefined;
      return `${mark}${itemId}|${content}`;
    },
    write: (seal) => {
      if (!seal.startsWith(mark)) return undefined;
      const [itemId = "", reasoningEncryptedContent = ""] = seal.slice(mark.length).split("|");
      return { openai: { itemId, reasoningEncryptedContent } };
    },
  };
  return { thoughts };
}

export function optionsOf(request: ModelRequest, endpoint: ProviderEndpoint): LanguageModelV4CallOptions {
  const options = callOptions(request, { seals: sealsOf(endpoint, request.model) });
  const schema = request.responseFormat?.schema;
  const thinking = thinkingOfRequest(endpoint.api, request)?.wire;
  options.providerOptions = {
    openai: {
      store: false,
      ...(schema === undefined ? {} : { strictJsonSchema: isStrictSchema(schema) }),
      // Said outright: the SDK knows models by their names, and a deployment is named by whoever made it.
      ...(request.model.reasoning ? { forceReasoning: true } : {}),
      ...(request.cacheKey === undefined ? {} : { promptCacheKey: cacheKeyOnWire(request.cacheKey) }),
      ...(thinking?.kind === "effort" ? { reasoningEffort: effortWord(thinking.effort) } : {}),
    },
  };
  return options;
}
