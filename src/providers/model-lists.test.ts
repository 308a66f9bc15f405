import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import type { Log } from "../platform/log.ts";
import type { ModelProvider, ProviderEndpoint } from "./contract.ts";
import { createModelLists, type ModelLists } from "./model-lists.ts";

const router: ProviderEndpoint = {
  id: "openrouter",
  api: "openrouter",
  baseUrl: "https://openrouter.ai/api/v1",
  apiKey: "sk-or-secret",
  headers: {},
};
const openai: ProviderEndpoint = { ...router, id: "openai", api: "openai-responses", baseUrl: null };

function model(id: string, price: number | null = 3): ModelInfo {
  return {
    ref: `openrouter/${id}`,
    provider: "openrouter",
    id,
    name: id,
    contextWindow: 8_000,
    maxTokens: null,
    reasoning: false,
    input: ["text"],
    price: price === null ? undefined : { input: price, output: price, cacheRead: price, cacheWrite: price },
  };
}

interface World {
  readonly clock: FakeClock;
  readonly lists: ModelLists;
  readonly asked: string[];
  readonly warnings: string[];
  readonly kept: { document: unknown };
  changes: number;
  answer: (signal: AbortSignal) => Promise<readonly ModelInfo[]>;
  endpoints: readonly ProviderEndpoint[];
}

function world(kept: World["kept"] = { document: null }, clock = new FakeClock()): World {
  const asked: string[] = [];
  const warnings: string[] = [];
  const quiet = (): void => undefined;
  const log: Log = {
    trace: quiet,
    debug: quiet,
    info: quiet,
    warn: (message) => void warnings.push(message),
    error: quiet,
    fatal: quiet,
    child: () => log,
  };
  const made: World = {
    clock,
    asked,
    warnings,
    kept,
    changes: 0,
    answer: () => Promise.resolve([model("maker/a"), model("maker/b", null)]),
    endpoints: [openai, router],
    lists: createModelLists({
      endpoints: () => made.endpoints,
      open: (endpoint) => {
        asked.push(endpoint.id);
        const listed: ModelProvider = {
          endpoint,
          stream: () => expect.fail("no model is asked"),
          listModels: (signal) => made.answer(signal),
        };
        return Promise.resolve(listed);
      },
      store: {
        read: () => (kept.document instanceof Error ? Promise.reject(kept.document) : Promise.resolve(kept.document)),
        write: (document) => {
          if (kept.document instanceof Error) return Promise.reject(kept.document);
          kept.document = structuredClone(document);
          return Promise.resolve();
        },
      },
      clock,
      log,
      changed: () => (made.changes += 1),
    }),
  };
  return made;
}

