/**
 * Three emulated services, each in the protocol of another vendor, behind a house with one model of each; what each does
 * with a message is planned before, by a seed, out of everything that was ever recorded of such services.
 */
import { readdirSync, readFileSync } from "node:fs";
import { openTestWay, type TestWay } from "../../src/app/way.fixture.ts";
import { defaultConfig } from "../../src/config/default-config.ts";
import type { Config } from "../../src/config/schema/root.ts";
import type { AuthProfile } from "../../src/credentials/contract.ts";
import type { FailureReason } from "../../src/domain/failure-reason.ts";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import type { Reply } from "../../src/drill/model-emulator/script.ts";
import { createModelDesk, type RunningDesk } from "../../src/models/desk.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { silentLog } from "../../src/platform/log.ts";
import { createCatalogue } from "../../src/providers/catalogue.ts";
import type { ModelApi } from "../../src/providers/contract.ts";
import { providerModule } from "../../src/providers/registry.ts";

export const providerNames = ["openai", "anthropic", "gemini"] as const;
export type ProviderName = (typeof providerNames)[number];

const apis: Readonly<Record<ProviderName, ModelApi>> = {
  openai: "openai-completions",
  anthropic: "anthropic-messages",
  gemini: "google-generative-ai",
};

/** Each has a larger window than the one before it. */
const windows: Readonly<Record<ProviderName, number>> = { openai: 100_000, anthropic: 200_000, gemini: 1_000_000 };

/** What one service does whenever it is asked about one message. */
export interface Behaviour {
  /** `ok`: it answers. */
  readonly kind: "ok" | "empty" | "broken" | "refused";
  /** What the house should take it for; null where it is fine. */
  readonly reason: FailureReason | null;
  readonly reply: Reply;
}

export interface Failing extends TestWay {
  readonly desk: RunningDesk;
  /** The secret of that login was changed: its failures are of another one. */
  renewKey(provider: ProviderName): void;
  stop(): Promise<void>;
}

export interface Services {
  readonly emulators: Readonly<Record<ProviderName, ModelEmulator>>;
  /** What becomes of a message, by its number. */
  play(plan: (message: number, provider: ProviderName) => Behaviour): void;
  /** How often each was asked about a message. */
  asked(message: number): Readonly<Record<ProviderName, number>>;
  close(): Promise<void>;
}

/** The number of every request that is not a message itself. */
export const besides = -1;

export async function startServices(clock: Clock): Promise<Services> {
  const started = await Promise.all(providerNames.map(() => startModelEmulator({ clock, remember: 100_000 })));
  const emulators = Object.fromEntries(providerNames.map((name, index) => [name, started[index]])) as Record<
    ProviderName,
    ModelEmulator
  >;
  // The newest: what nobody answered stands in front of it. What is asked beside a message, as a summary is, ends otherwise.
  const numberIn = (text: string): number => Number(/This is message (\d+)\s*$/.exec(text)?.[1] ?? besides);
  return {
    emulators,
    play(plan) {
      for (const name of providerNames) emulators[name].play(({ lastText }) => plan(numberIn(lastText), name).reply);
    },
    asked: (message) =>
      Object.fromEntries(
        providerNames.map((name) => [
          name,
          emulators[name].requests.filter(({ lastText }) => numberIn(lastText) === message).length,
        ]),
      ) as Record<ProviderName, number>,
    async close() {
      await Promise.all(started.map((emulator) => emulator.close()));
    },
  };
}

export async function openFailingHouse(services: Services, clock: Clock, folder?: string): Promise<Failing> {
  const config = configOver(services);
  const revisions = new Map<ProviderName, number>();
  let desk: RunningDesk | undefined;
  const way = await openTestWay({
    ...(folder === undefined ? {} : { folder }),
    clock,
    config,
    script: () => {
      throw new Error("The scripted model is not asked here.");
    },
    desk: (store) => {
      desk = createDesk({ config, clock, revisions, documents: store.documents });
      return desk;
    },
  });
  const made = desk as unknown as RunningDesk;
  return Object.assign(way, {
    desk: made,
    renewKey: (provider: ProviderName) => void revisions.set(provider, (revisions.get(provider) ?? 1) + 1),
    async stop() {
      await way.way.close(8_000);
      await made.close();
      await way.store.close();
    },
  });
}

