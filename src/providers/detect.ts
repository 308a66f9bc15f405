/**
 * What a first start finds without any configuration: keys in the environment, AWS's too, at once; Ollama on this host, when
 * asked, within 300 ms. Holds what was found; never waits on the start path and never fails.
 */
import type { ModelInfo } from "../domain/conversation.ts";
import { limits } from "../domain/limits.ts";
import { bedrockAddress, openRouterAddress } from "./addresses.ts";
import type { ProviderDeps, ProviderEndpoint } from "./contract.ts";
import { defaultModels } from "./default-models.ts";
import { providerModule } from "./registry.ts";

/** As the environment has them; null where unset. */
export interface FoundKeys {
  readonly openai: string | null;
  readonly anthropic: string | null;
  readonly gemini: string | null;
  readonly openrouter: string | null;
}

/** Keys of AWS as the environment has them; null where unset. */
export interface FoundAws {
  readonly accessKeyId: string | null;
  readonly secretAccessKey: string | null;
  readonly sessionToken: string | null;
  /** A key of Bedrock's own. */
  readonly bearerToken: string | null;
  readonly region: string | null;
}

export interface DetectedProvider {
  readonly endpoint: ProviderEndpoint;
  /** In order of preference. */
  readonly models: readonly ModelInfo[];
}

export interface Detection {
  /** What is known now: keyed providers first, in a fixed order, then Ollama, then what AWS's keys reach. */
  current(): readonly DetectedProvider[];
  /** Looks for Ollama. Resolves with whether `current` says something else now; never rejects, never takes over 300 ms. */
  refresh(signal?: AbortSignal): Promise<boolean>;
}

export function detectProviders(
  found: { keys: FoundKeys; ollamaHost: string | null; aws?: FoundAws },
  deps: ProviderDeps,
): Detection {
  const bedrock = bedrockEndpoint(found.aws);
  // Keys of AWS may be there for anything: a model at hand goes first. A key of Bedrock's own is there for this.
  const [chosen, ambient] = found.aws?.bearerToken === null ? [[], bedrock] : [bedrock, []];
  const keyed = withModels([...keyedEndpoints(found.keys), ...chosen]);
  const last = withModels(ambient);
  const ollama = ollamaEndpoint(found.ollamaHost);
  let local: readonly ModelInfo[] = [];
  return {
    current: () => [...keyed, ...(local.length === 0 ? [] : [{ endpoint: ollama, models: local }]), ...last],
    refresh: async (signal) => {
      const models = await installedModels(ollama, deps, signal);
      const changed = models.map(({ ref }) => ref).join("\n") !== local.map(({ ref }) => ref).join("\n");
      local = models;
      return changed;
    },
  };
}

function withModels(endpoints: readonly ProviderEndpoint[]): readonly DetectedProvider[] {
  return endpoints.map((endpoint) => ({ endpoint, models: defaultModels(endpoint) }));
}

/** Where Ollama listens when nobody says otherwise. An address to listen on is not one to call. */
export function ollamaEndpoint(host: string | null): ProviderEndpoint {
  const given = host === null || host === "" ? "http://127.0.0.1:11434" : host;
  const address = /^https?:\/\//.test(given) ? given : `http://${given}`;
  const url = URL.canParse(address) ? new URL(address) : new URL("http://127.0.0.1:11434");
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  if (url.port === "" && url.protocol === "http:") url.port = "11434";
  return { id: "ollama", api: "ollama", baseUrl: url.href.replace(/\/$/, ""), apiKey: null, headers: {} };
}

/** Providers that need nothing but a login: where each is. In the order in which they are preferred. */
const services: Readonly<Record<string, Pick<ProviderEndpoint, "api" | "baseUrl">>> = {
  anthropic: { api: "anthropic-messages", baseUrl: null },
  openai: { api: "openai-responses", baseUrl: null },
  google: { api: "google-generative-ai", baseUrl: null },
  openrouter: { api: "openrouter", baseUrl: openRouterAddress },
  "github-copilot": { api: "github-copilot", baseUrl: null },
};

/** The public service of this name with its usual models, for somebody who has stored a login and set nothing else. */
export function serviceOf(id: string): DetectedProvider | undefined {
  if (!Object.hasOwn(services, id)) return undefined;
  const endpoint = serviceEndpoint(id, null);
  return { endpoint, models: defaultModels(endpoint) };
}

function serviceEndpoint(id: string, apiKey: string | null): ProviderEndpoint {
  const { api, baseUrl } = services[id] as (typeof services)[string];
  return { id, api, baseUrl, apiKey, headers: {} };
}

function keyedEndpoints(keys: FoundKeys): readonly ProviderEndpoint[] {
  const found: Readonly<Record<string, string | null>> = { ...keys, google: keys.gemini };
  return Object.keys(services).flatMap((id) => {
    const apiKey = found[id]?.trim() ?? "";
    return apiKey === "" ? [] : [serviceEndpoint(id, apiKey)];
  });
}

/** Nobody is asked: without a region there is no address, and a region that somebody guessed is another bill. */
function bedrockEndpoint(found: FoundAws | undefined): readonly ProviderEndpoint[] {
  if (found === undefined || found.region === null) return [];
  const { accessKeyId, secretAccessKey, sessionToken, bearerToken, region } = found;
  const base = {
    id: "amazon-bedrock",
    api: "bedrock-converse-stream",
    baseUrl: bedrockAddress(region),
    headers: {},
  } as const;
  if (bearerToken !== null) return [{ ...base, apiKey: bearerToken }];
  if (accessKeyId === null || secretAccessKey === null) return [];
  return [{ ...base, apiKey: null, aws: { region, accessKeyId, secretAccessKey, sessionToken } }];
}

async function installedModels(
  endpoint: ProviderEndpoint,
  deps: ProviderDeps,
  outer?: AbortSignal,
): Promise<readonly ModelInfo[]> {
  const late = new AbortController();
  const signal = outer === undefined ? late.signal : AbortSignal.any([late.signal, outer]);
  const given = Promise.withResolvers<readonly ModelInfo[]>();
  // A fetch that ignores its signal must not hold the answer up.
  signal.addEventListener("abort", () => given.resolve([]), { once: true });
  const timer = deps.clock.after(limits.modelProbeMs, () => late.abort());
  // Nobody there is the usual case and no news: the list is empty then.
  listed(endpoint, deps, signal).then(given.resolve, () => given.resolve([]));
  try {
    return await given.promise;
  } finally {
    timer.cancel();
  }
}

async function listed(
  endpoint: ProviderEndpoint,
  deps: ProviderDeps,
  signal: AbortSignal,
): Promise<readonly ModelInfo[]> {
  const provider = (await providerModule("ollama")).open(endpoint, deps);
  return (await provider.listModels?.(signal)) ?? [];
}
