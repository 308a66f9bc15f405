/** What each channel and provider needs to prove itself, and what one configuration lacks of it. */
import { describe, expect, it } from "vitest";
import { channelManifests } from "../channels/registry.ts";
import { testHome } from "../config/fixtures/home.ts";
import { modelApis } from "../providers/contract.ts";
import { channelSettings } from "./channel-settings.ts";
import { channelShape, lackingSecrets, providerShape, secretNameOf } from "./credential-shapes.ts";

describe("credential shapes", () => {
  it.each(channelManifests().map((manifest) => [manifest.id, manifest] as const))(
    "S7: %s says which of its settings are secrets, and which it cannot do without",
    (id, manifest) => {
      const shape = channelShape(manifest);
      expect(shape.scope).toBe(`channel:${id}`);
      expect(shape.secrets.map(({ setting }) => setting)).toEqual(manifest.secrets);
      for (const { name } of shape.secrets) expect(name).toMatch(/^[a-z0-9][a-z0-9.-]*$/);
      expect(new Set(shape.secrets.map(({ name }) => name)).size).toBe(shape.secrets.length);
      // With everything that it needs, it needs nothing more than what is wrong with the values.
      const given = [...shape.settings, ...shape.secrets.filter((one) => one.isNeeded).map(({ setting }) => setting)];
      const filled = Object.fromEntries(given.map((setting) => [setting, "x"]));
      const parsed = manifest.configSchema.safeParse(filled);
      for (const issue of parsed.error?.issues ?? []) expect(given).toContain(issue.path.join("."));
    },
  );

  it("S7: a bot needs its token, and a line of a network may do without a password", () => {
    const needed = (id: string): readonly string[] => {
      const manifest = channelManifests().find((one) => one.id === id)!;
      const { secrets, settings } = channelShape(manifest);
      return [...settings, ...secrets.filter((one) => one.isNeeded).map((one) => `${one.setting}=${one.environment}`)];
    };
    expect(needed("telegram")).toEqual(["botToken=TELEGRAM_BOT_TOKEN"]);
    expect(needed("irc")).toEqual(["host", "nick"]);
  });

  it.each(modelApis)("S7: a provider that speaks %s has a shape", (api) => {
    const { scope, secrets } = providerShape("own", api);
    expect(scope).toBe("provider:own");
    expect(secrets.map(({ setting }) => setting)).toContain("headers.*");
  });

  it.each([
    [["botToken"], "bot-token"],
    [["accounts", "work", "botToken"], "work.bot-token"],
    [["channels", 2, "key"], "channels.2.key"],
    [["headers", "X-Api-Key"], "headers.x-api-key"],
    [["env", "vars", "OPENAI_API_KEY"], "env.vars.OPENAI_API_KEY"],
    [["accounts", "zoë/ünter", "password"], "zo-nter.password"],
    [["***"], "secret"],
    [["x".repeat(200)], "x".repeat(64)],
  ])("a secret of %j is called %s", (keys, name) => {
    expect(secretNameOf(keys)).toBe(name);
  });

  it("S7: what a configuration lacks is told with the command, each once", async () => {
    const home = await testHome(`{
      channels: {
        telegram: { accounts: { work: {}, home: { botToken: "\${secret:gone}" } } },
        irc: { host: "h", nick: "n", password: "\${secret:old}" },
      },
      models: { providers: {
        hosted: { api: "anthropic-messages" },
        own: { api: "openai-completions", baseUrl: "http://127.0.0.1:1/v1" },
        proxied: { api: "anthropic-messages", baseUrl: "http://127.0.0.1:1" },
        known: { api: "openai-responses" },
      } },
    }`);
    const environment = home.environment({ OPENAI_API_KEY: "given" });
    const loaded = await home.load({
      ...channelSettings(),
      environment,
      secrets: {
        file: "/vault.json",
        read: (_scope, name) => Promise.resolve({ state: name === "old" ? "expired" : "missing" }),
      },
    });
    const lacking = lackingSecrets(loaded, channelManifests(), loaded.environment);
    expect(lacking.map(({ setting, state, command }) => [setting, state, command])).toEqual([
      ["channels.telegram.accounts.home.botToken", "missing", "openclaw secrets set channel:telegram gone"],
      ["channels.irc.password", "expired", "openclaw secrets set channel:irc old"],
      ["channels.telegram.accounts.work.botToken", "unset", "openclaw secrets set channel:telegram work.bot-token"],
      ["models.providers.hosted.apiKey", "unset", "openclaw secrets set provider:hosted api-key"],
    ]);
  });
});
