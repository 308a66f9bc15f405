/**
 * The models in force and the way to each: configured ones, found ones, those of stored logins, or the demo model. A
 * provider is opened when it is first used by a login, and anew when its settings or the login's secret changed.
 */
import type { MissingSecret } from "../config/contract.ts";
import type { Config } from "../config/schema/root.ts";
import type { Environment } from "../config/environment.ts";
import type { ProfileDesk } from "../credentials/auth-profiles.ts";
import type { AuthProfiles, Credential, Vault } from "../credentials/contract.ts";
import type { ProviderLogin } from "../credentials/profiles/ambient-profiles.ts";
import { bearerFetch, withCredential } from "../credentials/profiles/with-credential.ts";
import { AppError } from "../domain/app-error.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import type { EventBus } from "../domain/events.ts";
import { limits } from "../domain/limits.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import { createEgress, type Egress } from "../platform/egress.ts";
import type { Ids } from "../platform/ids.ts";
import { isListening } from "../platform/ports.ts";
import type { Log } from "../platform/log.ts";
import { addressesOf } from "../providers/addresses.ts";
import { createCatalogue, type ProviderCatalogue } from "../providers/catalogue.ts";
import type { ModelProvider, ProviderDeps, ProviderEndpoint } from "../providers/contract.ts";
import {
  detectProviders,
  ollamaEndpoint,
  serviceOf,
  type DetectedProvider,
  type Detection,
} from "../providers/detect.ts";
import { createModelLists, type ModelListStore } from "../providers/model-lists.ts";
import { providerModule } from "../providers/registry.ts";
import { openProfiles } from "./profiles.ts";

export interface Models {
  /** Of this moment: a change of the configuration gives another one. */
  catalogue(): ProviderCatalogue;
  /** By the first login there is. Throws MODEL_001 where the configuration names no such provider. */
  provider(id: string): Promise<ModelProvider>;
  /**
   * By this login; null for an endpoint that needs none. Throws MODEL_001 as `provider` does, and what
   * `AuthProfiles.credential` throws.
   */
  open(model: Pick<ModelInfo, "provider">, profileId: string | null): Promise<ModelProvider>;
  readonly profiles: ProfileDesk;
  demoOnly(): boolean;
  /** Begins to look for what runs on this host and for stored logins; does not wait for it. */
  start(): void;
  /** Resolves when the first look is over, within a second of the start. */
  readonly looked: Promise<void>;
  close(): Promise<void>;
}

export interface ModelsDeps {
  readonly environment: () => Environment;
  readonly config: () => Config;
  /** References of the configuration in force that lead to no secret. */
  readonly missingSecrets: () => readonly MissingSecret[];
  readonly vault: Vault;
  readonly bus: Pick<EventBus, "emit">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Told every secret before a provider gets it. */
  readonly redact: (secret: string) => void;
  /** Where the providers' own lists of models are kept. */
  readonly listStore: ModelListStore;
}

export function createModels(deps: ModelsDeps): Models {
  const { environment, config, missingSecrets, clock, ids, log } = deps;
  const egress = createEgress({ allowPrivate: () => false, log: log.child("egress") });
  const { providerKeys, ollamaHost, aws } = environment();
  const providerDeps = createProviderDeps(egress, { clock, ids });
  const ollama = ollamaEndpoint(ollamaHost);
  const detection = detectProviders({ keys: providerKeys, ollamaHost, aws }, providerDeps(ollama));
  const profiles = openProfiles({ ...deps, logins: () => current().logins, egress });
  const opened = openedProviders(providerDeps);
  const first = Promise.withResolvers<void>();
  let made: Made | undefined;
  let later: Timer | undefined;
  const changed = (): void => void (made = undefined);
  const lists = createModelLists({
    endpoints: () => catalogue().endpoints(),
    open: ({ id }) => open({ provider: id }, firstUsable(profiles, id)),
    store: deps.listStore,
    clock,
    log: log.child("models"),
    changed,
  });
  profiles.subscribe(changed);

  function current(): Made {
    const inForce = config();
    if (made?.config !== inForce) {
      const found = withStored(detection.current(), profiles.storedProviders());
      made = {
        config: inForce,
        catalogue: createCatalogue(inForce, found, lists.of),
        logins: providerLogins(inForce, found),
      };
    }
    return made;
  }

  const catalogue = (): ProviderCatalogue => current().catalogue;
  async function look(): Promise<void> {
    lists.start();
    const [isNews] = await Promise.all([findLocal(ollama, detection), profiles.looked]);
    if (isNews) changed();
    first.resolve();
  }

  async function open({ provider: id }: Pick<ModelInfo, "provider">, profileId: string | null): Promise<ModelProvider> {
    const endpoint = catalogue().endpoint(id);
    if (endpoint === undefined)
      throw new AppError("MODEL_001", `There is no model provider named ${JSON.stringify(id)}.`);
    refuseForeign(id, profileId, missingSecrets());
    if (profileId === null) return opened(endpoint, undefined);
    const credential = await profiles.credential(profileId);
    return opened({ ...withCredential(endpoint, credential), profileId }, credential);
  }

  return {
    catalogue,
    open,
    provider: async (id) => open({ provider: id }, firstUsable(profiles, id)),
    profiles,
    demoOnly: () => catalogue().isDemo,
    start() {
      profiles.start();
      // Whoever is at the door goes first.
      later = clock.after(limits.modelLookDelayMs, () => void look());
    },
    looked: first.promise,
    async close() {
      later?.cancel();
      lists.close();
      await profiles.close();
      await egress.close();
    },
  };
}

