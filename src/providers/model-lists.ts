/**
 * What providers say of their own models and prices, asked for in the background and kept: once a day, never on the
 * start path, the last good list as long as there is no better one. A provider that cannot be asked is nobody's
 * trouble: what was known stays.
 */
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { limits } from "../domain/limits.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { ModelApi, ModelProvider, ProviderEndpoint } from "./contract.ts";

/** Where the lists outlive the process. What is read is not believed before it is looked at. */
export interface ModelListStore {
  /** Null where there is none. May reject: there is none then. */
  read(): Promise<unknown>;
  /** Resolves when it is durable. May reject: the next list is written again. */
  write(document: unknown): Promise<void>;
}

export interface ModelLists {
  /** The last good list of this endpoint, empty where there is none. Cheap; asks nobody. */
  readonly of: (endpoint: ProviderEndpoint) => readonly ModelInfo[];
  /** Reads what was kept, and asks later. Returns at once, never throws. Idempotent. */
  start(): void;
  /** Ends what is under way; asks no more. Idempotent. */
  close(): void;
}

export interface ModelListsDeps {
  /** The endpoints in force, with their keys; those that have no list are passed over. */
  readonly endpoints: () => readonly ProviderEndpoint[];
  readonly open: (endpoint: ProviderEndpoint) => Promise<ModelProvider>;
  readonly store: ModelListStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when `of` says something else than before. */
  readonly changed: () => void;
}

export function createModelLists(deps: ModelListsDeps): ModelLists {
  return new BackgroundLists(deps);
}

/** Ollama is looked for by whoever detects it, with each start; its models change when somebody installs one. */
const listingApis: readonly ModelApi[] = ["openrouter"];

interface KeptList {
  /** A list is of one address: behind another one the same name means another service. */
  readonly address: string;
  readonly atMs: number;
  readonly models: readonly ModelInfo[];
}

const count = z.number().int().positive().nullable();
const usd = z.number().nonnegative();
const modelSchema = z.object({
  id: z.string().min(1).max(200),
  name: z.string().max(200),
  contextWindow: count,
  maxTokens: count,
  reasoning: z.boolean(),
  input: z.array(z.enum(["text", "image", "document"])),
  price: z.object({ input: usd, output: usd, cacheRead: usd, cacheWrite: usd }).optional(),
});

/** The document: by the provider's name. Another version is no document of ours. */
const documentSchema = z.object({
  version: z.literal(1),
  lists: z.record(
    z.string(),
    z.object({
      address: z.string(),
      atMs: z.number().nonnegative(),
      models: z.array(modelSchema).max(limits.modelListEntries),
    }),
  ),
});

class BackgroundLists implements ModelLists {
  readonly #deps: ModelListsDeps;
  readonly #stop = new AbortController();
  readonly #lists = new Map<string, KeptList>();
  #timer: Timer | null = null;
  #isStarted = false;

  constructor(deps: ModelListsDeps) {
    this.#deps = deps;
  }

  readonly of = (endpoint: ProviderEndpoint): readonly ModelInfo[] => {
    const kept = this.#lists.get(endpoint.id);
    return kept !== undefined && kept.address === addressOf(endpoint) && hasList(endpoint) ? kept.models : [];
  };

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#recall();
    this.#again(limits.modelListDelayMs);
  }

  close(): void {
    this.#timer?.cancel();
    this.#stop.abort();
  }

  #again(delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    this.#timer = this.#deps.clock.after(
      delayMs,
      () => void this.#round().then(() => this.#again(limits.modelListRetryMs)),
    );
  }

  /** One after the other: nobody waits for them. */
  async #round(): Promise<void> {
    for (const endpoint of this.#deps.endpoints().filter(hasList)) {
      if (this.#stop.signal.aborted) return;
      if (this.#isDue(endpoint)) await this.#ask(endpoint);
    }
  }

  #isDue(endpoint: ProviderEndpoint): boolean {
    const kept = this.#lists.get(endpoint.id);
    if (kept === undefined || kept.address !== addressOf(endpoint)) return true;
    const ageMs = this.#deps.clock.nowMs() - kept.atMs;
    // A list from the future was written by a wrong clock.
    return ageMs >= limits.modelListFreshMs || ageMs < 0;
  }

  async #ask(endpoint: ProviderEndpoint): Promise<void> {
    const { open, clock, log, changed } = this.#deps;
    const late = new AbortController();
    const timer = clock.after(limits.modelListTimeoutMs, () => late.abort());
    const signal = AbortSignal.any([late.signal, this.#stop.signal]);
    try {
      const models = await unlessAborted(signal, list(await open(endpoint), signal));
      // A list without a model is no news of a provider that has hundreds.
      if (models.length === 0) throw new AppError("MODEL_005", "The list of models was empty.");
      this.#lists.set(endpoint.id, { address: addressOf(endpoint), atMs: clock.nowMs(), models });
      log.info("models were listed", { provider: endpoint.id, models: models.length });
      changed();
      await this.#keep();
    } catch (thrown) {
      if (this.#stop.signal.aborted) return;
      const { code, message } = AppError.from(thrown);
      log.warn("models could not be listed, what was known stays", { provider: endpoint.id, code, reason: message });
    } finally {
      timer.cancel();
    }
  }

  async #keep(): Promise<void> {
    const lists = Object.fromEntries(
      [...this.#lists].map(([id, { models, ...kept }]) => [id, { ...kept, models: models.map(keptModel) }]),
    );
    await this.#deps.store.write({ version: 1, lists });
  }

  async #recall(): Promise<void> {
    const { store, log, changed } = this.#deps;
    const document = await store.read().catch(() => null);
    if (document === null || this.#stop.signal.aborted) return;
    const read = documentSchema.safeParse(document);
    if (!read.success) {
      log.warn("the kept lists of models are not readable, they are asked for anew", {});
      return;
    }
    for (const [id, { models, ...kept }] of Object.entries(read.data.lists)) {
      // Whoever was asked meanwhile knows better.
      if (this.#lists.has(id)) continue;
      const whole = models.map(({ price, ...model }) => ({ ...model, ref: `${id}/${model.id}`, provider: id, price }));
      this.#lists.set(id, { ...kept, models: whole });
    }
    changed();
  }
}

function hasList({ api }: ProviderEndpoint): boolean {
  return listingApis.includes(api);
}

function addressOf({ api, baseUrl }: ProviderEndpoint): string {
  return `${api} ${(baseUrl ?? "").replace(/\/+$/, "")}`;
}

/** Reference and provider follow from where it stands. */
function keptModel({ ref: _ref, provider: _provider, ...model }: ModelInfo): Omit<ModelInfo, "ref" | "provider"> {
  return model;
}

async function list(provider: ModelProvider, signal: AbortSignal): Promise<readonly ModelInfo[]> {
  return (await provider.listModels?.(signal)) ?? [];
}

/** A fetch that ignores its signal must not keep the next provider waiting. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => reject(new AppError("MODEL_006", "The list of models did not come in time."));
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
  });
  return Promise.race([work, late]);
}
