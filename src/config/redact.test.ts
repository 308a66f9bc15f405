/** Every secret of the schema in every view; and the schema as others see it. */
import fc from "fast-check";
import JSON5 from "json5";
import * as z from "zod";
import { describe, expect, it } from "vitest";
import { setAt } from "./dot-path.ts";
import { testHome } from "./fixtures/home.ts";
import { fileJsonSchema, uiHints } from "./json-schema.ts";
import { pathSettings } from "./meaning/normalize-paths.ts";
import { redactConfig, secretPathsOf } from "./redact.ts";
import { createSchemaSet } from "./meaning/schema-set.ts";
import { markedPaths } from "./meaning/schema-walk.ts";
import { configSchema } from "./schema/root.ts";
import { sectionNames } from "./schema/sections.ts";

const channelSettings = {
  channelSchemas: {
    chat: z.object({
      botToken: z.string(),
      apiRoot: z.string().optional(),
      signing: z.string().meta({ secret: true }).optional(),
      sasl: z.object({ account: z.string(), phrase: z.string() }).optional(),
    }),
  },
  channelSecrets: { chat: ["botToken", "sasl.phrase"] },
};
const schemas = createSchemaSet(channelSettings);
const secretPaths = secretPathsOf(schemas);
const canary = "canary-8c1f-secret";

/** A configuration that holds the canary at a secret path and nowhere else; free keys and list elements are made up. */
function withCanary(path: readonly string[]): Record<string, unknown> {
  let config: unknown = {};
  const keys = path.map((key, index) => (key === "*" ? (isList(path.slice(0, index)) ? 0 : `own-${index}`) : key));
  if (path[0] === "mcp")
    config = setAt(config, [...keys.slice(0, 3), ...(path[3] === "env" ? ["command"] : ["url"])], "https://a.example");
  config = setAt(config, keys, canary);
  return config as Record<string, unknown>;
}

function isList(path: readonly string[]): boolean {
  return ["hooks.mappings", "agents.list", "models.providers.*.models"].includes(path.join("."));
}

describe("redaction", () => {
  it("R018: the schema's secrets are those that one expects", () => {
    expect(secretPaths.map((path) => path.join("."))).toEqual([
      "env.vars.*",
      "gateway.auth.token",
      "gateway.auth.password",
      "gateway.remote.token",
      "gateway.remote.password",
      "models.providers.*.apiKey",
      "models.providers.*.headers.*",
      "messages.tts.providers.*.apiKey",
      "tools.web.search.apiKey",
      "mcp.servers.*.env.*",
      "mcp.servers.*.headers.*",
      "queue.url",
      "cron.webhookToken",
      "hooks.token",
      "skills.entries.*.apiKey",
      "skills.entries.*.env.*",
      "browser.cdpUrl",
      "auth.oauth.*.clientSecret",
      "auth.oauth.*.headers.*",
      "diagnostics.otel.headers.*",
      "channels.chat.signing",
      "channels.chat.accounts.*.signing",
      "channels.chat.botToken",
      "channels.chat.accounts.*.botToken",
      "channels.chat.sasl.phrase",
      "channels.chat.accounts.*.sasl.phrase",
    ]);
  });

  it.each(secretPaths.map((path) => [path.join("."), path] as const))(
    "R018: %s is hidden in every view",
    async (_name, path) => {
      const config = withCanary(path);
      const one = await testHome(JSON.stringify(config));
      const handle = await one.open(channelSettings);
      const told: unknown[] = [];
      handle.subscribe((_snapshot, paths) => told.push(paths));
      await handle.write({ kind: "set", path: "ui.seamColor", value: "#fff" });
      const preview = await handle.preview({ kind: "set", path: "ui.seamColor", value: "#000" });
      const { parsed, issues, config: effective } = handle.current();
      const views = [
        handle.redacted(),
        handle.redact(parsed),
        handle.redact(effective),
        issues,
        told,
        preview.changedPaths,
        preview.issues,
        handle.schema(),
        handle.uiHints(),
      ];
      expect(JSON.stringify(parsed)).toContain(canary);
      expect(JSON.stringify(views)).not.toContain(canary);
      expect(JSON.stringify(handle.redact(parsed))).toContain("__OPENCLAW_REDACTED__");
    },
  );

  it("R018: a setting without a schema is hidden by its name, at any depth and of any kind", () => {
    const names = fc.constantFrom(
      "token",
      "apiKey",
      "api_key",
      "client_secret",
      "PASSWORD",
      "x-auth-token",
      "privateKey",
      "Authorization",
      "botToken",
      "credentials",
      "passphrase",
    );
    const around = fc.array(
      fc.string({ minLength: 1, maxLength: 5 }).filter((key) => key !== "__proto__"),
      { maxLength: 4 },
    );
    const wrap = fc.constantFrom<(text: string) => unknown>(
      (text) => text,
      (text) => [text],
      (text) => ({ value: text }),
      (text) => ({ list: [{ deep: text }] }),
    );
    fc.assert(
      fc.property(around, names, wrap, (above, name, make) => {
        const config = setAt(
          {},
          ["plugins", "entries", "p", "config", ...above.map((key) => `k${key}`), name],
          make(canary),
        );
        expect(JSON.stringify(redactConfig(config, secretPaths))).not.toContain(canary);
      }),
    );
  });

  it("R018: credentials inside addresses, and keys by their shape, are hidden wherever they stand", () => {
    const config = {
      diagnostics: { otel: { endpoint: "https://user:canary-pass@host/x" } },
      ui: { assistant: { avatar: "https://h/?token=canary-token-1" } },
      x: "sk-canary00000000000000000000",
    };
    const shown = JSON.stringify(redactConfig(config, secretPaths));
    expect(shown).not.toContain("canary");
    expect(shown).toContain("@host/x");
  });

  it.each([
    ["gateway.auth", "canary-1"],
    ["gateway.auth.token", 71_349_925],
    ["hooks", "canary-2"],
    ["models.providers.own", "canary-3"],
    ["models.providers.own", { api: "ollama", headers: "canary-4" }],
    ["channels.chat.sasl", "canary-5"],
    ["channels.chat.signing", ["canary-6"]],
  ])("R018: a secret one level too high (%s) is in no view and in no complaint", async (path, value) => {
    const one = await testHome(JSON.stringify(setAt({}, path.split("."), value)));
    const handle = await one.open(channelSettings);
    const { issues, parsed } = handle.current();
    expect(issues.map((issue) => issue.path)).toContain(
      path === "models.providers.own" && typeof value === "object" ? `${path}.headers` : path,
    );
    const views = JSON.stringify([issues, handle.redact(parsed), handle.redacted()]);
    expect(views).not.toMatch(/canary|71349925/);
  });

  it("a plain element of a list whose other form holds a secret stays", () => {
    const config = { channels: { irc: { channels: ["#room", { name: "#own", key: "canary" }] } } };
    const paths = [["channels", "irc", "channels", "*", "key"]];
    expect(redactConfig(config, paths)).toEqual({
      channels: { irc: { channels: ["#room", { name: "#own", key: "__OPENCLAW_REDACTED__" }] } },
    });
  });

  it("what is no secret stays: counts, switches, references and empty text", () => {
    const config = {
      agents: { defaults: { contextTokens: 5, maxTokens: 6 } },
      gateway: { auth: { mode: "token", token: "${NAME}", password: "", trustLoopback: false } },
      session: { mainKey: "main" },
    };
    expect(redactConfig(config, secretPaths)).toEqual(config);
  });

  it("the secrets in use are known by value, for the log to take out", async () => {
    const one = await testHome(
      `{ gateway: { auth: { token: "\${T}" } }, models: { providers: { p: { api: "ollama", headers: { x: "header-value" } } } }, channels: { chat: { botToken: "bot-value" } } }`,
    );
    const handle = await one.open({ ...channelSettings, environment: one.environment({ T: "token-value" }) });
    expect(handle.secrets().toSorted()).toEqual(["bot-value", "header-value", "token-value"]);
  });
});

