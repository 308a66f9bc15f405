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

  it("a router's own protocol is found, and OpenAI's at its address goes on with the same key", () => {
    const models = (settings: object): Parameters<typeof configOf>[0] => ({
      models: { providers: { openrouter: { headers: {}, models: [], ...settings } as unknown as typeof mock } },
    });
    const at = (settings: object) => createCatalogue(configOf(models(settings)), found({ openrouter: "or" }));
    expect(at({ api: "openrouter" }).endpoint("openrouter")).toMatchObject({ api: "openrouter", apiKey: "or" });
    const baseUrl = "https://openrouter.ai/api/v1";
    const old = at({ api: "openai-completions", baseUrl });
    expect(old.endpoint("openrouter")).toMatchObject({ api: "openai-completions", baseUrl, apiKey: "or" });
    expect(old.primary("main")?.ref).toBe("openrouter/openrouter/auto");
    for (const elsewhere of ["https://openrouter.ai.evil.org/api/v1", "https://evil.org"])
      for (const api of ["openrouter", "openai-completions"])
        expect(at({ api, baseUrl: elsewhere }).endpoint("openrouter")?.apiKey).toBeNull();
  });

  it("H3: AWS's keys serve a configured provider in any region of AWS, and nowhere else", () => {
    const aws = {
      accessKeyId: "AKID",
      secretAccessKey: "secret",
      sessionToken: null,
      bearerToken: null,
      region: "eu-west-1",
    };
    const keys = { openai: null, anthropic: null, gemini: null, openrouter: null };
    const detected = detectProviders({ keys, ollamaHost: null, aws }, providerDeps()).current();
    const settings = { api: "bedrock-converse-stream", headers: {}, models: [] } as const;
    const at = (baseUrl?: string) =>
      createCatalogue(
        configOf({
          models: {
            providers: {
              "amazon-bedrock": { ...settings, models: [], ...(baseUrl === undefined ? {} : { baseUrl }) },
            },
          },
        }),
        detected,
      ).endpoint("amazon-bedrock")?.aws;
    expect(at()).toMatchObject({ accessKeyId: "AKID" });
    expect(at("https://bedrock-runtime.us-west-2.amazonaws.com")).toMatchObject({ accessKeyId: "AKID" });
    for (const elsewhere of [
      "http://bedrock-runtime.us-west-2.amazonaws.com",
      "https://bedrock-runtime.us-west-2.amazonaws.com.evil.org",
      "https://evil.org/bedrock-runtime.us-west-2.amazonaws.com",
      "http://127.0.0.1:4000",
    ])
      expect(at(elsewhere)).toBeUndefined();
  });

  describe("with a list of the provider's own", () => {
    const listed = (id: string, price: number | null, more: object = {}) => ({
      ref: `openrouter/${id}`,
      provider: "openrouter",
      id,
      name: `Name of ${id}`,
      contextWindow: 64_000,
      maxTokens: 8_000,
      reasoning: true,
      input: ["text", "image"] as const,
      price: price === null ? undefined : { input: price, output: price, cacheRead: price, cacheWrite: price },
      ...more,
    });
    const list = [listed("openrouter/auto", null), listed("meta/llama-5", 3), listed("openai/gpt-4o", 7)];
    const lists = ({ id }: { id: string }) => (id === "openrouter" ? list : []);

    it("H6: every model of the list is there with its price, behind all others", () => {
      const catalogue = createCatalogue(configOf(), found({ openrouter: "or" }), lists);
      expect(refs(catalogue)).toEqual([
        "openrouter/openrouter/auto",
        "openrouter/meta/llama-5",
        "openrouter/openai/gpt-4o",
      ]);
      expect(catalogue.primary("main")?.ref).toBe("openrouter/openrouter/auto");
      expect(catalogue.find("openrouter/meta/llama-5")).toMatchObject({ price: { input: 3 }, contextWindow: 64_000 });
    });

    it("H6: a list takes no name from anybody: its models are meant by their whole reference alone", () => {
      const agents: Partial<Agents> = {
        defaults: { model: { primary: "openai/gpt-4o", fallbacks: ["meta/llama-5"], fallbackOn: [] }, models: {} },
      };
      const catalogue = createCatalogue(configOf({ agents }), found({ openrouter: "or" }), lists);
      expect(catalogue.primary("main")).toBeUndefined();
      expect(catalogue.fallbacks("main")).toEqual([]);
      const both = createCatalogue(configOf({ agents }), found({ openrouter: "or", openai: "sk-o" }), lists);
      expect(both.primary("main")?.provider).toBe("openai");
    });

    it("H6: what the configuration says of a model wins over the list, and the list over what is generally known", () => {
      const openrouter = {
        api: "openrouter",
        headers: {},
        models: [
          { id: "meta/llama-5", reasoning: false, input: ["text"], contextWindow: 9_000 },
          {
            id: "openai/gpt-4o",
            reasoning: false,
            input: ["text"],
            cost: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 },
          },
        ],
      } as unknown as typeof mock;
      const agents: Partial<Agents> = {
        defaults: { model: { primary: "openrouter/nobody/knows", fallbacks: [], fallbackOn: [] }, models: {} },
      };
      const catalogue = createCatalogue(
        configOf({ models: { providers: { openrouter } }, agents }),
        found({ openrouter: "or" }),
        lists,
      );
      expect(catalogue.find("openrouter/meta/llama-5")).toMatchObject({
        contextWindow: 9_000,
        maxTokens: 8_000,
        reasoning: true,
        price: { input: 3 },
      });
      expect(catalogue.find("openrouter/openai/gpt-4o")).toMatchObject({ price: { input: 1 }, contextWindow: 64_000 });
      expect(catalogue.primary("main")?.price).toBeUndefined();
      expect(refs(catalogue).filter((ref) => ref === "openrouter/meta/llama-5")).toHaveLength(1);
    });
  });
});
