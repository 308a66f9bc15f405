/**
 * Which models there are and where each is reached: configured ones first, then the ones found, then those that a
 * provider's own list names, and the demo model where there is no other. One immutable catalogue per configuration,
 * detection and lists; it asks nobody.
 */
import type { Config } from "../config/schema/root.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { regionOfAddress } from "./addresses.ts";
import { followAlias, type FollowedAlias } from "./alias.ts";
import type { ProviderEndpoint } from "./contract.ts";
import { defaultModels, demoEndpoint, demoModel, describedModel, type ModelSettings } from "./default-models.ts";
import { ollamaEndpoint, type DetectedProvider } from "./detect.ts";

export interface ProviderCatalogue {
  /** The one to begin with first. */
  list(): readonly ModelInfo[];
  /** By `provider/id`, alias (of any case, of an alias too) or bare id, in this order. Undefined where unknown. */
  find(name: string): ModelInfo | undefined;
  /** The names of a chain of aliases that comes back to itself, from this one; null where it does not. */
  circleOf(name: string): readonly string[] | null;
  /**
   * The agent's own model, else the common one, else the first of the list. Undefined where one is configured that
   * does not exist: another is never taken in silence.
   */
  primary(agentId: string): ModelInfo | undefined;
  /** What is tried after the primary, in order; unknown ones left out. */
  fallbacks(agentId: string): readonly ModelInfo[];
  endpoint(providerId: string): ProviderEndpoint | undefined;
  /** All of them, in the order of their models. */
  endpoints(): readonly ProviderEndpoint[];
  /** True while the demo model is all there is. */
  readonly isDemo: boolean;
}

type CatalogueConfig = Pick<Config, "models" | "agents">;

/** What a provider says of its own models; empty where nobody has asked it. */
export type ListedModels = (endpoint: ProviderEndpoint) => readonly ModelInfo[];

export function createCatalogue(
  config: CatalogueConfig,
  detected: readonly DetectedProvider[],
  listed: ListedModels = () => [],
): ProviderCatalogue {
  const providers = withNamedModels(config, knownProviders(config, detected, listed), listed);
  const isDemo = providers.every(({ models }) => models.length === 0);
  const all = isDemo ? [...providers, { endpoint: demoEndpoint, models: [demoModel] }] : providers;
  const named = all.flatMap((provider) => provider.models);
  const refs = new Set(named.map(({ ref }) => ref));
  // Behind all others, and by their whole reference alone: what a list brings never takes a name from anybody.
  const models = [...named, ...all.flatMap(({ endpoint }) => listed(endpoint).filter(({ ref }) => !refs.has(ref)))];
  const follow = follower(models, aliasesOf(config));
  const find = finder(models, named, follow);
  const agentOf = (agentId: string): CatalogueConfig["agents"]["list"][number] | undefined =>
    config.agents.list.find(({ id }) => id === agentId);
  return {
    list: () => models,
    find,
    circleOf: (name) => follow(name).circle ?? null,
    primary: (agentId) => {
      const wanted = agentOf(agentId)?.model ?? config.agents.defaults.model.primary;
      return wanted === undefined ? models[0] : find(wanted);
    },
    fallbacks: (agentId) =>
      (agentOf(agentId)?.fallbacks ?? config.agents.defaults.model.fallbacks).flatMap((name) => find(name) ?? []),
    endpoints: () => all.map(({ endpoint }) => endpoint),
    endpoint: (providerId) => all.find(({ endpoint }) => endpoint.id === providerId)?.endpoint,
    isDemo,
  };
}

/** Configured ones in their order; a found one of the same name lends its key, but only to its own address. */
function knownProviders(
  config: CatalogueConfig,
  detected: readonly DetectedProvider[],
  listed: ListedModels,
): readonly DetectedProvider[] {
  const configured = Object.entries(config.models.providers).map(([id, settings]) => {
    const found = detected.find(({ endpoint }) => endpoint.id === id && isSameService(endpoint, settings))?.endpoint;
    const baseUrl = settings.baseUrl ?? found?.baseUrl ?? null;
    const isLent = found !== undefined && (baseUrl === found.baseUrl || isOfAws(found, baseUrl));
    const lent = isLent ? found.apiKey : null;
    const endpoint: ProviderEndpoint = {
      id,
      api: settings.api,
      baseUrl,
      apiKey: settings.apiKey ?? lent,
      headers: settings.headers,
      ...(isLent && found.aws !== undefined ? { aws: found.aws } : {}),
    };
    const list = byId(listed(endpoint));
    const models =
      settings.models.length === 0
        ? defaultModels(endpoint)
        : settings.models.map((model) => describedModel(endpoint, said(model), list.get(model.id)));
    return { endpoint, models };
  });
  if (config.models.mode === "replace") return configured;
  const taken = new Set(configured.map(({ endpoint }) => endpoint.id));
  return [...configured, ...detected.filter(({ endpoint }) => !taken.has(endpoint.id))];
}

