/** Our request in the words of OpenAI's `/responses`. Pure. Nothing is left at the provider: the transcript is ours. */
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { callOptions, isStrictSchema } from "../ai-sdk/call-options.ts";
import type { Seal, Seals } from "../ai-sdk/seal.ts";
import type { ModelRequest, ProviderEndpoint } from "../contract.ts";

const mark = "openai-reasoning:";

/** A reasoning item goes back by its id and its encrypted content, as JSON behind the mark. */
export function sealsOf(_endpoint: ProviderEndpoint): Seals {
  const thoughts: Seal = {
    read: (metadata) => {
      const { itemId, reasoningEncryptedContent: content } = metadata?.["openai"] ?? {};
      if (typeof itemId !== "string" || typeof content !== "string") return undefined;
      return `${mark}${JSON.stringify([itemId, content])}`;
    },
    write: (seal) => {
      if (!seal.startsWith(mark)) return undefined;
      const [itemId, reasoningEncryptedContent] = JSON.parse(seal.slice(mark.length)) as [string, string];
      return { openai: { itemId, reasoningEncryptedContent } };
    },
  };
  return { thoughts };
}

export function optionsOf(request: ModelRequest, endpoint: ProviderEndpoint): LanguageModelV4CallOptions {
  const options = callOptions(request, { seals: sealsOf(endpoint) });
  const schema = request.responseFormat?.schema;
  options.providerOptions = {
    openai: { store: false, ...(schema === undefined ? {} : { strictJsonSchema: isStrictSchema(schema) }) },
  };
  return options;
}
