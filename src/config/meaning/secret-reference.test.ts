/** `${secret:NAME}`: whose secret a place may use, what becomes of one that is not there, and what never happens. */
import { readdir } from "node:fs/promises";
import fc from "fast-check";
import * as z from "zod";
import { describe, expect, it } from "vitest";
import type { SecretScope } from "../../domain/secret-scope.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog, testHome, told, type TestHome } from "../fixtures/home.ts";
import { getAt, setAt } from "../dot-path.ts";
import type { LoadOptions } from "../load.ts";
import { secretPathsOf } from "../redact.ts";
import { createSchemaSet } from "./schema-set.ts";
import { secretScopeOf, type SecretAnswer, type SecretSource } from "./secret-reference.ts";

const channels = {
  channelSchemas: { chat: z.object({ token: z.string().optional(), host: z.string().optional() }) },
  channelSecrets: { chat: ["token"] },
  channelEnvironment: { chat: { token: "CHAT_TOKEN" } },
} satisfies Partial<LoadOptions>;

interface FakeVault extends SecretSource {
  readonly asked: string[];
  readonly held: Map<string, SecretAnswer>;
  put(scope: SecretScope, name: string, value: string, expiresMs?: number | null): void;
}

function fakeVault(file = "/vault.json"): FakeVault {
  const asked: string[] = [];
  const held = new Map<string, SecretAnswer>();
  return {
    file,
    asked,
    held,
    put: (scope, name, value, expiresMs = null) =>
      void held.set(`${scope} ${name}`, { state: "found", value, expiresMs }),
    read(scope, name) {
      asked.push(`${scope} ${name}`);
      return Promise.resolve(held.get(`${scope} ${name}`) ?? { state: "missing" });
    },
  };
}

