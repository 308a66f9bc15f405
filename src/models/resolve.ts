/**
 * From what is wanted to an order of candidates, in six steps: lookup, window, profile, key, attempt, fallback. Pure: the
 * same configuration, session and standings give the same order. Every line says which step spoke and why.
 */
import type { Config } from "../config/schema/root.ts";
import type { AuthProfile } from "../credentials/contract.ts";
import { AppError, type AppErrorJson } from "../domain/app-error.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import type { FailureReason } from "../domain/failure-reason.ts";
import type { ProviderCatalogue } from "../providers/catalogue.ts";
import { mayFallBack } from "./recovery.ts";
import type { Candidate, ChoiceRequest, Considered, FallbackTrigger, Standing } from "./contract.ts";

export interface ResolveWorld {
  readonly catalogue: Pick<ProviderCatalogue, "find" | "circleOf" | "list">;
  readonly agents: Config["agents"];
  readonly profilesOf: (providerId: string) => readonly AuthProfile[];
  /** False for endpoints that ask for nothing, or whose settings bring what they ask for. */
  readonly needsLogin: (providerId: string) => boolean;
  readonly standing: (candidate: Candidate) => Standing;
  /** Another login of the provider that could not pay, where this one may not pay instead; its name. */
  readonly unpaid: (candidate: Candidate) => string | null;
  /** Login by provider, of this session. */
  readonly pins: Readonly<Record<string, string>>;
  /** What the router chose, before the agent's own model; null where it did not look. */
  readonly routed: { readonly model: ModelInfo; readonly why: string } | null;
}

export interface Resolution {
  /** Best first; empty where there is none. */
  readonly candidates: readonly Candidate[];
  /** Left alone for a while, in their order. */
  readonly later: readonly Candidate[];
  readonly considered: readonly Considered[];
  readonly fallbackOn: readonly FallbackTrigger[];
  /** Why a candidate was skipped that may come back by itself: the earliest time. Null where none may. */
  readonly againMs: number | null;
  /** What kept the skipped ones away, for the words of an error. */
  readonly skipped: readonly SkippedCandidate[];
}

export interface SkippedCandidate {
  readonly model: string;
  readonly provider: string;
  readonly profileId: string | null;
  readonly reason: FailureReason;
  readonly untilMs: number | null;
}

/** Throws MODEL_001 where what is wanted does not exist or may not be chosen: another one is never taken in silence. */
export function resolveModels(request: ChoiceRequest, world: ResolveWorld): Resolution {
  const { fallbackOn } = world.agents.defaults.model;
  const walk = new Walk(request, world, fallbackOn);
  for (const wanted of wantedModels(request, world)) walk.consider(wanted);
  return walk.result();
}

/** The refusal of a name that a person chose; null where it is fine. */
export function refusalOf(
  name: string,
  { catalogue, agents }: Pick<ResolveWorld, "catalogue" | "agents">,
): AppErrorJson | null {
  const circle = catalogue.circleOf(name);
  if (circle !== null) {
    return unknownModel(`The alias ${JSON.stringify(name)} leads back to itself: ${circle.join(" → ")}.`, {});
  }
  const model = catalogue.find(name);
  if (model === undefined) return unknownModel(`The model ${JSON.stringify(name)} is not known.`, {});
  const allowed = allowedRefs({ catalogue, agents });
  if (allowed === null || allowed.has(model.ref)) return null;
  const list = [...allowed].toSorted();
  return unknownModel(`The model ${model.ref} may not be chosen here; these may: ${list.join(", ")}.`, {
    allowed: list,
  });
}

function unknownModel(message: string, details: Readonly<Record<string, unknown>>): AppErrorJson {
  return new AppError("MODEL_001", message, { details: { param: "model", ...details } }).toJSON();
}

/**
 * What may be chosen: the models under `agents.defaults.models`, and those that the configuration itself gives to agents,
 * since an alias for one model is no wish to be without the others. Null: everything.
 */
function allowedRefs({ catalogue, agents }: Pick<ResolveWorld, "catalogue" | "agents">): ReadonlySet<string> | null {
  const listed = Object.keys(agents.defaults.models);
  if (listed.length === 0) return null;
  const { primary, fallbacks } = agents.defaults.model;
  const given = agents.list.flatMap(({ model, fallbacks: own }) => [model, ...(own ?? [])]);
  const names = [...listed, primary, ...fallbacks, agents.defaults.imageModel, ...given];
  return new Set(names.flatMap((name) => (name === undefined ? [] : (catalogue.find(name)?.ref ?? []))));
}

