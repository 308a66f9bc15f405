/** The defaults: what one gets who configures nothing, and in which order it comes together. */
import path from "node:path";
import { describe, expect, it } from "vitest";
import { defaultConfig, defaultsContext } from "../default-config.ts";
import { testHome } from "../fixtures/home.ts";
import { configSchema } from "../schema/root.ts";
import { applyDefaults, defaultsChain } from "./chain.ts";

describe("defaults", () => {
  it("Q6: an empty file gives the documented effective configuration", async () => {
    await expect(`${JSON.stringify(defaultConfig(), null, 2)}\n`).toMatchFileSnapshot(
      "../fixtures/effective-defaults.golden.json",
    );
    const home = await testHome("{}");
    const context = defaultsContext(path.join(home.dir, "home"), home.dir);
    expect((await home.load()).config).toEqual(defaultConfig(context));
  });

  it("Q6: no file at all gives the same", async () => {
    const home = await testHome();
    const loaded = await home.load();
    expect([loaded.exists, loaded.issues]).toEqual([false, []]);
    expect(loaded.config).toEqual(defaultConfig(defaultsContext(path.join(home.dir, "home"), home.dir)));
  });

  it("Q6: the defaults are what the schema asks for, no more and no less", () => {
    expect(configSchema().parse(defaultConfig())).toEqual(defaultConfig());
  });

  it("Q6: eight layers in their order, none of which changes what is set", () => {
    expect(defaultsChain.map(([name]) => name)).toEqual([
      "message",
      "logging",
      "session",
      "agent",
      "context-pruning",
      "compaction",
      "model",
      "router",
    ]);
    const complete = defaultConfig();
    for (const [, layer] of defaultsChain) expect(layer(complete, defaultsContext("/h", "/s"))).toEqual(complete);
  });

  it("Q6: a later layer sees an earlier one and the file", () => {
    const context = defaultsContext("/h", "/s");
    const filled = applyDefaults(
      {
        logging: { level: "debug" },
        agents: { defaults: { model: { primary: "a/b" }, contextTokens: 8_000, heartbeat: { every: "1h" } } },
      },
      context,
    );
    expect(filled.logging?.consoleLevel).toBe("debug");
    // Tiers without a model are found among those of the provider that is in use then.
    expect(filled.router?.tiers).toEqual({});
    expect(filled.agents?.defaults?.compaction?.reserveTokens).toBe(2_000);
    expect(filled.agents?.defaults?.heartbeat).toMatchObject({ enabled: true, every: "1h" });
    expect(defaultConfig().agents.defaults.heartbeat.enabled).toBe(false);
  });
});