/** Where nobody listens, which is usual, the HTTP library is not loaded to hear it. */
async function findLocal({ baseUrl }: ProviderEndpoint, detection: Detection): Promise<boolean> {
  return baseUrl !== null && (await isListening(new URL(baseUrl), limits.modelProbeMs)) && detection.refresh();
}

type MakeProviderDeps = (endpoint: ProviderEndpoint, credential?: Credential) => ProviderDeps;

function createProviderDeps(egress: Egress, world: Pick<ModelsDeps, "clock" | "ids">): MakeProviderDeps {
  return (endpoint, credential) => {
    const fetch = egress.trustedFetch(addressesOf(endpoint));
    return { fetch: credential === undefined ? fetch : bearerFetch(fetch, endpoint.api, credential), ...world };
  };
}

/** Throws where a secret of the provider's settings is missing, or the login is another provider's. */
function refuseForeign(id: string, profileId: string | null, missing: readonly MissingSecret[]): void {
  const lack = missing.find(({ keys }) => keys[0] === "models" && keys[2] === id && needs(keys, id, profileId));
  // Without its secret it is not asked at all: it would refuse, again and again.
  if (lack !== undefined) throw new AppError(lack.code, `${lack.path} ${lack.message}`);
  // A login goes to its own provider's address and to no other.
  if (profileId === null || profileId.slice(0, profileId.lastIndexOf(":")) === id) return;
  const details = { reason: "auth", profileId };
  throw new AppError("MODEL_002", `The login ${profileId} is none of the provider ${id}.`, { details });
}

/** A provider's own service asks for a key; an address that somebody set may ask for nothing, and says so if it does. */
export function needsLogin(endpoint: ProviderEndpoint | undefined): boolean {
  if (endpoint === undefined || endpoint.baseUrl !== null || Object.keys(endpoint.headers).length > 0) return false;
  return endpoint.api !== "ollama" && endpoint.api !== "demo" && endpoint.api !== "bedrock-converse-stream";
}

/** What follows from one configuration, one look around and one list of stored logins. */
interface Made {
  readonly config: Config;
  readonly catalogue: ProviderCatalogue;
  readonly logins: readonly ProviderLogin[];
}

/**
 * A login is stored for a service that nothing else names: it is there, with its usual models. Behind those whose key
 * the environment has, and before what was only found on this host.
 */
function withStored(
  detected: readonly DetectedProvider[],
  storedProviders: readonly string[],
): readonly DetectedProvider[] {
  const known = new Set(detected.map(({ endpoint }) => endpoint.id));
  const stored = storedProviders.flatMap((id) => (known.has(id) ? [] : (serviceOf(id) ?? [])));
  const isKeyed = ({ endpoint }: DetectedProvider): boolean => endpoint.apiKey !== null;
  return [...detected.filter(isKeyed), ...stored, ...detected.filter((one) => !isKeyed(one))];
}

function firstUsable(profiles: AuthProfiles, providerId: string): string | null {
  const all = profiles.of(providerId);
  return (all.find(({ state }) => state !== "expired") ?? all[0])?.id ?? null;
}

/** One open provider per login: a fresh token replaces the one before it, and another login does not. */
function openedProviders(
  depsOf: MakeProviderDeps,
): (endpoint: ProviderEndpoint, credential: Credential | undefined) => Promise<ModelProvider> {
  const opened = new Map<string, { readonly endpoint: ProviderEndpoint; readonly provider: Promise<ModelProvider> }>();
  return (endpoint, credential) => {
    const key = `${endpoint.id} ${endpoint.profileId ?? ""}`;
    const known = opened.get(key);
    if (known !== undefined && sameEndpoint(known.endpoint, endpoint)) return known.provider;
    const provider = providerModule(endpoint.api).then((module) => module.open(endpoint, depsOf(endpoint, credential)));
    opened.set(key, { endpoint, provider });
    // A module that cannot be loaded now may be loadable later: the failure is told, not kept.
    provider.catch(() => {
      if (opened.get(key)?.provider === provider) opened.delete(key);
    });
    return provider;
  };
}

/** The provider's own key is needed by whoever uses it; everything else that is set goes with every request. */
function needs(keys: MissingSecret["keys"], id: string, profileId: string | null): boolean {
  return keys[3] !== "apiKey" || profileId === null || profileId === `${id}:config`;
}

/** What settings and environment say of each provider; a found key goes to the address it was found for alone. */
function providerLogins(config: Config, found: readonly DetectedProvider[]): readonly ProviderLogin[] {
  const configured = Object.entries(config.models.providers).map(([id, settings]) => {
    const same = found.find(({ endpoint }) => endpoint.id === id && endpoint.api === settings.api)?.endpoint;
    const isThere = same !== undefined && (settings.baseUrl ?? same.baseUrl) === same.baseUrl;
    return loginOf(id, settings.api, settings.apiKey ?? null, isThere ? same.apiKey : null);
  });
  const taken = new Set(configured.map(({ id }) => id));
  const others = config.models.mode === "replace" ? [] : found.filter(({ endpoint }) => !taken.has(endpoint.id));
  return [...configured, ...others.map(({ endpoint }) => loginOf(endpoint.id, endpoint.api, null, endpoint.apiKey))];
}

function loginOf(
  id: string,
  api: ProviderEndpoint["api"],
  configKey: string | null,
  environmentKey: string | null,
): ProviderLogin {
  return { id, usesAws: api === "bedrock-converse-stream", configKey, environmentKey };
}

function sameEndpoint(left: ProviderEndpoint, right: ProviderEndpoint): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}
