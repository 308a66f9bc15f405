/** A desk over settings, logins and a memory of its own, with time that a test moves. */
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import type { AuthProfile } from "../credentials/contract.ts";
import type { FailureReason } from "../domain/failure-reason.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import { createCatalogue } from "../providers/catalogue.ts";
import type { ModelProvider } from "../providers/contract.ts";
import type { DocumentStore } from "../store/document-port.ts";
import type { Candidate, ChoiceRequest, Outcome } from "./contract.ts";
import { createModelDesk, type RouteModel, type RunningDesk } from "./desk.ts";

export interface DeskWorldOptions {
  /** By provider: what its models are called. */
  readonly models?: Readonly<Record<string, readonly string[]>>;
  readonly logins?: Readonly<Record<string, readonly (string | Partial<AuthProfile>)[]>>;
  readonly agents?: (agents: Config["agents"]) => Config["agents"];
  readonly auth?: Partial<Config["auth"]["cooldowns"]>;
  readonly needsLogin?: (providerId: string) => boolean;
  readonly windows?: Readonly<Record<string, number>>;
  readonly blind?: readonly string[];
  readonly route?: RouteModel;
  readonly documents?: MemoryDocuments;
  readonly clock?: FakeClock;
}

export interface DeskWorld {
  readonly desk: RunningDesk;
  readonly clock: FakeClock;
  readonly documents: MemoryDocuments;
  /** Secrets that were changed: the next revision of a login. */
  readonly revisions: Map<string, string>;
  choose(request?: Partial<ChoiceRequest>): ReturnType<RunningDesk["choose"]>;
  /** `a/one@login` or `a/one`, of what would be asked, in order. */
  order(request?: Partial<ChoiceRequest>): Promise<readonly string[]>;
  /** A call to it now. */
  report(name: string, outcome: "ok" | FailureReason, details?: { retryAfterMs?: number; status?: number }): void;
  usable(name: string): boolean;
}

/** Documents that live as long as the test. `refuse` makes every write fail. */
export class MemoryDocuments implements DocumentStore {
  readonly #rows = new Map<string, { readonly value: unknown; readonly atMs: number }>();
  refuse = false;
  writes = 0;

  get(namespace: string, key: string): Promise<unknown> {
    return Promise.resolve(this.#rows.get(`${namespace}\n${key}`)?.value);
  }

  list(namespace: string): ReturnType<DocumentStore["list"]> {
    const own = [...this.#rows].filter(([name]) => name.startsWith(`${namespace}\n`));
    return Promise.resolve(own.map(([name, row]) => ({ key: name.slice(namespace.length + 1), ...row })));
  }

  put(namespace: string, key: string, value: unknown, atMs: number): Promise<void> {
    if (this.refuse) return Promise.reject(new Error("The disk is full."));
    this.writes += 1;
    this.#rows.set(`${namespace}\n${key}`, { value: structuredClone(value), atMs });
    return Promise.resolve();
  }

  delete(namespace: string, key: string): Promise<void> {
    if (this.refuse) return Promise.reject(new Error("The disk is full."));
    this.#rows.delete(`${namespace}\n${key}`);
    return Promise.resolve();
  }
}

export function openDeskWorld(options: DeskWorldOptions = {}): DeskWorld {
  const { models = { a: ["one"], b: ["two"] } } = options;
  const clock = options.clock ?? new FakeClock();
  const documents = options.documents ?? new MemoryDocuments();
  const revisions = new Map<string, string>();
  const config = configOf(models, options);
  const catalogue = createCatalogue(config, []);
  const desk = createModelDesk({
    config: () => config,
    catalogue: () => catalogue,
    profiles: profilesOver(options.logins ?? {}, revisions),
    needsLogin: options.needsLogin ?? (() => false),
    open: () => Promise.reject<ModelProvider>(new Error("Nobody is asked here.")),
    addressOf: (provider) => `http://${provider}.test`,
    documents,
    clock,
    log: silentLog(),
    ...(options.route === undefined ? {} : { route: options.route }),
  });
  const candidateOf = (name: string): Candidate => {
    const [ref = "", profileId = null] = name.split("@");
    const model = catalogue.find(ref);
    if (model === undefined) throw new Error(`There is no model ${ref}.`);
    return { model, profileId };
  };
  const choose = (request: Partial<ChoiceRequest> = {}): ReturnType<RunningDesk["choose"]> =>
    desk.choose({ ...anyRequest, ...request });
  return {
    desk,
    clock,
    documents,
    revisions,
    choose,
    async order(request) {
      const { candidates } = await choose(request);
      return candidates.map(({ model, profileId }) => (profileId === null ? model.ref : `${model.ref}@${profileId}`));
    },
    report(name, outcome, details = {}) {
      const atMs = clock.nowMs();
      const told: Outcome =
        outcome === "ok"
          ? { ok: true, startedMs: atMs, atMs }
          : {
              ok: false,
              reason: outcome,
              retryAfterMs: details.retryAfterMs ?? null,
              startedMs: atMs,
              atMs,
              ...(details.status === undefined ? {} : { status: details.status }),
            };
      desk.report(candidateOf(name), told);
    },
    usable: (name) => desk.standing(candidateOf(name), clock.nowMs()).usable,
  };
}

const anyRequest: ChoiceRequest = {
  agentId: "main",
  sessionKey: "agent:main:main",
  text: "Hello?",
  needsVision: false,
  estimatedTokens: 10,
};

function configOf(
  models: Readonly<Record<string, readonly string[]>>,
  { agents = (same) => same, auth, windows = {}, blind = [] }: DeskWorldOptions,
): Config {
  const base = defaultConfig();
  const refs = Object.entries(models).flatMap(([provider, ids]) => ids.map((id) => `${provider}/${id}`));
  const providers = Object.fromEntries(
    Object.entries(models).map(([provider, ids]) => [
      provider,
      {
        baseUrl: `http://${provider}.test`,
        api: "openai-completions" as const,
        headers: {},
        models: ids.map((id) => ({
          id,
          reasoning: false,
          input: blind.includes(`${provider}/${id}`) ? (["text"] as const) : (["text", "image"] as const),
          contextWindow: windows[`${provider}/${id}`] ?? 100_000,
        })),
      },
    ]),
  );
  const [primary, ...fallbacks] = refs;
  const { defaults } = base.agents;
  const model = { ...defaults.model, ...(primary === undefined ? {} : { primary }), fallbacks };
  return {
    ...base,
    models: { mode: "replace", providers: providers as unknown as Config["models"]["providers"] },
    agents: agents({ ...base.agents, defaults: { ...defaults, model } }),
    auth: { ...base.auth, cooldowns: { ...base.auth.cooldowns, ...auth } },
  };
}

function profilesOver(
  logins: NonNullable<DeskWorldOptions["logins"]>,
  revisions: ReadonlyMap<string, string>,
): Parameters<typeof createModelDesk>[0]["profiles"] {
  const of = (provider: string): readonly AuthProfile[] =>
    (logins[provider] ?? []).map((login) => {
      const part = typeof login === "string" ? { id: login } : login;
      const id = part.id ?? provider;
      return {
        provider,
        kind: "api-key",
        source: "vault",
        expiresMs: null,
        state: "usable",
        ...part,
        id,
        revision: revisions.get(id) ?? "1",
      };
    });
  const get = (id: string): AuthProfile | undefined => of(id.split(":")[0] ?? "").find((login) => login.id === id);
  return { of, get, looked: Promise.resolve(), refused: () => undefined };
}
