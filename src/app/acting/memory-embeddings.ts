/**
 * Which model makes the vectors of the memory, and how it is reached: a provider of the configuration with its own address and
 * login, asked as its models are.
 */
import type { Config } from "../../config/schema/root.ts";
import type { AuthProfiles, Credential } from "../../credentials/contract.ts";
import { withCredential } from "../../credentials/profiles/with-credential.ts";
import { AppError } from "../../domain/app-error.ts";
import type { ModelPrice } from "../../domain/money.ts";
import type { PayBeside } from "../../domain/call-beside.ts";
import type {
  EmbeddingApi,
  EmbeddingEndpoint,
  EmbeddingModel,
  EmbeddingSource,
} from "../../memory/embeddings/contract.ts";
import type { Egress } from "../../platform/egress.ts";
import { addressesOf } from "../../providers/addresses.ts";
import type { ProviderEndpoint } from "../../providers/contract.ts";

export interface EmbeddingSourceDeps {
  readonly config: () => Config;
  /** Undefined where there is no such provider. */
  readonly endpointOf: (providerId: string) => ProviderEndpoint | undefined;
  readonly profiles: Pick<AuthProfiles, "of" | "credential">;
  readonly egress: Pick<Egress, "trustedFetch">;
  /** Undefined where it is not known. */
  readonly priceOf: (endpoint: ProviderEndpoint, model: string) => ModelPrice | undefined;
  readonly pay: PayBeside;
}

export function createEmbeddingSource(deps: EmbeddingSourceDeps): EmbeddingSource {
  return { wanted: () => wantedModel(deps), open: (model) => openEndpoint(model, deps) };
}

/** `model` may name its provider before the slash; a provider alone is asked for its usual model. */
function wantedModel({ config, endpointOf }: EmbeddingSourceDeps): EmbeddingModel | null {
  const { provider: named, model: reference } = config().memory.search;
  if (named === undefined && reference === undefined) return null;
  const slash = reference?.indexOf("/") ?? -1;
  const before = slash > 0 ? reference?.slice(0, slash) : undefined;
  const provider = named ?? before;
  if (provider === undefined) return null;
  // A model's own name may have a slash: only its provider's name before it is cut off.
  const model = reference !== undefined && before === provider ? reference.slice(slash + 1) : reference;
  const endpoint = endpointOf(provider);
  const usual = endpoint === undefined ? undefined : usualModels[protocolOf(endpoint.api) ?? "openai"];
  return { provider, model: model ?? usual ?? "text-embedding-3-small" };
}

const usualModels: Readonly<Record<EmbeddingApi, string>> = {
  openai: "text-embedding-3-small",
  google: "gemini-embedding-001",
  ollama: "nomic-embed-text",
};

function openEndpoint(
  wanted: EmbeddingModel,
  { endpointOf, profiles, egress, priceOf, pay }: EmbeddingSourceDeps,
): EmbeddingEndpoint {
  const endpoint = endpointOf(wanted.provider);
  if (endpoint === undefined) {
    throw new AppError("MODEL_001", `There is no model provider named ${JSON.stringify(wanted.provider)}.`);
  }
  const api = protocolOf(endpoint.api);
  if (api === null) {
    throw new AppError("MODEL_008", `The provider ${wanted.provider} makes no vectors: its protocol has none.`);
  }
  const { provider, model: id } = wanted;
  // Whoever opened it keeps it: a price that is told later is the price of the calls from then on.
  const priced = () => ({ ref: `${provider}/${id}`, provider, id, maxTokens: null, price: priceOf(endpoint, id) });
  return {
    ...wanted,
    api,
    paid: (call, ask) => pay({ ...call, purpose: "memory", model: priced() }, ask, ({ inputTokens }) => inputTokens),
    url: urlOf(api, endpoint),
    fetch: egress.trustedFetch(addressesOf(endpoint)),
    headers: () => headersOf(api, endpoint, profiles),
  };
}

function protocolOf(api: ProviderEndpoint["api"]): EmbeddingApi | null {
  switch (api) {
    case "openai-completions":
    case "openai-responses":
    case "openrouter":
      return "openai";
    case "google-generative-ai":
      return "google";
    case "ollama":
      return "ollama";
    default:
      return null;
  }
}

function urlOf(api: EmbeddingApi, { baseUrl }: ProviderEndpoint): string {
  const base = (baseUrl ?? ownAddresses[api]).replace(/\/+$/, "");
  if (api === "ollama") return base.replace(/\/(v1|api)$/, "");
  if (api === "google") return /\/v\d\w*$/.test(base) ? base : `${base}/v1beta`;
  return base;
}

const ownAddresses: Readonly<Record<EmbeddingApi, string>> = {
  openai: "https://api.openai.com/v1",
  google: "https://generativelanguage.googleapis.com",
  ollama: "http://127.0.0.1:11434",
};

/** The login of the moment, in the place where the protocol has it. */
async function headersOf(
  api: EmbeddingApi,
  endpoint: ProviderEndpoint,
  profiles: EmbeddingSourceDeps["profiles"],
): Promise<Readonly<Record<string, string>>> {
  const logins = profiles.of(endpoint.id);
  const login = logins.find(({ state }) => state !== "expired") ?? logins[0];
  const credential: Credential = login === undefined ? { kind: "none" } : await profiles.credential(login.id);
  const { apiKey, headers } = withCredential(endpoint, credential);
  if (apiKey === null) return headers;
  const isKey = api === "google" && credential.kind !== "bearer";
  return { ...headers, ...(isKey ? { "x-goog-api-key": apiKey } : { authorization: `Bearer ${apiKey}` }) };
}
