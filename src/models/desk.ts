/**
 * The desk of a running house: chooses from the catalogue in force, and remembers how each candidate stands, over a
 * restart too. What it remembers is read beside the start, and the first choice waits for it.
 */
import type { Config } from "../config/schema/root.ts";
import type { AuthProfiles } from "../credentials/contract.ts";
import { AppError } from "../domain/app-error.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { failureReasons } from "../domain/failure-reason.ts";
import { limits } from "../domain/limits.ts";
import type { Tier } from "../domain/tier.ts";
import type { QuotaWindow } from "../domain/quota.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { ModelProvider } from "../providers/contract.ts";
import type { ProviderCatalogue } from "../providers/catalogue.ts";
import type { DocumentStore } from "../store/document-port.ts";
import { authStateOf } from "./auth-state.ts";
import type {
  Candidate,
  ChoiceRequest,
  Explanation,
  ModelChoice,
  ModelDesk,
  ModelDeskView,
  Standing,
} from "./contract.ts";
import { Pins, type SessionPins } from "./pins.ts";
import { refusalOf, resolveModels, type Resolution } from "./resolve.ts";
import { scopesOf, Standings, type StandingRow } from "./standings.ts";
import { WrittenBehind } from "./written-behind.ts";

export interface ModelDeskDeps {
  readonly config: () => Config;
  /** Of this moment. */
  readonly catalogue: () => ProviderCatalogue;
  readonly profiles: Pick<AuthProfiles, "of" | "get"> & {
    /** Resolves when it is known which logins there are, so that what was remembered of them can be told from older ones. */
    readonly looked: Promise<void>;
    /** A provider refused the secret of this revision: one that can be refreshed is. Returns at once. */
    refused(profileId: string, revision: string): void;
  };
  /** False for endpoints that ask for nothing, or whose settings bring what they ask for. */
  readonly needsLogin: (providerId: string) => boolean;
  /** Throws as `AuthProfiles.credential` does. */
  readonly open: (model: ModelInfo, profileId: string | null) => Promise<ModelProvider>;
  /** Changes with the address of the provider. */
  readonly addressOf: (providerId: string) => string;
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly log: Log;
  /** The router: the model for what the person wrote, or null where nothing is routed. Absent: there is none. */
  readonly route?: RouteModel;
}

export type RouteModel = (
  request: ChoiceRequest,
  world: { readonly config: Config; readonly catalogue: ProviderCatalogue },
) => RoutedModel | null;

export interface RoutedModel {
  readonly model: ModelInfo;
  readonly tier: Tier;
  readonly score: number | null;
  readonly why: string;
}

export interface RunningDesk extends ModelDesk, ModelDeskView {
  /** Begins to read what was remembered; does not wait for it. */
  start(): void;
  /** A session is gone. */
  forgetSession(sessionKey: string): void;
  /** Writes what is not yet on the disk. Never throws. */
  close(): Promise<void>;
}

const standingNamespace = "model-standing";
const pinNamespace = "model-pin";

export function createModelDesk(deps: ModelDeskDeps): RunningDesk {
  return new Desk(deps);
}

class Desk implements RunningDesk {
  readonly #deps: ModelDeskDeps;
  readonly #standings: Standings;
  readonly #pins: Pins;
  readonly #standingDocuments: WrittenBehind;
  readonly #pinDocuments: WrittenBehind;
  readonly #quotas = new Map<string, { readonly windows: readonly QuotaWindow[]; readonly atMs: number }>();
  #loading: Promise<void> | null = null;

