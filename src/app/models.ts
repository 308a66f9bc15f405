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
import { addressesOf } from "../providers/addresses.ts";
import { createCatalogue, type ProviderCatalogue } from "../providers/catalogue.ts";
import type { ModelProvider, ProviderDeps, ProviderEndpoint } from "../providers/contract.ts";
import { detectProviders, ollamaEndpoint } from "../providers/detect.ts";
import { createModelLists, type ModelListStore } from "../providers/model-lists.ts";
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
  /** Where the providers' own lists of models are kept. */
  readonly listStore: ModelListStore;
}

export function createModels({ environment, config, clock, ids, log, listStore }: ModelsDeps): Models {
  const egress = createEgress({ allowPrivate: () => false, log: log.child("egress") });
  const { providerKeys, ollamaHost, aws } = environment();
  const providerDeps = (endpoint: ProviderEndpoint): ProviderDeps => ({
    fetch: egress.trustedFetch(addressesOf(endpoint)),
    clock,
    ids,
  });
  const detection = detectProviders({ keys: providerKeys, ollamaHost, aws }, providerDeps(ollamaEndpoint(ollamaHost)));
  const lists = createModelLists({
    endpoints: () => catalogue().endpoints(),
    open: ({ id }) => provider(id),
    store: listStore,
    clock,
    log: log.child("models"),
    changed: () => {
      made = undefined;
    },
  });
  const opened = new Map<string, { readonly endpoint: ProviderEndpoint; readonly provider: Promise<ModelProvider> }>();
  const first = Promise.withResolvers<void>();
  let made: { readonly config: Config; readonly catalogue: ProviderCatalogue } | undefined;

  function catalogue(): ProviderCatalogue {
    const current = config();
    if (made?.config !== current)
      made = { config: current, catalogue: createCatalogue(current, detection.current(), lists.of) };
    return made.catalogue;
  }

  async function look(): Promise<void> {
    if (await detection.refresh()) made = undefined;
    first.resolve();
  }

  function provider(id: string): Promise<ModelProvider> {
    const endpoint = catalogue().endpoint(id);
    if (endpoint === undefined)
      return Promise.reject(new AppError("MODEL_001", `There is no model provider named ${JSON.stringify(id)}.`));
    const known = opened.get(id);
    if (known !== undefined && sameEndpoint(known.endpoint, endpoint)) return known.provider;
    const opening = providerModule(endpoint.api).then((module) => module.open(endpoint, providerDeps(endpoint)));
    opened.set(id, { endpoint, provider: opening });
    // A module that cannot be loaded now may be loadable later: the failure is told, not kept.
    opening.catch(() => {
      if (opened.get(id)?.provider === opening) opened.delete(id);
    });
    return opening;
  }

  return {
    catalogue,
    provider,
    demoOnly: () => catalogue().isDemo,
    start() {
      void look();
      lists.start();
    },
    looked: first.promise,
    close() {
      lists.close();
      return egress.close();
    },
  };
}

function sameEndpoint(left: ProviderEndpoint, right: ProviderEndpoint): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}
