/**
 * The models in force and the way to each: configured ones, found ones, or the demo model. A provider is opened when
 * it is first used, and anew when its settings changed.
 */
import type { Config } from "../config/schema/root.ts";
import type { Environment } from "../config/environment.ts";
import { AppError } from "../domain/app-error.ts";
import type { Clock } from "../platform/clock.ts";
import { createEgress } from "../platform/egress.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { createCatalogue, type ProviderCatalogue } from "../providers/catalogue.ts";
import type { ModelProvider, ProviderDeps, ProviderEndpoint } from "../providers/contract.ts";
import { detectProviders, ollamaEndpoint } from "../providers/detect.ts";
import { providerModule } from "../providers/registry.ts";

export interface Models {
  /** Of this moment: a change of the configuration gives another one. */
  catalogue(): ProviderCatalogue;
  /** Throws MODEL_001 where the configuration names no such provider. */
  provider(id: string): Promise<ModelProvider>;
  demoOnly(): boolean;
  /** Begins to look for what runs on this host; does not wait for it. */
  start(): void;
  /** Resolves when the first look is over, within 300 ms of the start. */
  readonly looked: Promise<void>;
  close(): Promise<void>;
}

export interface ModelsDeps {
  readonly environment: () => Environment;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

export function createModels({ environment, config, clock, ids, log }: ModelsDeps): Models {
  const egress = createEgress({ allowPrivate: () => false, log: log.child("egress") });
  const { providerKeys, ollamaHost } = environment();
  const providerDeps = (endpoint: Pick<ProviderEndpoint, "api" | "baseUrl">): ProviderDeps => ({
    fetch: egress.trustedFetch([endpoint.baseUrl ?? publicAddress(endpoint.api)]),
    clock,
    ids,
  });
  const detection = detectProviders({ keys: providerKeys, ollamaHost }, providerDeps(ollamaEndpoint(ollamaHost)));
  const opened = new Map<string, { readonly endpoint: ProviderEndpoint; readonly provider: Promise<ModelProvider> }>();
  const first = Promise.withResolvers<void>();
  let made: { readonly config: Config; readonly catalogue: ProviderCatalogue } | undefined;

  function catalogue(): ProviderCatalogue {
    const current = config();
    if (made?.config !== current) made = { config: current, catalogue: createCatalogue(current, detection.current()) };
    return made.catalogue;
  }

  async function look(): Promise<void> {
    if (await detection.refresh()) made = undefined;
    first.resolve();
  }

  return {
    catalogue,
    provider(id) {
      const endpoint = catalogue().endpoint(id);
      if (endpoint === undefined)
        return Promise.reject(new AppError("MODEL_001", `There is no model provider named ${JSON.stringify(id)}.`));
      const known = opened.get(id);
      if (known !== undefined && sameEndpoint(known.endpoint, endpoint)) return known.provider;
      const provider = providerModule(endpoint.api).then((module) => module.open(endpoint, providerDeps(endpoint)));
      opened.set(id, { endpoint, provider });
      // A module that cannot be loaded now may be loadable later: the failure is told, not kept.
      provider.catch(() => {
        if (opened.get(id)?.provider === provider) opened.delete(id);
      });
      return provider;
    },
    demoOnly: () => catalogue().isDemo,
    start: () => void look(),
    looked: first.promise,
    close: () => egress.close(),
  };
}

/** A provider's own service asks for a key; an address that somebody set may ask for nothing, and says so if it does. */
export function needsLogin(endpoint: ProviderEndpoint | undefined): boolean {
  if (endpoint === undefined || endpoint.baseUrl !== null || Object.keys(endpoint.headers).length > 0) return false;
  return endpoint.api !== "ollama" && endpoint.api !== "demo" && endpoint.api !== "bedrock-converse-stream";
}

function sameEndpoint(left: ProviderEndpoint, right: ProviderEndpoint): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}

/** Where a protocol's own service is, for providers that are configured without an address. */
function publicAddress(api: ProviderEndpoint["api"]): string {
  switch (api) {
    case "anthropic-messages":
      return "https://api.anthropic.com";
    case "google-generative-ai":
      return "https://generativelanguage.googleapis.com";
    case "ollama":
      return ollamaEndpoint(null).baseUrl ?? "";
    default:
      return "https://api.openai.com";
  }
}
