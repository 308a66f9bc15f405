/** The models that a provider is taken to have while nobody lists any: a few, the one to begin with first. */
import type { ModelInfo } from "../domain/conversation.ts";
import type { ModelPrice } from "../domain/money.ts";
import { regionOfAddress } from "./addresses.ts";
import type { ProviderEndpoint } from "./contract.ts";
import { knownModel, vendorOf, vendorPrice } from "./prices.ts";

export function defaultModels(endpoint: ProviderEndpoint): readonly ModelInfo[] {
  return idsOf(endpoint).map((id) => describedModel(endpoint, { id }));
}

/** What configuration may say of a model. */
export interface ModelSettings {
  readonly id: string;
  readonly name?: string | undefined;
  readonly reasoning?: boolean;
  readonly input?: ModelInfo["input"];
  readonly contextWindow?: number | undefined;
  readonly maxTokens?: number | undefined;
  readonly cost?: ModelPrice | undefined;
}

/**
 * What is said wins, then what the provider's own list says, then what is known of a model of that name. An unknown
 * price stays undefined.
 */
export function describedModel(endpoint: ProviderEndpoint, settings: ModelSettings, listed?: ModelInfo): ModelInfo {
  const { id } = settings;
  const known = listed ?? knownModel(id);
  return {
    ref: `${endpoint.id}/${id}`,
    provider: endpoint.id,
    id,
    name: settings.name ?? listed?.name ?? id,
    contextWindow: settings.contextWindow ?? known?.contextWindow ?? null,
    maxTokens: settings.maxTokens ?? known?.maxTokens ?? null,
    reasoning: settings.reasoning ?? known?.reasoning ?? false,
    input: settings.input ?? known?.input ?? ["text"],
    price: settings.cost ?? listed?.price ?? vendorPrice(endpoint, id),
  };
}

/** Stands in where there is no other model; see the provider of the same name. */
export const demoEndpoint: ProviderEndpoint = Object.freeze({
  id: "demo",
  api: "demo",
  baseUrl: null,
  apiKey: null,
  headers: {},
});

export const demoModel: ModelInfo = Object.freeze({
  ref: "demo/demo",
  provider: "demo",
  id: "demo",
  name: "Demo model (no provider is configured)",
  contextWindow: 32_000,
  maxTokens: 1_000,
  reasoning: false,
  input: ["text"] as const,
  price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
});

function idsOf(endpoint: ProviderEndpoint): readonly string[] {
  const { api, baseUrl } = endpoint;
  const host = baseUrl === null ? null : new URL(baseUrl).hostname;
  if (host === "openrouter.ai" || (api === "openrouter" && host === null)) return ["openrouter/auto"];
  if (api === "github-copilot") return ["gpt-5-mini", "claude-sonnet-5.5", "claude-opus-5.5", "gpt-5.6-terra"];
  if (api === "bedrock-converse-stream") return bedrockIds(endpoint);
  switch (vendorOf(endpoint)) {
    case "openai":
      return ["gpt-5.6-terra", "gpt-5.6-luna", "gpt-6-sol", "gpt-6-luna", "gpt-4o"];
    case "anthropic":
      return ["claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5"];
    case "google":
      return ["gemini-3.5-flash", "gemini-3.1-pro-preview", "gemini-2.5-flash"];
    case undefined:
      return endpoint.api === "demo" ? ["demo"] : [];
  }
}

/** Over the profiles that every common region has; in the others the models have other names. */
function bedrockIds({ baseUrl, aws }: ProviderEndpoint): readonly string[] {
  const region = baseUrl === null ? aws?.region : regionOfAddress(baseUrl);
  if (region === undefined || /^(cn|us-gov)-/.test(region)) return [];
  return ["sonnet", "opus", "haiku"].map((name) => `global.anthropic.claude-${name}-5-5`);
}
