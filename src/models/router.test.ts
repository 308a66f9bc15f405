import { readFile, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultConfig } from "../config/default-config.ts";
import type { ModelInfo } from "../domain/conversation.ts";
import { complexityOf } from "./complexity.ts";
import { tiers, type Tier } from "../domain/tier.ts";
import { modelOfTier, routeQuery } from "./router.ts";

const router = { ...defaultConfig().router, enabled: true };

async function labelledPrompts(): Promise<readonly { readonly tier: Tier; readonly text: string }[]> {
  const file = await readFile(new URL("fixtures/prompts.txt", import.meta.url), "utf8");
  return file.split("\n").flatMap((line) => {
    const tier = tiers.find((name) => line.startsWith(`${name}: `));
    return tier === undefined ? [] : [{ tier, text: line.slice(tier.length + 2).replaceAll("\\n", "\n") }];
  });
}

function model(id: string, output: number | null, provider = "acme"): ModelInfo {
  return {
    ref: `${provider}/${id}`,
    provider,
    id,
    name: id,
    contextWindow: 100_000,
    maxTokens: null,
    reasoning: false,
    input: ["text"],
    price: output === null ? undefined : { input: output / 4, output, cacheRead: 0, cacheWrite: 0 },
  };
}

function finderOf(models: readonly ModelInfo[]): (name: string) => ModelInfo | undefined {
  return (name) => models.find(({ ref }) => ref === name) ?? models.find(({ id }) => id === name);
}

describe("router", () => {
  test("H11: of 200 labelled prompts nineteen in twenty go to the tier a person would choose, and never two tiers off", async () => {
    const prompts = await labelledPrompts();
    expect(prompts.length).toBeGreaterThanOrEqual(200);
    const routed = prompts.map((prompt) => ({ ...prompt, got: routeQuery({ text: prompt.text }, router)?.tier }));
    const wrong = routed.filter(({ tier, got }) => tier !== got);
    const far = wrong.filter(({ tier, got }) => tier !== "balanced" && got !== "balanced");
    expect(far).toEqual([]);
    expect(wrong.length / prompts.length, JSON.stringify(wrong, null, 1)).toBeLessThanOrEqual(0.05);
  });

  test("H11: the route of every labelled prompt is the recorded one", async () => {
    const routed = (await labelledPrompts()).map(({ text }) => {
      const route = routeQuery({ text }, router);
      return `${route?.tier} ${route?.complexity?.score.toFixed(3)} ${JSON.stringify(text.slice(0, 60))}`;
    });
    const golden = new URL("fixtures/routes.golden.txt", import.meta.url);
    const text = `${routed.join("\n")}\n`;
    if (process.env["UPDATE"] === "1") await writeFile(golden, text);
    expect(text).toBe(await readFile(golden, "utf8"));
  });

  test("H11: a session names its tier, asks for the router, or does without it", () => {
    const hard = "Prove that there is no largest prime and compare three proofs in detail.";
    expect(routeQuery({ text: hard, sessionRouting: "fast" }, router)).toMatchObject({
      tier: "fast",
      complexity: null,
    });
    expect(routeQuery({ text: hard, sessionRouting: "off" }, router)).toBeNull();
    const off = { ...router, enabled: false };
    expect(routeQuery({ text: hard }, off)).toBeNull();
    expect(routeQuery({ text: hard, sessionRouting: "auto" }, off)?.tier).toBe("capable");
  });

  test("the thresholds are the configuration's, and one that is reached belongs to the tier above", () => {
    const { score } = complexityOf("Write a poem about rain.");
    const at = (balanced: number, capable: number) =>
      routeQuery({ text: "Write a poem about rain." }, { ...router, thresholds: { balanced, capable } })?.tier;
    expect(at(score, 1)).toBe("balanced");
    expect(at(score + 0.001, 1)).toBe("fast");
    expect(at(0, score)).toBe("capable");
    // Thresholds that cross: the middle is left out, nothing breaks.
    expect(at(0.9, score)).toBe("capable");
  });

  test("any text has a score between 0 and 1, the same every time", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 5_000 }), (text) => {
        const first = complexityOf(text);
        expect(first.score).toBeGreaterThanOrEqual(0);
        expect(first.score).toBeLessThanOrEqual(1);
        expect(complexityOf(text)).toEqual(first);
      }),
      { numRuns: 300 },
    );
  });

  test("a megabyte of anything is looked at in its first pages alone", () => {
    const long = "a^2 ".repeat(250_000);
    expect(complexityOf(long)).toEqual(complexityOf(long.slice(0, 16_000)));
  });
});

describe("the model of a tier", () => {
  const models = [
    model("small", 1),
    model("middle", 10),
    model("large", 60),
    model("gratis", 0),
    model("secret", null),
    model("huge", 200, "other"),
  ];
  const scene = { tiers: {}, primary: models[1] as ModelInfo, models, find: finderOf(models) };

  test("H12: without a configured one it is the cheapest and the dearest of the agent's own provider", () => {
    expect(tiers.map((tier) => modelOfTier(tier, scene)?.ref)).toEqual(["acme/small", "acme/middle", "acme/large"]);
  });

  test("H12: a bare name is looked for at the agent's own provider first", () => {
    const both = [...models, model("large", 30, "other")];
    const configured = {
      ...scene,
      models: both,
      find: finderOf(both),
      tiers: { fast: "large", capable: "other/huge" },
    };
    expect(modelOfTier("fast", configured)?.ref).toBe("acme/large");
    expect(modelOfTier("fast", { ...configured, primary: model("x", 1, "other") })?.ref).toBe("other/large");
    expect(modelOfTier("capable", configured)?.ref).toBe("other/huge");
  });

  test("H12: a configured one that does not exist is not replaced in silence", () => {
    expect(modelOfTier("fast", { ...scene, tiers: { fast: "acme/gone" } })).toBeUndefined();
  });

  test("H12: where no price is known, every tier is the agent's own model", () => {
    const unknown = [model("a", null), model("b", null)];
    const plain = { tiers: {}, primary: unknown[0] as ModelInfo, models: unknown, find: finderOf(unknown) };
    expect(tiers.map((tier) => modelOfTier(tier, plain)?.ref)).toEqual(["acme/a", "acme/a", "acme/a"]);
  });
});