function byId(models: readonly ModelInfo[]): ReadonlyMap<string, ModelInfo> {
  return new Map(models.map((model) => [model.id, model]));
}

type ConfiguredProvider = CatalogueConfig["models"]["providers"][string];

/** By its protocol, or by its address where the configuration prefers another protocol at the same one. */
function isSameService(found: ProviderEndpoint, { api, baseUrl }: ConfiguredProvider): boolean {
  return found.api === api || (baseUrl !== undefined && baseUrl === found.baseUrl);
}

/** AWS's keys are good in each of its regions. */
function isOfAws(found: ProviderEndpoint, baseUrl: string | null): boolean {
  const url = baseUrl === null ? null : URL.parse(baseUrl);
  return (
    found.api === "bedrock-converse-stream" && url?.protocol === "https:" && regionOfAddress(url.href) !== undefined
  );
}

type ConfiguredModel = CatalogueConfig["models"]["providers"][string]["models"][number];

/**
 * The schema fills in "reads text, does not think" where nothing is said. For a model whose abilities are known that is
 * no word of the person's, so it is taken back.
 */
function said(model: ConfiguredModel): ModelSettings {
  const { reasoning, input, ...rest } = model;
  const isTextOnly = input.length === 1 && input[0] === "text";
  return { ...rest, ...(reasoning ? { reasoning } : {}), ...(isTextOnly ? {} : { input }) };
}

/**
 * A model that the configuration names exists at its provider although nobody lists it: a router has hundreds, and
 * Ollama may not have been found yet.
 */
function withNamedModels(
  config: CatalogueConfig,
  providers: readonly DetectedProvider[],
  listed: ListedModels,
): readonly DetectedProvider[] {
  const named = namedRefs(config);
  const wantsOllama =
    named.some((ref) => ref.startsWith("ollama/")) && !providers.some(({ endpoint }) => endpoint.id === "ollama");
  const all = wantsOllama ? [...providers, { endpoint: ollamaEndpoint(null), models: [] }] : providers;
  return all.map(({ endpoint, models }) => {
    const known = new Set(models.map(({ ref }) => ref));
    const list = byId(listed(endpoint));
    const added = named
      .filter((ref) => ref.startsWith(`${endpoint.id}/`) && !known.has(ref))
      .map((ref) => ref.slice(endpoint.id.length + 1));
    return { endpoint, models: [...models, ...added.map((id) => describedModel(endpoint, { id }, list.get(id)))] };
  });
}

function namedRefs({ agents }: CatalogueConfig): readonly string[] {
  const { primary, fallbacks } = agents.defaults.model;
  const ofAgents = agents.list.flatMap(({ model, fallbacks: own }) => [model, ...(own ?? [])]);
  const { imageModel, models } = agents.defaults;
  const named = [primary, ...fallbacks, imageModel, ...Object.keys(models), ...ofAgents];
  return [...new Set(named.filter((ref) => ref !== undefined))];
}

function aliasesOf({ agents }: CatalogueConfig): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(agents.defaults.models).flatMap(([ref, { alias }]) =>
      alias === undefined ? [] : [[alias.toLowerCase(), ref]],
    ),
  );
}

function follower(models: readonly ModelInfo[], aliases: ReadonlyMap<string, string>): (name: string) => FollowedAlias {
  const refs = new Set(models.map(({ ref }) => ref));
  return (name) => followAlias(name, aliases, (known) => refs.has(known));
}

function finder(
  models: readonly ModelInfo[],
  named: readonly ModelInfo[],
  follow: (name: string) => FollowedAlias,
): (name: string) => ModelInfo | undefined {
  const byRef = new Map(models.map((model) => [model.ref, model]));
  // The first of a bare id wins: configured before found.
  const byBareId = byId(named.toReversed());
  return (name) => {
    const known = byRef.get(name);
    if (known !== undefined) return known;
    const end = follow(name).name;
    return end === undefined ? undefined : (byRef.get(end) ?? byBareId.get(end));
  };
}
