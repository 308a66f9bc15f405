/**
 * Turns on several models that answer by script, with the desk, the catalogue and the store of the house. For tests of
 * what a turn does when a model fails.
 */
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import type { AuthProfile } from "../credentials/contract.ts";
import { AppError } from "../domain/app-error.ts";
import type { FailureReason } from "../domain/failure-reason.ts";
import { createModelDesk, type RunningDesk } from "../models/desk.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { silentLog } from "../platform/log.ts";
import { createCatalogue } from "../providers/catalogue.ts";
import type { ModelEvent, ModelProvider, ModelRequest } from "../providers/contract.ts";
import type { Store } from "../store/port.ts";
import { openTestWay, type TestWay, type TestWayOptions } from "./way.fixture.ts";

/** What a model does when it is asked, by whichever login, for the n-th time (from 0). */
export type ModelScript = (
  request: ModelRequest,
  asked: { readonly call: number; readonly profileId: string | null; readonly signal: AbortSignal },
) => AsyncIterable<ModelEvent>;

export interface ModelWorldOptions extends Omit<TestWayOptions, "script" | "desk" | "config"> {
  /** By reference, in the order in which they are asked: the first is the primary one, the others are its fallbacks. */
  readonly models: Readonly<Record<string, ModelScript>>;
  /** Logins by provider, in their order; a provider that is not named needs none. */
  readonly logins?: Readonly<Record<string, readonly string[]>>;
  readonly windows?: Readonly<Record<string, number>>;
  /** That cost nothing; the others a dollar for a million tokens read and two for a million written. */
  readonly free?: readonly string[];
  readonly config?: (config: Config) => Config;
  /** Of a login: another one means that its secret was changed. */
  readonly revisions?: Map<string, string>;
}

export interface ModelWorld extends TestWay {
  readonly desk: RunningDesk;
  /** Every call in order: `provider/model`, or `provider/model@login`. */
  readonly calls: string[];
  /** Ends the desk too: what it knows is on the disk. */
  stop(): Promise<void>;
}

export async function openModelWorld(options: ModelWorldOptions): Promise<ModelWorld> {
  const clock = options.clock ?? systemClock();
  const config = configOf(options);
  const calls: string[] = [];
  let desk: RunningDesk | undefined;
  const open = (store: Store): RunningDesk => {
    desk = createDesk({ options, config, clock, store, calls });
    return desk;
  };
  const way = await openTestWay({ ...options, config, clock, desk: open, script: () => never() });
  const made = desk as unknown as RunningDesk;
  return Object.assign(way, {
    desk: made,
    calls,
    async stop() {
      await way.way.close(1_000);
      await made.close();
      await way.store.close();
    },
  });
}

async function* never(): AsyncGenerator<ModelEvent> {
  yield failed("unknown");
}

function configOf({ models, windows = {}, free = [], config = (same) => same }: ModelWorldOptions): Config {
  const refs = Object.keys(models);
  const byProvider = Map.groupBy(refs, (ref) => ref.split("/")[0] as string);
  const providers = Object.fromEntries(
    [...byProvider].map(([provider, own]) => [
      provider,
      {
        baseUrl: `http://${provider}.test/v1`,
        api: "openai-completions" as const,
        headers: {},
        models: own.map((ref) => ({
          id: ref.slice(provider.length + 1),
          reasoning: false,
          input: ["text" as const, "image" as const],
          contextWindow: windows[ref] ?? 100_000,
          cost: free.includes(ref)
            ? { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }
            : { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 },
        })),
      },
    ]),
  );
  const base = defaultConfig();
  const [primary, ...fallbacks] = refs;
  const model = { ...base.agents.defaults.model, ...(primary === undefined ? {} : { primary }), fallbacks };
  return config({
    ...base,
    models: { mode: "replace", providers },
    agents: { ...base.agents, defaults: { ...base.agents.defaults, model } },
  });
}

