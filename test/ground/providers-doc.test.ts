import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/source-hash.mjs";
import { readEnvironment } from "../../src/config/environment.ts";
import { loadConfig } from "../../src/config/load.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { createCatalogue, type ProviderCatalogue } from "../../src/providers/catalogue.ts";
import { modelApis } from "../../src/providers/contract.ts";
import { detectProviders } from "../../src/providers/detect.ts";
import { providerModule } from "../../src/providers/registry.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const page = readFileSync(path.join(root, "docs", "providers.md"), "utf8");

interface Block {
  readonly language: string;
  readonly provider: string;
  readonly api: string;
  readonly model: string;
  readonly text: string;
}

const fence = /^```(\w+) provider=(\S+) api=(\S+) model=(\S+)\n([\s\S]*?)^```$/gm;
const blocks: readonly Block[] = [...page.matchAll(fence)].map(
  ([, language = "", provider = "", api = "", model = "", text = ""]) => ({
    language,
    provider,
    api,
    model,
    text: text.trim(),
  }),
);

/** What a gateway makes of it that has nothing but this: the variables, or the file. */
async function catalogueOf({ language, text }: Block): Promise<ProviderCatalogue> {
  const stateDir = temporaryFolder(language === "json5" ? { "openclaw.json": text } : {});
  const named = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => [name, "a-token-of-somebody"]);
  const exported = [...text.matchAll(/^export (\w+)="(.*)"$/gm)].map(([, name = "", value = ""]) => [name, value]);
  const variables = Object.fromEntries(language === "sh" ? exported : named) as Record<string, string>;
  const environment = readEnvironment({
    HOME: path.join(stateDir, "home"),
    OPENCLAW_STATE_DIR: stateDir,
    ...variables,
  });
  const { config, issues, environment: whole } = await loadConfig({ environment });
  expect(issues).toEqual([]);
  const { providerKeys: keys, ollamaHost, aws } = whole;
  const deps = { fetch: () => expect.fail("nobody may be asked"), clock: systemClock(), ids: systemIds() };
  return createCatalogue(config, detectProviders({ keys, ollamaHost, aws }, deps).current());
}

describe("the page of the providers", () => {
  it("has a block for every provider, and no other code", () => {
    expect(new Set(blocks.map(({ provider }) => provider))).toEqual(
      new Set(["openai", "anthropic", "google", "amazon-bedrock", "github-copilot", "openrouter", "ollama", "mine"]),
    );
    expect(page.match(/^```\S/gm)).toHaveLength(blocks.length);
    const unused = modelApis.filter((api) => !blocks.some((block) => block.api === api));
    expect(unused).toEqual(["demo"]);
  });

  it.each(blocks)("adds $provider in three lines at most: $text", async (block) => {
    expect(block.text.split("\n").length).toBeLessThanOrEqual(3);
    const catalogue = await catalogueOf(block);
    const endpoint = catalogue.endpoint(block.provider);
    expect(endpoint?.api).toBe(block.api);
    expect(catalogue.isDemo).toBe(false);
    expect(catalogue.primary("main")?.ref).toBe(`${block.provider}/${block.model}`);
    const needsKey = !["ollama", "mine"].includes(block.provider);
    if (needsKey) expect(endpoint?.apiKey ?? endpoint?.aws?.secretAccessKey ?? null).not.toBeNull();
    expect((await providerModule(endpoint!.api)).api).toBe(block.api);
  });
});