function configOver({ emulators }: Services): Config {
  const base = defaultConfig();
  const paths: Readonly<Record<ProviderName, string>> = { openai: "/v1", anthropic: "/v1", gemini: "/v1beta" };
  const providers = Object.fromEntries(
    providerNames.map((name) => [
      name,
      {
        baseUrl: `${emulators[name].url}${paths[name]}`,
        api: apis[name],
        apiKey: "key",
        headers: {},
        models: [
          {
            id: "model",
            reasoning: false,
            input: ["text" as const],
            contextWindow: windows[name],
            cost: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 },
          },
        ],
      },
    ]),
  );
  const [first, ...others] = providerNames.map((name) => `${name}/model`);
  const { defaults } = base.agents;
  return {
    ...base,
    models: { mode: "replace", providers },
    agents: {
      ...base.agents,
      defaults: { ...defaults, model: { ...defaults.model, primary: first as string, fallbacks: others } },
    },
    // A minute and a bit, so that credit comes back while somebody watches.
    auth: { ...base.auth, cooldowns: { ...base.auth.cooldowns, billingBackoffHours: 0.02 } },
  };
}

interface DeskParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly revisions: ReadonlyMap<ProviderName, number>;
  readonly documents: Parameters<typeof createModelDesk>[0]["documents"];
}

function createDesk({ config, clock, revisions, documents }: DeskParts): RunningDesk {
  const catalogue = createCatalogue(config, []);
  const of = (provider: string): readonly AuthProfile[] => [
    {
      id: `${provider}:key`,
      provider,
      kind: "api-key",
      source: "vault",
      expiresMs: null,
      revision: String(revisions.get(provider as ProviderName) ?? 1),
      state: "usable",
    },
  ];
  return createModelDesk({
    config: () => config,
    catalogue: () => catalogue,
    profiles: {
      of,
      get: (id) => of(id.split(":")[0] as string)[0],
      looked: Promise.resolve(),
      refused: () => undefined,
    },
    needsLogin: () => true,
    open: async ({ provider }) => {
      const endpoint = catalogue.endpoint(provider);
      if (endpoint === undefined) throw new Error(`There is no provider ${provider}.`);
      const module = await providerModule(endpoint.api);
      return module.open(endpoint, { fetch: globalThis.fetch, clock, ids: systemIds() });
    },
    addressOf: (provider) => catalogue.endpoint(provider)?.baseUrl ?? "",
    documents,
    clock,
    log: silentLog(),
  });
}

interface Recorded {
  readonly name: string;
  readonly protocol: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly hasImages?: boolean;
  readonly expected: FailureReason;
}

/** Everything a service of that protocol was seen to refuse with. */
export function recordedRefusals(provider: ProviderName): readonly Behaviour[] {
  const folder = new URL("../../src/providers/fixtures/failures/", import.meta.url);
  const all = readdirSync(folder).flatMap(
    (file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as readonly Recorded[],
  );
  return all
    .filter(({ protocol, status, hasImages }) => protocol === apis[provider] && status !== undefined && !hasImages)
    .map(({ status = 500, headers = {}, body = "", expected }) => ({
      kind: "refused",
      reason: expected,
      reply: { recorded: { status, headers, body } },
    }));
}

/** Ways in which an answer breaks that began well, or never begins. */
export const breakages: readonly Behaviour[] = [
  {
    kind: "broken",
    reason: "interrupted",
    reply: { text: "half of an answer", fault: { kind: "cut", afterDeltas: 2 } },
  },
  { kind: "broken", reason: "interrupted", reply: { fault: { kind: "cut", afterDeltas: 0 } } },
  {
    kind: "broken",
    reason: "interrupted",
    reply: { text: "half of an answer", fault: { kind: "end", afterDeltas: 2 } },
  },
  {
    kind: "broken",
    reason: "unreadable",
    reply: { text: "half of an answer", fault: { kind: "garbage", afterDeltas: 1 } },
  },
  {
    kind: "broken",
    reason: "overloaded",
    reply: { text: "half of an answer", fault: { kind: "error", afterDeltas: 1 } },
  },
  { kind: "broken", reason: "timeout", reply: { text: "half of an answer", fault: { kind: "hang", afterDeltas: 1 } } },
  { kind: "broken", reason: "network", reply: { fault: { kind: "hang-up" } } },
  { kind: "broken", reason: "timeout", reply: { fault: { kind: "silence" } } },
  { kind: "empty", reason: "empty", reply: { text: "" } },
];
