/** Anthropic's `/messages`, with signed thinking. */
import { sdkProvider } from "../ai-sdk/provider.ts";
import { baseUrlOf, optionsOf, sealsOf } from "./request.ts";

export const provider = sdkProvider({
  api: "anthropic-messages",
  seals: sealsOf,
  options: optionsOf,
  load: async (endpoint, fetch) => {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    const sdk = createAnthropic({
      baseURL: baseUrlOf(endpoint),
      // Empty and not absent: the SDK would look into the environment for one.
      apiKey: endpoint.apiKey ?? "",
      headers: { ...endpoint.headers },
      fetch,
    });
    return (model) => sdk.languageModel(model.id);
  },
});
