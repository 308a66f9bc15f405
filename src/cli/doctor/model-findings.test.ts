/** What doctor says of the models, by what the gateway tells of them. */
import { describe, expect, it } from "vitest";
import type { GatewayClient } from "../gateway-client.ts";
import { modelFindings } from "./model-findings.ts";

type Model = { provider: string; id: string; authState?: string; cost?: object | null };

async function found(models: readonly Model[], config: object = {}): Promise<readonly string[]> {
  const answers: Readonly<Record<string, unknown>> = {
    "models.list": {
      models: models.map((model) => ({
        authState: "ok",
        cost: {},
        ...model,
        available: (model.authState ?? "ok") === "ok",
      })),
    },
    "config.get": { config },
  };
  const client = { call: (method: string) => Promise.resolve(answers[method]) } as unknown as GatewayClient;
  return (await modelFindings(client)).map(({ verdict, text }) => `${verdict}: ${text}`);
}

const one = { provider: "a", id: "one" };

describe("doctor on models", () => {
  it("a name that is nobody's is told with its place: fallbacks, tiers of a router that is on, agents", async () => {
    const defaults = { model: { primary: "a/one", fallbacks: ["a/one", "b/gone", "quick"] } };
    const list = [{ id: "x", model: "a/gone", fallbacks: ["a/one", "c/gone"] }];
    const tiers = { fast: "d/gone", capable: "a/one" };
    expect(await found([one], { agents: { defaults, list }, router: { enabled: true, tiers } })).toEqual([
      "good: 1 can be used",
      "weak: agents.defaults.model.fallbacks[1] names b/gone, and there is no such model.",
      "weak: agents.list[0].model names a/gone, and there is no such model.",
      "weak: agents.list[0].fallbacks[1] names c/gone, and there is no such model.",
      "weak: router.tiers.fast names d/gone, and there is no such model.",
    ]);
    expect(await found([one], { agents: { defaults: {} }, router: { enabled: false, tiers } })).toHaveLength(1);
  });

  it("a refused key, an empty account and an ended login are told once for each provider; a pause is not", async () => {
    const models = [
      one,
      { provider: "b", id: "x", authState: "refused" },
      { provider: "b", id: "y", authState: "refused" },
      { provider: "c", id: "x", authState: "no-credit" },
      { provider: "d", id: "x", authState: "cooling-down" },
      { provider: "e", id: "x", authState: "missing" },
    ];
    expect(await found(models)).toEqual([
      "good: 1 can be used",
      "weak: b: the key was refused.",
      "weak: c: there is no credit left.",
    ]);
  });

  it("none at all is bad; the demo alone is weak", async () => {
    expect(await found([])).toEqual(["bad: none can be used."]);
    expect(await found([{ provider: "demo", id: "demo" }])).toEqual([
      "weak: only the demo model: no provider was found.",
    ]);
  });
});
