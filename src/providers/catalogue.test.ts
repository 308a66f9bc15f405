import { describe, expect, it } from "vitest";
import type { Config } from "../config/schema/root.ts";
import { createCatalogue } from "./catalogue.ts";
import { providerDeps } from "./conformance.ts";
import { detectProviders, type FoundKeys } from "./detect.ts";

type Agents = Pick<Config["agents"], "list"> & { defaults: Pick<Config["agents"]["defaults"], "model" | "models"> };

function configOf(
  more: { models?: Partial<Config["models"]>; agents?: Partial<Agents> } = {},
): Pick<Config, "models" | "agents"> {
  const agents: Agents = {
    list: [],
    defaults: { model: { fallbacks: [], fallbackOn: [] }, models: {} },
    ...more.agents,
  };
  return { models: { mode: "merge", providers: {}, ...more.models }, agents: agents as Config["agents"] };
}

function found(keys: Partial<FoundKeys> = {}): ReturnType<ReturnType<typeof detectProviders>["current"]> {
  return detectProviders(
    { keys: { openai: null, anthropic: null, gemini: null, openrouter: null, ...keys }, ollamaHost: null },
    providerDeps(),
  ).current();
}

const mock = {
  baseUrl: "http://127.0.0.1:29100/v1",
  apiKey: "k",
  api: "openai-completions",
  headers: {},
  models: [
    {
      id: "m-1",
      reasoning: false,
      input: ["text"],
      contextWindow: 8_000,
      cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 },
    },
    { id: "org/m-2", reasoning: false, input: ["text"] },
  ],
} as const satisfies Config["models"]["providers"][string] as unknown as Config["models"]["providers"][string];

const refs = (catalogue: ReturnType<typeof createCatalogue>): string[] => catalogue.list().map(({ ref }) => ref);

describe("the catalogue of models", () => {
  it("with nothing configured and nothing found there is the demo model, and it is free", () => {
    const catalogue = createCatalogue(configOf(), []);
    expect(catalogue.isDemo).toBe(true);
    expect(catalogue.primary("main")).toMatchObject({ ref: "demo/demo", price: { input: 0, output: 0 } });
    expect(catalogue.endpoint("demo")?.api).toBe("demo");
  });

  it("one key is enough, and the demo model is gone", () => {
    const catalogue = createCatalogue(configOf(), found({ anthropic: "sk-a" }));
    expect(catalogue.isDemo).toBe(false);
    expect(catalogue.primary("main")?.provider).toBe("anthropic");
    expect(catalogue.find("demo")).toBeUndefined();
  });

  it("what is configured comes before what is found", () => {
    const catalogue = createCatalogue(configOf({ models: { providers: { mock } } }), found({ openai: "sk-o" }));
    expect(catalogue.primary("main")?.ref).toBe("mock/m-1");
    expect(refs(catalogue)).toContain("openai/gpt-4o");
    const alone = createCatalogue(
      configOf({ models: { mode: "replace", providers: { mock } } }),
      found({ openai: "sk-o" }),
    );
    expect(refs(alone)).toEqual(["mock/m-1", "mock/org/m-2"]);
  });

  it("C11: a model without a price says so, and is not free", () => {
    const catalogue = createCatalogue(configOf({ models: { providers: { mock } } }), []);
    expect(catalogue.find("mock/m-1")).toMatchObject({
      provider: "mock",
      contextWindow: 8_000,
      price: { input: 1, output: 2 },
    });
    expect(catalogue.find("mock/org/m-2")).toMatchObject({ contextWindow: null, price: undefined });
  });

  it("finds by reference, alias of any case, and bare id", () => {
    const defaults = { model: { fallbacks: [], fallbackOn: [] }, models: { "mock/org/m-2": { alias: "Fast" } } };
    const catalogue = createCatalogue(configOf({ models: { providers: { mock } }, agents: { defaults } }), []);
    for (const name of ["mock/org/m-2", "fast", "FAST", "org/m-2"])
      expect(catalogue.find(name)?.ref).toBe("mock/org/m-2");
    for (const name of ["", "m-3", "mock", "mock/", "other/m-1", "__proto__"])
      expect(catalogue.find(name)).toBeUndefined();
  });

  it("of two models of one id the configured one is meant", () => {
    const own = { ...mock, models: [{ id: "gpt-4o", reasoning: false, input: ["text" as const] }] };
    const catalogue = createCatalogue(configOf({ models: { providers: { own } } }), found({ openai: "sk-o" }));
    expect(catalogue.find("gpt-4o")?.ref).toBe("own/gpt-4o");
  });

  it("each agent has its model and its fallbacks; one that does not exist is not replaced in silence", () => {
    const agents: Partial<Agents> = {
      list: [
        { id: "coder", model: "m-1", fallbacks: ["org/m-2", "nobody/knows"] },
        { id: "lost", model: "nobody/knows" },
      ],
      defaults: { model: { primary: "mock/org/m-2", fallbackOn: [], fallbacks: ["m-1"] }, models: {} },
    };
    const catalogue = createCatalogue(configOf({ models: { providers: { mock } }, agents }), []);
    expect(catalogue.primary("main")?.ref).toBe("mock/org/m-2");
    expect(catalogue.fallbacks("main").map(({ ref }) => ref)).toEqual(["mock/m-1"]);
    expect(catalogue.primary("coder")?.ref).toBe("mock/m-1");
    expect(catalogue.fallbacks("coder").map(({ ref }) => ref)).toEqual(["mock/org/m-2"]);
    expect(catalogue.primary("lost")).toBeUndefined();
  });

  it("a model that the configuration names exists at its provider, listed or not", () => {
    const agents: Partial<Agents> = {
      defaults: {
        model: { primary: "openrouter/meta/llama-5", fallbackOn: [], fallbacks: ["ollama/qwen3:8b"] },
        models: {},
      },
    };
    const catalogue = createCatalogue(configOf({ agents }), found({ openrouter: "or" }));
    expect(catalogue.primary("main")).toMatchObject({
      ref: "openrouter/meta/llama-5",
      id: "meta/llama-5",
      price: undefined,
    });
    expect(catalogue.fallbacks("main")[0]).toMatchObject({ ref: "ollama/qwen3:8b" });
    expect(catalogue.endpoint("ollama")?.baseUrl).toBe("http://127.0.0.1:11434");
  });

  it("a found key serves a configured provider of its name, at its own address alone", () => {
    const openai = { api: "openai-responses", headers: {}, models: [] } as const;
    const at = (baseUrl?: string): string | null | undefined =>
      createCatalogue(
        configOf({
          models: { providers: { openai: { ...openai, models: [], ...(baseUrl === undefined ? {} : { baseUrl }) } } },
        }),
        found({ openai: "sk-o" }),
      ).endpoint("openai")?.apiKey;
    expect(at()).toBe("sk-o");
    expect(at("http://evil.example.org/v1")).toBeNull();
  });

  it("what is known of a model stands where the configuration says nothing", () => {
    const openai = {
      ...mock,
      api: "openai-responses" as const,
      models: [{ id: "o3", reasoning: false, input: ["text" as const] }],
    };
    const catalogue = createCatalogue(configOf({ models: { providers: { openai } } }), []);
    expect(catalogue.find("o3")).toMatchObject({ reasoning: true, contextWindow: 200_000, price: undefined });
    expect(catalogue.find("o3")?.input).toContain("image");
  });
});
