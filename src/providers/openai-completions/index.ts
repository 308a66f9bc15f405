/** OpenAI's `/chat/completions`, the protocol that most servers speak, each with an accent. */
import { bodyOf, namespace, optionsOf, sealsOf } from "../ai-sdk/completions.ts";
import { sdkProvider } from "../ai-sdk/provider.ts";

export const provider = sdkProvider({
  api: "openai-completions",
  endMark: "[DONE]",
  seals: sealsOf,
  options: optionsOf,
  load: async (endpoint, fetch) => {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    const baseURL = endpoint.baseUrl ?? "https://api.openai.com/v1";
    return (model) =>
      createOpenAICompatible({
        name: namespace,
        baseURL,
        ...(endpoint.apiKey === null ? {} : { apiKey: endpoint.apiKey }),
        headers: { ...endpoint.headers },
        fetch,
        includeUsage: true,
        supportsStructuredOutputs: true,
        transformRequestBody: (body) => bodyOf(body, model, baseURL),
      }).chatModel(model.id);
  },
});