interface DeskParts {
  readonly options: ModelWorldOptions;
  readonly config: Config;
  readonly clock: Clock;
  readonly store: Store;
  readonly calls: string[];
}

function createDesk({ options, config, clock, store, calls }: DeskParts): RunningDesk {
  const { models, logins = {}, revisions = new Map<string, string>() } = options;
  const catalogue = createCatalogue(config, []);
  const profilesOf = (provider: string): readonly AuthProfile[] =>
    (logins[provider] ?? []).map((id) => ({
      id,
      provider,
      kind: "api-key",
      source: "vault",
      expiresMs: null,
      revision: revisions.get(id) ?? "1",
      state: "usable",
    }));
  const counts = new Map<string, number>();
  return createModelDesk({
    config: () => config,
    catalogue: () => catalogue,
    profiles: {
      of: profilesOf,
      get: (id) => profilesOf(id.split(":")[0] as string).find((profile) => profile.id === id),
      looked: Promise.resolve(),
      refused: () => undefined,
    },
    needsLogin: () => false,
    open: (model, profileId) =>
      Promise.resolve<ModelProvider>({
        endpoint: { id: model.provider, api: "openai-completions", baseUrl: null, apiKey: null, headers: {} },
        stream(request, signal) {
          const call = counts.get(model.ref) ?? 0;
          counts.set(model.ref, call + 1);
          calls.push(profileId === null ? model.ref : `${model.ref}@${profileId}`);
          return (models[model.ref] as ModelScript)(request, { call, profileId, signal });
        },
      }),
    addressOf: (provider) => `http://${provider}.test/v1`,
    documents: store.documents,
    clock,
    log: options.log ?? silentLog(),
  });
}

export const usage = { input: 10, output: 5, cacheRead: 0, cacheWrite: 0 };

export function failed(reason: FailureReason, details: Record<string, unknown> = {}): ModelEvent {
  const { retryAfterMs, ...rest } = details;
  const code = codes[reason];
  const options = typeof retryAfterMs === "number" ? { retryAfterMs } : {};
  return {
    type: "failure",
    error: new AppError(code, `It failed: ${reason}.`, { details: { reason, ...rest }, ...options }).toJSON(),
  };
}

const codes = {
  auth: "MODEL_002",
  billing: "MODEL_003",
  rate_limit: "MODEL_003",
  overloaded: "MODEL_004",
  network: "MODEL_004",
  timeout: "MODEL_006",
  model_not_found: "MODEL_001",
  context_overflow: "MODEL_007",
  image_size: "MODEL_008",
  image_dimension: "MODEL_008",
  content_filter: "MODEL_008",
  bad_request: "MODEL_008",
  interrupted: "MODEL_005",
  unreadable: "MODEL_005",
  empty: "MODEL_005",
  unknown: "MODEL_004",
} as const;

/** Says this, in two pieces. */
export function answers(text: string): ModelScript {
  return async function* () {
    const half = Math.ceil(text.length / 2);
    yield { type: "text", text: text.slice(0, half) };
    yield { type: "text", text: text.slice(half) };
    yield { type: "end", reason: "stop", usage };
  };
}

/** Fails before a word. */
export function fails(reason: FailureReason, details: Record<string, unknown> = {}): ModelScript {
  return async function* () {
    yield failed(reason, details);
  };
}

/** Says this and breaks. */
export function breaks(text: string, reason: FailureReason = "interrupted"): ModelScript {
  return async function* () {
    yield { type: "text", text };
    yield failed(reason);
  };
}

/** Ends in good order without a word; billed. */
export const saysNothing: ModelScript = async function* () {
  yield { type: "end", reason: "stop", usage };
};

/** One after the other; the last repeats. */
export function inTurn(...scripts: readonly ModelScript[]): ModelScript {
  return (request, asked) => {
    const script = scripts[Math.min(asked.call, scripts.length - 1)] as ModelScript;
    return script(request, asked);
  };
}
