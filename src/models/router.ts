/**
 * The query router: which tier a question belongs to, and which model stands for a tier. A stage that can be left out:
 * off unless the configuration or the session asks for it. Deterministic: the same words, settings and models give the
 * same tier and model, and the signs say why.
 */
import type { Config } from "../config/schema/root.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { complexityOf, type Complexity } from "./complexity.ts";
import type { ProviderCatalogue } from "../providers/catalogue.ts";
import type { Tier } from "../domain/tier.ts";
import type { ChoiceRequest } from "./contract.ts";

export interface RouteRequest {
  /** What the person wrote. */
  readonly text: string;
  /** What the session insists on; absent: as configured. */
  readonly sessionRouting?: "auto" | "off" | Tier | undefined;
}

export interface Route {
  readonly tier: Tier;
  /** Null where the session named the tier: nobody looked at the words. */
  readonly complexity: Complexity | null;
  /** A sentence for the decision log. */
  readonly why: string;
}

type RouterConfig = Config["router"];

/** Null where nothing is routed. */
export function routeQuery({ text, sessionRouting }: RouteRequest, router: RouterConfig): Route | null {
  if (sessionRouting === "off") return null;
  if (sessionRouting !== undefined && sessionRouting !== "auto") {
    return { tier: sessionRouting, complexity: null, why: `the session is set to ${sessionRouting}` };
  }
  if (sessionRouting === undefined && !router.enabled) return null;
  const complexity = complexityOf(text);
  const tier = tierOf(complexity.score, router.thresholds);
  const signs = complexity.signs.slice(0, 3).map(({ sign }) => sign);
  return {
    tier,
    complexity,
    why: `${tier} at ${complexity.score.toFixed(2)}${signs.length === 0 ? "" : ` (${signs.join(", ")})`}`,
  };
}

/** A threshold belongs to the tier above it. Thresholds that cross leave the middle tier out. */
function tierOf(score: number, thresholds: RouterConfig["thresholds"]): Tier {
  if (score >= thresholds.capable) return "capable";
  return score >= thresholds.balanced ? "balanced" : "fast";
}

export interface TierModels {
  readonly tiers: RouterConfig["tiers"];
  /** The agent's own model: its provider is preferred. */
  readonly primary: ModelInfo;
  readonly models: readonly ModelInfo[];
  find(name: string): ModelInfo | undefined;
}

/**
 * The model of a tier: the configured one, looked for at the agent's own provider first; where none is configured, of that
 * provider's models with a known price the cheapest is fast and the dearest capable, and the agent's own is balanced.
 * Undefined where a configured one does not exist: another is never taken in silence.
 */
export function modelOfTier(tier: Tier, { tiers, primary, models, find }: TierModels): ModelInfo | undefined {
  const wanted = tiers[tier];
  if (wanted !== undefined) return find(`${primary.provider}/${wanted}`) ?? find(wanted);
  if (tier === "balanced") return primary;
  const priced = models
    .filter((model) => model.provider === primary.provider && priceOf(model) !== null)
    // A free one beside paid ones is a trial or a demo and not what somebody means by fast.
    .filter((model) => priceOf(model) !== 0 || priceOf(primary) === 0);
  const byPrice = priced.toSorted(
    (left, right) => (priceOf(left) ?? 0) - (priceOf(right) ?? 0) || (left.ref < right.ref ? -1 : 1),
  );
  const picked = tier === "fast" ? byPrice[0] : byPrice.at(-1);
  return picked === undefined || priceOf(picked) === priceOf(primary) ? primary : picked;
}

/** What an answer costs by and large: a question is read and a third of it written. Null where nobody knows. */
function priceOf({ price }: ModelInfo): number | null {
  return price === undefined ? null : price.input * 3 + price.output;
}

/** The router as a desk asks it. Null where nothing is routed, or where the tier has no model: the agent's own answers then. */
export function routeModel(
  request: Pick<ChoiceRequest, "agentId" | "text" | "sessionRouting">,
  { config, catalogue }: { readonly config: Config; readonly catalogue: ProviderCatalogue },
): { readonly model: ModelInfo; readonly tier: Tier; readonly score: number | null; readonly why: string } | null {
  const route = routeQuery(request, config.router);
  const primary = catalogue.primary(request.agentId);
  if (route === null || primary === undefined) return null;
  const { tiers } = config.router;
  const model = modelOfTier(route.tier, {
    tiers,
    primary,
    models: catalogue.list(),
    find: (name) => catalogue.find(name),
  });
  if (model === undefined) return null;
  return { model, tier: route.tier, score: route.complexity?.score ?? null, why: route.why };
}