interface WantedModel {
  readonly name: string;
  readonly model: ModelInfo | undefined;
  readonly why: string;
}

/** In their order, each once. The first is what was asked for. */
function wantedModels(request: ChoiceRequest, world: ResolveWorld): readonly WantedModel[] {
  const { catalogue, agents, routed } = world;
  const agent = agents.list.find(({ id }) => id === request.agentId);
  const named = (name: string, why: string): WantedModel => ({ name, model: catalogue.find(name), why });
  const wanted: WantedModel[] = [];
  const chosen = request.requested ?? request.sessionModel;
  if (chosen !== undefined) {
    const refusal = refusalOf(chosen, world);
    if (refusal !== null) throw AppError.fromJSON(refusal);
    wanted.push(named(chosen, request.requested === undefined ? "the session is set to it" : "the caller chose it"));
  } else {
    if (routed !== null) wanted.push({ name: routed.model.ref, model: routed.model, why: routed.why });
    wanted.push(primaryOf(world, agent?.model));
  }
  const first = wanted[0]?.model;
  const { imageModel } = agents.defaults;
  if (request.needsVision && imageModel !== undefined && first?.input.includes("image") !== true) {
    wanted.unshift(named(imageModel, `there is a picture, and ${first?.ref ?? "the first"} cannot see`));
  }
  const fallbacks = agent?.fallbacks ?? agents.defaults.model.fallbacks;
  wanted.push(...fallbacks.map((name, index) => named(name, `fallback ${index + 1}`)));
  const seen = new Set<string>();
  return wanted.filter(({ name, model }) => {
    const key = model?.ref ?? name;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function primaryOf({ catalogue, agents }: ResolveWorld, ofAgent: string | undefined): WantedModel {
  const name = ofAgent ?? agents.defaults.model.primary;
  if (name === undefined) {
    const model = catalogue.list()[0];
    if (model === undefined) throw new AppError("MODEL_001", "No model is configured.");
    return { name: model.ref, model, why: "the first that was found" };
  }
  const refusal = refusalOf(name, { catalogue, agents });
  if (refusal !== null) throw AppError.fromJSON(refusal);
  return { name, model: catalogue.find(name), why: ofAgent === undefined ? "the common model" : "the agent's model" };
}

class Walk {
  readonly #request: ChoiceRequest;
  readonly #world: ResolveWorld;
  readonly #fallbackOn: readonly FallbackTrigger[];
  readonly #candidates: Candidate[] = [];
  readonly #later: Candidate[] = [];
  readonly #considered: Considered[] = [];
  readonly #skipped: SkippedCandidate[] = [];
  /** Set by a model that was skipped as a whole for a reason that leads to no other one. */
  #closed: FailureReason | null = null;
  #models = 0;

  constructor(request: ChoiceRequest, world: ResolveWorld, fallbackOn: readonly FallbackTrigger[]) {
    this.#request = request;
    this.#world = world;
    this.#fallbackOn = fallbackOn;
  }

  consider({ name, model, why }: WantedModel): void {
    this.#models += 1;
    const skippedBefore = this.#skipped.length;
    const usable = this.#candidates.length;
    if (model === undefined) this.#skip({ model: name, profileId: null }, "lookup", "there is no such model", null);
    else if (this.#models > 1 && this.#isBarred()) {
      this.#note({ model: model.ref, profileId: null }, "skipped", "fallback", this.#barredBy());
      return;
    } else this.#considerLogins(model, why);
    const reasons = this.#skipped.slice(skippedBefore).map(({ reason }) => reason);
    const isOut = this.#candidates.length === usable;
    const closing = reasons.find((reason) => !mayFallBack(reason, this.#fallbackOn));
    if (isOut && closing !== undefined) this.#closed ??= closing;
  }

  result(): Resolution {
    const untils = this.#skipped.flatMap(({ untilMs }) => untilMs ?? []);
    return {
      candidates: this.#candidates,
      later: this.#later,
      considered: this.#considered,
      fallbackOn: this.#fallbackOn,
      againMs: untils.length === 0 ? null : Math.min(...untils),
      skipped: this.#skipped,
    };
  }

  #isBarred(): boolean {
    return this.#closed !== null || this.#fallbackOn.length === 0;
  }

  #barredBy(): string {
    return this.#closed === null
      ? "agents.defaults.model.fallbackOn allows no other model"
      : `agents.defaults.model.fallbackOn does not lead here after ${this.#closed}`;
  }

  #considerLogins(model: ModelInfo, why: string): void {
    const { estimatedTokens } = this.#request;
    if (model.contextWindow !== null && estimatedTokens > model.contextWindow) {
      const words = `at least ${estimatedTokens} tokens are to be read, its window has ${model.contextWindow}`;
      this.#skip({ model: model.ref, profileId: null }, "window", words, { model, reason: "context_overflow" });
      return;
    }
    const logins = this.#loginsOf(model);
    if (logins.length === 0) {
      const words = `there is no key for ${model.provider}`;
      this.#skip({ model: model.ref, profileId: null }, "key", words, { model, reason: "auth" });
    }
    for (const login of logins) this.#considerLogin(model, login, why);
  }

  /** The one that the session insists on alone; else the one that answered it last, then the usual order. */
  #loginsOf({ provider }: ModelInfo): readonly (AuthProfile | null)[] {
    const { profilesOf, needsLogin, pins } = this.#world;
    const all = profilesOf(provider);
    if (all.length === 0) return needsLogin(provider) ? [] : [null];
    const insisted = all.filter(({ id }) => id === this.#request.sessionProfile);
    if (insisted.length > 0) return insisted;
    const pinned = all.filter(({ id }) => id === pins[provider]);
    return [...pinned, ...all.filter((profile) => !pinned.includes(profile))];
  }

  #considerLogin(model: ModelInfo, profile: AuthProfile | null, why: string): void {
    const profileId = profile?.id ?? null;
    const place = { model: model.ref, profileId };
    const isExplicit = profileId !== null && profileId === this.#request.sessionProfile;
    const candidate: Candidate = { model, profileId, ...(isExplicit ? { isExplicit } : {}) };
    if (profile?.state === "expired") {
      this.#skip(place, "key", `the login ${profile.id} has expired; log in again`, { model, reason: "auth" });
      return;
    }
    const standing = this.#world.standing(candidate);
    if (!standing.usable) {
      const { reason, untilMs } = standing;
      if (untilMs !== null) this.#later.push(candidate);
      this.#skip(place, "attempt", standing.why, { model, reason, untilMs });
      return;
    }
    const unpaid = this.#world.unpaid(candidate);
    if (unpaid !== null) {
      const words = `${unpaid} has no credit left, and auth.cooldowns.billingFallback lets no other login pay for it`;
      this.#skip(place, "profile", words, { model, reason: "billing" });
      return;
    }
    const isFirst = this.#candidates.length === 0;
    this.#candidates.push(candidate);
    const words = [why, ...this.#loginWords(model.provider, profile), ...(standing.trial ? ["tried again"] : [])];
    this.#note(place, isFirst ? "used" : "next", this.#models > 1 ? "fallback" : stepOf(profile), words.join("; "));
  }

  #loginWords(provider: string, profile: AuthProfile | null): readonly string[] {
    if (profile === null) return [];
    if (profile.id === this.#request.sessionProfile) return ["the session is set to this login"];
    return profile.id === this.#world.pins[provider] ? ["it answered this session last"] : [];
  }

  #skip(
    place: Pick<Considered, "model" | "profileId">,
    step: Considered["step"],
    why: string,
    cause: { readonly model: ModelInfo; readonly reason: FailureReason; readonly untilMs?: number | null } | null,
  ): void {
    this.#note(place, "skipped", step, why);
    this.#skipped.push({
      ...place,
      provider: cause?.model.provider ?? place.model.split("/")[0] ?? place.model,
      reason: cause?.reason ?? "model_not_found",
      untilMs: cause?.untilMs ?? null,
    });
  }

  #note(
    { model, profileId }: Pick<Considered, "model" | "profileId">,
    verdict: Considered["verdict"],
    step: Considered["step"],
    why: string,
  ): void {
    this.#considered.push({ model, profileId, verdict, step, why });
  }
}

function stepOf(profile: AuthProfile | null): Considered["step"] {
  return profile === null ? "lookup" : "profile";
}