  constructor(deps: ModelDeskDeps) {
    this.#deps = deps;
    const { documents, clock, log } = deps;
    this.#standingDocuments = new WrittenBehind({
      documents,
      clock,
      log,
      namespace: standingNamespace,
      valueOf: (key) => this.#standings.get(key),
    });
    this.#pinDocuments = new WrittenBehind({
      documents,
      clock,
      log,
      namespace: pinNamespace,
      valueOf: (key) => filled(this.#pins.known(key)),
    });
    this.#standings = new Standings({
      revisionOf: (provider, profileId) => this.#revisionOf(provider, profileId),
      rules: () => pauseRules(deps.config()),
      onChange: (key) => this.#standingDocuments.change(key),
    });
    this.#pins = new Pins({
      read: (sessionKey) => documents.get(pinNamespace, sessionKey),
      onChange: (sessionKey) => this.#pinDocuments.change(sessionKey),
    });
  }

  start(): void {
    void this.#loaded();
  }

  async choose(request: ChoiceRequest): Promise<ModelChoice> {
    const { resolution, routed } = await this.#resolve(request);
    const { candidates, later, considered, fallbackOn } = resolution;
    const [first, ...rest] = candidates;
    if (first === undefined) throw this.#nobody(resolution);
    return {
      candidates: [first, ...rest],
      later,
      considered,
      fallbackOn,
      tier: routed?.tier ?? null,
      score: routed?.score ?? null,
    };
  }

  async explain(request: ChoiceRequest): Promise<Explanation> {
    const nothing = { considered: [], model: null, profileId: null, tier: null, score: null, fallbackOn: [] };
    try {
      const { resolution, routed } = await this.#resolve(request);
      const { considered, fallbackOn } = resolution;
      const first = resolution.candidates[0];
      return {
        considered,
        fallbackOn,
        model: first?.model.ref ?? null,
        profileId: first?.profileId ?? null,
        tier: routed?.tier ?? null,
        score: routed?.score ?? null,
        error: first === undefined ? this.#nobody(resolution).toJSON() : null,
      };
    } catch (thrown) {
      return { ...nothing, error: AppError.from(thrown).toJSON() };
    }
  }

  open({ model, profileId }: Candidate): Promise<ModelProvider> {
    return this.#deps.open(model, profileId);
  }

  standing(candidate: Candidate, atMs: number): Standing {
    return this.#withUnpaid(this.#standings.peek(candidate, atMs), candidate, atMs);
  }

  enter(candidate: Candidate, atMs: number): Standing {
    const standing = this.standing(candidate, atMs);
    return standing.usable ? this.#standings.take(candidate, atMs) : standing;
  }

  forgo(candidate: Candidate): void {
    this.#standings.forgo(candidate);
  }

  report(candidate: Candidate, outcome: Parameters<ModelDesk["report"]>[1]): void {
    if (!outcome.ok && outcome.reason === "auth") this.#refuse(candidate);
    if (outcome.ok || outcome.reason !== "rate_limit" || outcome.retryAfterMs !== null) {
      this.#standings.report(candidate, outcome);
      return;
    }
    // Where the answer itself names no time, the account's allowance may have told when it is filled again.
    const retryAfterMs = this.#refillMs(candidate, outcome.atMs);
    this.#standings.report(candidate, { ...outcome, retryAfterMs });
  }

  pin(sessionKey: string, { model, profileId, isExplicit }: Candidate): void {
    if (profileId === null || isExplicit === true || this.#deps.profiles.of(model.provider).length < 2) return;
    this.#pins.set(sessionKey, model.provider, profileId);
  }

  quota(candidate: Candidate, windows: readonly QuotaWindow[], atMs: number): void {
    const { login } = scopesOf(candidate);
    this.#quotas.delete(login);
    this.#quotas.set(login, { windows, atMs });
    if (this.#quotas.size > limits.modelStandings) this.#quotas.delete(this.#quotas.keys().next().value as string);
  }

  refusal(name: string): ReturnType<ModelDeskView["refusal"]> {
    return refusalOf(name, { catalogue: this.#deps.catalogue(), agents: this.#deps.config().agents });
  }

  authState(model: ModelInfo): ReturnType<ModelDeskView["authState"]> {
    const { profiles, needsLogin, clock } = this.#deps;
    const atMs = clock.nowMs();
    const standing = (candidate: Candidate): Standing => this.#standings.peek(candidate, atMs);
    return authStateOf(model, { profiles: profiles.of(model.provider), needsLogin, standing });
  }

  knowsLogin(profileId: string): boolean {
    return this.#deps.profiles.get(profileId) !== undefined;
  }

  forget(providerId: string | null): number {
    return this.#standings.forget(providerId);
  }

  forgetSession(sessionKey: string): void {
    this.#pins.forget(sessionKey);
  }

  async close(): Promise<void> {
    await this.#loading;
    this.#standings.prune(this.#deps.clock.nowMs());
    await Promise.all([this.#standingDocuments.close(), this.#pinDocuments.close()]);
  }

  async #resolve(request: ChoiceRequest): Promise<{ resolution: Resolution; routed: RoutedModel | null }> {
    await this.#loaded();
    const { config, catalogue, profiles, needsLogin, clock, route } = this.#deps;
    const pins = await this.#pinsOf(request.sessionKey);
    const current = config();
    const models = catalogue();
    const atMs = clock.nowMs();
    const isChosen = request.requested !== undefined || request.sessionModel !== undefined;
    const routed = isChosen ? null : (route?.(request, { config: current, catalogue: models }) ?? null);
    const resolution = resolveModels(request, {
      catalogue: models,
      agents: current.agents,
      profilesOf: (providerId) => profiles.of(providerId),
      needsLogin,
      standing: (candidate) => this.#standings.peek(candidate, atMs),
      unpaid: (candidate) => this.#unpaid(candidate, atMs),
      pins,
      routed,
    });
    return { resolution, routed };
  }

  /** Read only where there is something to choose from. */
  async #pinsOf(sessionKey: string): Promise<SessionPins> {
    const { catalogue, profiles } = this.#deps;
    const providers = new Set(
      catalogue()
        .list()
        .map(({ provider }) => provider),
    );
    const hasChoice = [...providers].some((provider) => profiles.of(provider).length > 1);
    return hasChoice ? this.#pins.of(sessionKey) : {};
  }

  #withUnpaid(standing: Standing, candidate: Candidate, atMs: number): Standing {
    const unpaid = standing.usable ? this.#unpaid(candidate, atMs) : null;
    if (unpaid === null) return standing;
    return { usable: false, untilMs: null, reason: "billing", why: `${unpaid} has no credit left` };
  }

  #unpaid(candidate: Candidate, atMs: number): string | null {
    if (candidate.isExplicit === true || candidate.profileId === null) return null;
    if (this.#deps.config().auth.cooldowns.billingFallback) return null;
    return this.#standings.unpaid(candidate, atMs);
  }

  #nobody({ skipped, considered, againMs }: Resolution): AppError {
    const words = considered.map(({ model, profileId, why }) => `${profileId ?? model}: ${why}`).join("; ");
    const retryAfterMs = againMs === null ? null : Math.max(0, againMs - this.#deps.clock.nowMs());
    return new AppError("MODEL_009", `No model can answer at the moment. ${words}.`, {
      details: { considered, skipped },
      ...(retryAfterMs === null ? { retry: "never" as const } : { retryAfterMs }),
    });
  }

  #refuse({ profileId }: Candidate): void {
    const { profiles } = this.#deps;
    const profile = profileId === null ? undefined : profiles.get(profileId);
    if (profile !== undefined) profiles.refused(profile.id, profile.revision);
  }

  #refillMs(candidate: Candidate, atMs: number): number | null {
    const quota = this.#quotas.get(scopesOf(candidate).login);
    const resets = (quota?.windows ?? []).flatMap(({ remaining, resetsMs }) =>
      remaining === 0 && resetsMs !== null && resetsMs > atMs ? [resetsMs] : [],
    );
    return resets.length === 0 ? null : Math.min(Math.max(...resets) - atMs, longestRefillMs);
  }

  #revisionOf(provider: string, profileId: string | null): string | undefined {
    const address = this.#deps.addressOf(provider);
    if (profileId === null) return address;
    const profile = this.#deps.profiles.get(profileId);
    return profile === undefined ? undefined : `${profile.revision} ${address}`;
  }

  #loaded(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** A store that cannot be read keeps nobody from answering: then nothing is known of failures. */
  async #load(): Promise<void> {
    const { documents, log, profiles } = this.#deps;
    try {
      await profiles.looked;
      const rows = await documents.list(standingNamespace);
      this.#standings.load(rows.map(({ value }) => value).filter(isStandingRow));
    } catch (thrown) {
      log.warn("what is known of the models could not be read", { error: AppError.from(thrown).toJSON() });
    }
  }
}

/** The longest that an allowance is waited for by its own word: a month's is a matter of billing. */
const longestRefillMs = 24 * 3_600_000;

function pauseRules({ auth }: Config): { billingMs: number; failureWindowMs: number } {
  const { billingBackoffHours, failureWindowHours } = auth.cooldowns;
  return { billingMs: billingBackoffHours * 3_600_000, failureWindowMs: failureWindowHours * 3_600_000 };
}

function filled(pins: SessionPins | undefined): SessionPins | undefined {
  return pins === undefined || Object.keys(pins).length === 0 ? undefined : pins;
}

/** What another version wrote, or a hand, is left out rather than believed. */
function isStandingRow(value: unknown): value is StandingRow {
  if (typeof value !== "object" || value === null) return false;
  const row = value as Record<string, unknown>;
  const areTexts = ["key", "provider", "why", "revision"].every((name) => typeof row[name] === "string");
  const areNumbers = ["failures", "sinceMs", "level", "failedMs"].every((name) => Number.isFinite(row[name]));
  const isUntil = row["untilMs"] === null || Number.isFinite(row["untilMs"]);
  return areTexts && areNumbers && isUntil && failureReasons.some((reason) => reason === row["reason"]);
}