describe("the lists that providers have of their own models", () => {
  it("H6: nobody is asked at the start, and each provider with a list once a day from then on", async () => {
    const { clock, lists, asked, ...rest } = world();
    lists.start();
    lists.start();
    await clock.advance(limits.modelListDelayMs - 1);
    expect(asked).toEqual([]);
    expect(lists.of(router)).toEqual([]);
    await clock.advance(1);
    expect(asked).toEqual(["openrouter"]);
    expect(lists.of(router).map(({ ref, price }) => [ref, price?.input])).toEqual([
      ["openrouter/maker/a", 3],
      ["openrouter/maker/b", undefined],
    ]);
    expect(lists.of(openai)).toEqual([]);
    await clock.advance(limits.modelListFreshMs - limits.modelListRetryMs);
    expect(asked).toHaveLength(1);
    await clock.advance(limits.modelListRetryMs);
    expect(asked).toHaveLength(2);
    lists.close();
    lists.close();
    expect(clock.pendingTimers).toBe(0);
    expect(rest.warnings).toEqual([]);
  });

  it("H6: the last good list outlives the process, and is not asked for again before its day is over", async () => {
    const first = world();
    first.lists.start();
    await first.clock.advance(limits.modelListDelayMs);
    first.lists.close();
    expect(JSON.stringify(first.kept.document)).not.toContain("sk-or-secret");
    const second = world(first.kept, new FakeClock(first.clock.nowMs() + 3_600_000));
    second.lists.start();
    await second.clock.advance(0);
    expect(second.changes).toBe(1);
    expect(second.lists.of(router)).toEqual([model("maker/a"), model("maker/b", null)]);
    await second.clock.advance(limits.modelListDelayMs);
    expect(second.asked).toEqual([]);
    const tomorrow = world(first.kept, new FakeClock(first.clock.nowMs() + limits.modelListFreshMs));
    tomorrow.lists.start();
    await tomorrow.clock.advance(limits.modelListDelayMs);
    expect(tomorrow.asked).toEqual(["openrouter"]);
    const setBack = world(first.kept, new FakeClock(first.clock.nowMs() - 86_400_000 * 30));
    setBack.lists.start();
    await setBack.clock.advance(limits.modelListDelayMs);
    expect(setBack.asked).toEqual(["openrouter"]);
  });

  it("H6: a list that fails, is empty or never comes leaves what was known, and is asked for again in an hour", async () => {
    const made = world();
    const { clock, lists, asked, warnings } = made;
    lists.start();
    await clock.advance(limits.modelListDelayMs);
    await clock.advance(limits.modelListFreshMs);
    const before = asked.length;
    const failures: World["answer"][] = [
      () => Promise.reject(new AppError("MODEL_004", "down")),
      () => Promise.reject(new Error("odd")),
      () => Promise.resolve([]),
      () => new Promise(() => undefined),
    ];
    await clock.advance(limits.modelListFreshMs - limits.modelListRetryMs);
    for (const failure of failures) {
      made.answer = failure;
      await clock.advance(limits.modelListRetryMs + limits.modelListTimeoutMs);
      expect(lists.of(router)).toHaveLength(2);
    }
    expect(asked.length - before).toBeGreaterThanOrEqual(failures.length);
    expect(warnings.length).toBeGreaterThanOrEqual(failures.length);
    made.answer = () => Promise.resolve([model("maker/new")]);
    await clock.advance(2 * limits.modelListRetryMs);
    expect(lists.of(router).map(({ id }) => id)).toEqual(["maker/new"]);
    lists.close();
  });

  it("a list is of one address and one protocol", async () => {
    const { clock, lists } = world();
    lists.start();
    await clock.advance(limits.modelListDelayMs);
    expect(lists.of({ ...router, baseUrl: "https://openrouter.ai/api/v1/" })).toHaveLength(2);
    for (const other of [{ baseUrl: "https://elsewhere.example.org/v1" }, { api: "openai-completions" }] as const)
      expect(lists.of({ ...router, ...other })).toEqual([]);
  });

  it.each([
    7,
    "text",
    [],
    {},
    { version: 2, lists: {} },
    { version: 1, lists: { openrouter: { address: "x", atMs: 0, models: [{ id: "a", price: { input: -1 } }] } } },
    { version: 1, lists: { openrouter: { address: "x", atMs: "now", models: [] } } },
  ])("a kept document that is none (%j) is asked for anew and told", async (document) => {
    const made = world({ document });
    made.lists.start();
    await made.clock.advance(0);
    expect(made.warnings).toHaveLength(1);
    expect(made.lists.of(router)).toEqual([]);
    await made.clock.advance(limits.modelListDelayMs);
    expect(made.lists.of(router)).toHaveLength(2);
  });

  it("a store that cannot be read or written costs nothing but a line in the log", async () => {
    const made = world({ document: new Error("disk") });
    made.lists.start();
    await made.clock.advance(limits.modelListDelayMs);
    expect(made.lists.of(router)).toHaveLength(2);
    expect(made.warnings).toHaveLength(1);
  });

  it("closing ends what is under way, and nothing is said of it", async () => {
    const made = world();
    let ended = false;
    made.answer = (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          ended = true;
          reject(new Error("aborted"));
        });
      });
    made.lists.start();
    await made.clock.advance(limits.modelListDelayMs);
    made.lists.close();
    await made.clock.advance(0);
    expect(ended).toBe(true);
    expect(made.clock.pendingTimers).toBe(0);
    expect(made.warnings).toEqual([]);
    const early = world();
    early.lists.start();
    early.lists.close();
    await early.clock.advance(limits.modelListFreshMs);
    expect(early.asked).toEqual([]);
  });
});
