/** Google's Gemini over its own API with a key. A safety block that leaves nothing to say is an error, and says so. */
import { sdkProvider } from "../ai-sdk/provider.ts";
import { baseUrlOf, optionsOf, sealsOf } from "./request.ts";

export const provider = sdkProvider({
  api: "google-generative-ai",
  seals: sealsOf,
  options: optionsOf,
  load: async (endpoint, fetch) => {
    const { createGoogle } = await import("@ai-sdk/google");
    const sdk = createGoogle({
      baseURL: baseUrlOf(endpoint),
      // Empty and not absent: the SDK would look into the environment for one.
      apiKey: endpoint.apiKey ?? "",
      headers: { ...endpoint.headers },
      fetch,
    });
    return (model) => sdk.languageModel(model.id);
  },
});