describe("the published schema", () => {
  const json = fileJsonSchema(schemas) as { properties: Record<string, Record<string, unknown>> };

  it("Q15: there is a JSON Schema for each section, and each setting says what it is for", () => {
    expect(Object.keys(json.properties).toSorted()).toEqual(["$schema", ...sectionNames].toSorted());
    const silent: string[] = [];
    const visit = (schema: unknown, path: string): void => {
      const { properties, additionalProperties, items, anyOf, description } = schema as Record<string, unknown>;
      for (const [key, inner] of Object.entries(properties ?? {})) visit(inner, `${path}.${key}`);
      if (typeof additionalProperties === "object") visit(additionalProperties, `${path}.*`);
      if (items !== undefined) visit(items, `${path}[]`);
      const container =
        properties !== undefined || additionalProperties !== undefined || anyOf !== undefined || items !== undefined;
      if (!container && description === undefined && !/(\.\*|\[\])$/.test(path)) silent.push(path);
    };
    for (const name of sectionNames) if (name !== "channels") visit(json.properties[name], name);
    expect(silent).toEqual([]);
  });

  it("Q15: it asks for nothing that has a default, names the defaults, and knows the channels", () => {
    const gateway = json.properties["gateway"] as {
      required?: unknown;
      properties: Record<string, Record<string, unknown>>;
    };
    expect(gateway.required).toBeUndefined();
    expect(gateway.properties["port"]).toMatchObject({ type: "integer", minimum: 0, maximum: 65_535, default: 18_789 });
    expect(JSON.stringify(json)).toContain('"writeOnly":true');
    expect(JSON.stringify(json)).not.toContain("/home/user");
    expect(JSON.stringify(json.properties["models"])).toContain('"required":["api"]');
    expect(json.properties["channels"]).toMatchObject({
      properties: { chat: { properties: { botToken: { type: "string" }, accounts: {} } } },
    });
    expect(JSON.stringify(json.properties["agents"])).toContain('"anyOf":[{"type":"object"');
  });

  it("Q15: forms get to know which settings are secret", () => {
    expect(uiHints(schemas)["gateway.auth.token"]).toEqual({ sensitive: true });
  });

  it("Q7: the settings that are made absolute are those that the schema marks as paths", () => {
    const marked = sectionNames.flatMap((name) => markedPaths(schemas.section(name), "path", [name]));
    expect(marked.map(String).toSorted()).toEqual(pathSettings.map(String).toSorted());
  });

  it("Q9: the schema of a whole configuration is made of the sections' own", () => {
    expect(Object.keys(configSchema().shape)).toEqual([...sectionNames]);
    expect(JSON5.parse(JSON.stringify(json))).toEqual(json);
  });
});
