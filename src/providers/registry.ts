/** Names every provider's protocol. Each module is imported when it is first asked for, and with it nothing of an SDK. */
import type { ModelApi, ProviderModule } from "./contract.ts";

export async function providerModule(api: ModelApi): Promise<ProviderModule> {
  switch (api) {
    case "openai-completions":
      return (await import("./openai-completions/index.ts")).provider;
    case "openai-responses":
      return (await import("./openai-responses/index.ts")).provider;
    case "anthropic-messages":
      return (await import("./anthropic-messages/index.ts")).provider;
    case "google-generative-ai":
      return (await import("./google-generative-ai/index.ts")).provider;
    case "ollama":
      return (await import("./ollama/index.ts")).provider;
    case "demo":
      return (await import("./demo/index.ts")).provider;
    case "bedrock-converse-stream":
      return (await import("./bedrock-converse-stream/index.ts")).provider;
    case "openrouter":
      return (await import("./openrouter/index.ts")).provider;
    case "github-copilot":
      return (await import("./github-copilot/index.ts")).provider;
  }
}
