/** OpenAI's `/responses`: its newer protocol, with reasoning that survives a turn of tools. */
import { sdkProvider } from "../ai-sdk/provider.ts";
import { optionsOf, sealsOf } from "../ai-sdk/responses.ts";

export const provider = sdkProvider({
  api: "openai-responses",
  seals: sealsOf,
  options: optionsOf,
  load: async (endpoint, fetch) => {
    const { createOpenAI } = await import("@ai-sdk/openai");
    const sdk = createOpenAI({
      baseURL: endpoint.baseUrl ?? "https://api.openai.com/v1",
      // Empty and not absent: the SDK would look into the environment for one.
      apiKey: endpoint.apiKey ?? "",
      headers: { ...endpoint.headers },
      fetch,
    });
    return (model) => sdk.responses(model.id);
  },
});