describe("a reference to a secret", () => {
  it("S1: whose it is follows from the place, and the same name elsewhere is another secret", async () => {
    const home = await testHome(`{
      channels: { chat: { token: "\${secret:key}" } },
      models: { providers: { p: { api: "ollama", apiKey: "\${secret:key}", headers: { "x-key": "Key \${secret:key}!" } } } },
      hooks: { enabled: true, token: "\${secret:key}" },
    }`);
    const secrets = fakeVault();
    for (const scope of ["channel:chat", "provider:p", "gateway"] as const) secrets.put(scope, "key", `of ${scope}`);
    const { config, issues } = await home.load({ ...channels, secrets });
    expect(issues).toEqual([]);
    expect(config.channels["chat"]).toEqual({ token: "of channel:chat" });
    expect(config.models.providers["p"]).toMatchObject({
      apiKey: "of provider:p",
      headers: { "x-key": "Key of provider:p!" },
    });
    expect(config.hooks.token).toBe("of gateway");
    expect(secrets.asked.toSorted()).toEqual(["channel:chat key", "gateway key", "provider:p key"]);
  });

  it.each([
    "channel:other key",
    "channel:other/key",
    "provider:p:key",
    "../key",
    " key",
    "key ",
    "",
    "${KEY}",
    "a\u0000b",
    "gateway",
  ])("S1: another scope cannot be written: ${secret:%s} asks for nothing outside its place", async (name) => {
    const home = await testHome(JSON.stringify({ channels: { chat: { token: `\${secret:${name}}`, host: "h" } } }));
    const secrets = fakeVault();
    for (const scope of ["channel:other", "provider:p", "gateway"] as const) {
      secrets.put(scope, "key", "canary-of-another");
      secrets.put(scope, "gateway", "canary-of-another");
    }
    const loaded = await home.load({ ...channels, secrets, environment: home.environment({ KEY: "key" }) });
    expect(JSON.stringify(loaded.config)).not.toContain("canary");
    expect(secrets.asked).toEqual(name === "gateway" ? ["channel:chat gateway"] : []);
    expect(loaded.missingSecrets.map(({ path: where }) => where)).toEqual(["channels.chat.token"]);
  });

  it("S1: over any place and any name: the vault is asked for that place's scope alone", async () => {
    const places = secretPathsOf(createSchemaSet(channels));
    const home = await testHome("{}");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.constantFrom("chat", "p", "gateway", "a.b", "channel:x"),
        fc.oneof(fc.constant("key"), fc.string({ maxLength: 12 })),
        async (place, own, name) => {
          const path = place.map((key) => (key === "*" ? own : key));
          await home.put("openclaw.json", JSON.stringify(setAt({}, path, `\${secret:${name}}`)));
          const secrets = fakeVault();
          await home.load({ ...channels, secrets }).catch((error: { code?: string }) => {
            expect(error.code).toMatch(/^(VAULT_003|CFG_004)$/);
          });
          const [meant = ""] = name.split("}");
          for (const asked of secrets.asked) expect(asked).toBe(`${secretScopeOf(path)} ${meant}`);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("a variable of the configuration may be a secret of the gateway, and is hidden wherever it is used", async () => {
    const home = await testHome(`{
      env: { vars: { OPENAI_API_KEY: "\${secret:openai}", MADE: "x-\${secret:openai}", GONE: "\${secret:gone}" } },
      channels: { chat: { host: "\${MADE}" } },
    }`);
    const secrets = fakeVault();
    secrets.put("gateway", "openai", "canary-value");
    const handle = await home.open({ ...channels, secrets });
    expect(handle.environment().providerKeys.openai).toBe("canary-value");
    expect(handle.environment().variables["GONE"]).toBeUndefined();
    expect(handle.current().config.channels["chat"]).toEqual({ host: "x-canary-value" });
    expect(JSON.stringify([handle.redacted(), handle.current().issues])).not.toContain("canary");
    expect(handle.current().missingSecrets.map(({ path: where }) => where)).toEqual(["env.vars.GONE"]);
    expect(secrets.asked).toEqual(["gateway openai", "gateway gone"]);
  });

  it("pain 27: a secret stands only where every view hides it: in a prompt, a name or an address it is a mistake", async () => {
    const home = await testHome(`{
      messages: { responsePrefix: "\${secret:key}" },
      models: { providers: { p: { api: "ollama", baseUrl: "http://h/\${secret:key}" } } },
      channels: { chat: { host: "\${secret:key}" } },
    }`);
    const secrets = fakeVault();
    for (const scope of ["channel:chat", "provider:p", "gateway"] as const) secrets.put(scope, "key", "canary-value");
    const loaded = await home.load({ ...channels, secrets });
    expect(secrets.asked).toEqual([]);
    expect(loaded.missingSecrets.map(({ path, code }) => [path, code])).toEqual([
      ["messages.responsePrefix", "CFG_004"],
      ["models.providers.p.baseUrl", "CFG_004"],
      ["channels.chat.host", "CFG_004"],
    ]);
  });

  it("what a variable or a secret brings along is not looked at again, and the escape stays a text", async () => {
    const home = await testHome(`{
      channels: { chat: { token: "\${FROM_ENV}" } },
      hooks: { token: "\${secret:key}" },
      messages: { responsePrefix: "$\${secret:key}" },
    }`);
    const secrets = fakeVault();
    secrets.put("gateway", "key", "${FROM_ENV} ${secret:other}");
    const environment = home.environment({ FROM_ENV: "${secret:key}" });
    const { config, issues } = await home.load({ ...channels, secrets, environment });
    expect(issues).toEqual([]);
    expect(config.channels["chat"]?.["token"]).toBe("${secret:key}");
    expect(config.hooks.token).toBe("${FROM_ENV} ${secret:other}");
    expect(config.messages.responsePrefix).toBe("${secret:key}");
  });

  it("the vault is not opened for a configuration without a reference", async () => {
    const home = await testHome(
      `{ channels: { chat: { token: "plain" } }, messages: { responsePrefix: "$\${secret:x}" } }`,
    );
    const secrets = fakeVault();
    const loaded = await home.load({ ...channels, secrets });
    expect(secrets.asked).toEqual([]);
    expect(loaded.files).not.toContain(secrets.file);
  });
});

describe("a secret that is not there", () => {
  const text = `{
  channels: { chat: { token: "\${secret:bot}", host: "h" } },
  models: { providers: { p: { api: "ollama", apiKey: "\${secret:key}" } } },
  hooks: { enabled: true, token: "\${secret:hook}" },
  session: { mainKey: "hall" },
}`;

  it("S4: is a mistake with path, line and the command that sets it; the rest of the house starts", async () => {
    const home = await testHome(text);
    const secrets = fakeVault();
    secrets.held.set("provider:p key", { state: "expired" });
    const loaded = await home.load({ ...channels, secrets });
    expect(told(loaded)).toEqual([
      "error openclaw.json:2 channels.chat.token needs the secret bot of channel:chat, which is not in the vault; set it: openclaw secrets set channel:chat bot",
      "error openclaw.json:3 models.providers.p.apiKey needs the secret key of provider:p, which has expired; set it: openclaw secrets set provider:p key",
      "error openclaw.json:4 hooks.token needs the secret hook of gateway, which is not in the vault; set it: openclaw secrets set gateway hook",
    ]);
    expect(loaded.source).toBe("file");
    expect(loaded.config.session.mainKey).toBe("hall");
    // Hooks without their token would let anybody in.
    expect(loaded.config.hooks.enabled).toBe(false);
    expect(loaded.missingSecrets.map(({ code }) => code)).toEqual(["VAULT_003", "VAULT_003", "VAULT_003"]);
  });

  it("S5: a reference that leads nowhere does not become what the environment has", async () => {
    const home = await testHome(text);
    const environment = home.environment({ CHAT_TOKEN: "of the environment" });
    const loaded = await home.load({ ...channels, secrets: fakeVault(), environment });
    expect(loaded.config.channels["chat"]).toEqual({ host: "h" });
  });

  it("S5: what is written wins, a reference is written, and the variable is for what is not", async () => {
    const secrets = fakeVault();
    secrets.put("channel:chat", "bot", "of the vault");
    const tokenOf = async (section: string): Promise<unknown> => {
      const home = await testHome(`{ channels: { chat: ${section} } }`);
      const environment = home.environment({ CHAT_TOKEN: "of the environment" });
      return (await home.load({ ...channels, secrets, environment })).config.channels["chat"]?.["token"];
    };
    expect(await tokenOf(`{ token: "written" }`)).toBe("written");
    expect(await tokenOf(`{ token: "\${secret:bot}" }`)).toBe("of the vault");
    expect(await tokenOf(`{ token: "\${CHAT_TOKEN}" }`)).toBe("of the environment");
    expect(await tokenOf(`{}`)).toBe("of the environment");
  });

  it("S4: a closed vault is asked once, however many references there are, and says why it is closed", async () => {
    const home = await testHome(text);
    let asked = 0;
    const read = (): Promise<SecretAnswer> => {
      asked += 1;
      return Promise.resolve({ state: "closed", reason: "the key is gone." });
    };
    const loaded = await home.load({ ...channels, secrets: { file: "/vault.json", read } });
    expect(asked).toBe(1);
    const said = loaded.missingSecrets.map(({ code, message }) => [code, message.endsWith("closed: the key is gone.")]);
    expect(said).toEqual([
      ["VAULT_001", true],
      ["VAULT_001", true],
      ["VAULT_001", true],
    ]);
  });

  it("R040: the gateway's own token is never quietly another one: it does not start", async () => {
    const home = await testHome(`{ gateway: { auth: { token: "\${secret:token}" } } }`);
    await expect(home.load({ ...channels, secrets: fakeVault() })).rejects.toMatchObject({
      code: "VAULT_003",
      message: expect.stringContaining("openclaw secrets set gateway token"),
    });
  });

  it("a secret that does not fit where it is used is not quoted in what is said about it", async () => {
    const schema = z.object({ key: z.string().max(3) });
    const home = await testHome(`{ channels: { strict: { key: "\${secret:key}" } } }`);
    const secrets = fakeVault();
    secrets.put("channel:strict", "key", "a canary value");
    const channelSchemas = { strict: schema };
    const loaded = await home.load({ channelSchemas, channelSecrets: { strict: ["key"] }, secrets });
    expect(loaded.issues).toHaveLength(1);
    expect(JSON.stringify(loaded.issues)).not.toContain("a canary value");
  });
});

describe("secrets and the running configuration", () => {
  async function running(text: string): Promise<{ home: TestHome; secrets: FakeVault; clock: FakeClock }> {
    const home = await testHome(text);
    return { home, secrets: fakeVault(await home.put("vault.json", "1")), clock: new FakeClock() };
  }

  it("R019: writing the configuration keeps the reference; the secret is in no file", async () => {
    const { home, secrets } = await running(`{\n  // kept\n  channels: { chat: { token: "\${secret:bot}" } },\n}`);
    secrets.put("channel:chat", "bot", "canary-of-the-vault");
    const handle = await home.open({ ...channels, secrets, version: "2026.11.0" });
    await handle.start();
    await handle.write({ kind: "set", path: "channels.chat.host", value: "h" });
    await handle.write({ kind: "patch", patch: { session: { mainKey: "hall" } } });
    const shown = handle.redact(handle.current().parsed);
    expect(getAt(shown, ["channels", "chat", "token"])).toBe("${secret:bot}");
    // A client sends back what it was shown.
    await handle.write({ kind: "replace", raw: JSON.stringify(shown) });
    expect(handle.current().config.channels["chat"]?.["token"]).toBe("canary-of-the-vault");
    expect(JSON.stringify([handle.redacted(), shown])).not.toContain("canary");
    expect(handle.secrets()).toContain("canary-of-the-vault");
    await handle.close();
    const files = await readdir(home.dir, { recursive: true });
    for (const file of files) expect(await home.text(file).catch(() => "")).not.toContain("canary-of-the-vault");
    expect(await home.text()).toContain("${secret:bot}");
  });

  it("S4: a secret that is set, changed or removed holds at the next look, without an edit of the file", async () => {
    const { home, secrets } = await running(`{ channels: { chat: { token: "\${secret:bot}", host: "h" } } }`);
    const warned: string[] = [];
    const log = { ...silentLog, warn: (message: string) => void warned.push(message) };
    const handle = await home.open({ ...channels, secrets, log });
    const changes: (readonly string[])[] = [];
    handle.subscribe((_next, paths) => changes.push(paths));
    const token = (): unknown => handle.current().config.channels["chat"]?.["token"];
    expect(token()).toBeUndefined();
    secrets.put("channel:chat", "bot", "first");
    await handle.reload();
    expect([token(), handle.current().missingSecrets]).toEqual(["first", []]);
    secrets.put("channel:chat", "bot", "second");
    await handle.reload();
    await handle.reload();
    expect(token()).toBe("second");
    secrets.held.clear();
    await handle.reload();
    expect([token(), handle.current().missingSecrets[0]?.code]).toEqual([undefined, "VAULT_003"]);
    expect(changes).toEqual([["channels.chat.token"], ["channels.chat.token"], ["channels.chat.token"]]);
    expect(warned).toEqual([expect.stringContaining("openclaw secrets set channel:chat bot")]);
  });

  it("S4: a secret that expires is no longer used from that moment on, and is not asked for again and again", async () => {
    const { home, secrets, clock } = await running(`{ channels: { chat: { token: "\${secret:bot}" } } }`);
    secrets.put("channel:chat", "bot", "for an hour", clock.nowMs() + 3_600_000);
    const handle = await home.open({ ...channels, secrets, clock });
    await handle.start();
    const changed = Promise.withResolvers<void>();
    handle.subscribe(() => changed.resolve());
    await clock.advance(3_599_000);
    expect(secrets.asked).toHaveLength(1);
    secrets.held.set("channel:chat bot", { state: "expired" });
    await clock.advance(2_000);
    await changed.promise;
    expect(handle.current().config.channels["chat"]).toEqual({});
    expect(handle.current().missingSecrets[0]?.message).toContain("has expired");
    await clock.advance(24 * 3_600_000);
    expect(secrets.asked).toHaveLength(2);
  });

  it("an edit that refers to a secret that is not there is kept out like any other mistake", async () => {
    const { home, secrets } = await running(`{ channels: { chat: { token: "plain" } } }`);
    const handle = await home.open({ ...channels, secrets });
    await home.put("openclaw.json", `{ channels: { chat: { token: "\${secret:bot}" } } }`);
    await handle.reload();
    expect(handle.current().config.channels["chat"]?.["token"]).toBe("plain");
    const write = handle.write({ kind: "set", path: "channels.chat.token", value: "${secret:bot}" });
    // Nothing changes in the file, and what is in force stays.
    await write.catch(() => undefined);
    expect(handle.current().config.channels["chat"]?.["token"]).toBe("plain");
  });
});
