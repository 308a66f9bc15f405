/**
 * What each channel and each kind of provider needs to prove itself: which of its settings are secrets, which of them it
 * cannot do without, and what is still lacking. Read from the manifests and schemas; asks nobody and opens no vault.
 */
import * as z from "zod";
import { accountSettings, defaultAccountId, type AccountSetting } from "../channels/account-settings.ts";
import type { ChannelManifest } from "../channels/contract.ts";
import type { ConfigSnapshot } from "../config/contract.ts";
import { formatPath, getAt, isRecord, type KeyPath } from "../config/dot-path.ts";
import type { Environment } from "../config/environment.ts";
import { secretScopeOf, setCommand } from "../config/meaning/secret-reference.ts";
import type { Config } from "../config/schema/root.ts";
import { limits } from "../domain/limits.ts";
import type { SecretScope } from "../domain/secret-scope.ts";
import type { ModelApi } from "../providers/contract.ts";

export interface CredentialShape {
  readonly scope: SecretScope;
  /** For people. */
  readonly label: string;
  /** Settings that are no secrets and without which it does not run. */
  readonly settings: readonly string[];
  readonly secrets: readonly CredentialField[];
}

export interface CredentialField {
  /** Dot path within the section; `*` for any element or name. */
  readonly setting: string;
  /** What the secret is best called. */
  readonly name: string;
  /** It does not run without. */
  readonly isNeeded: boolean;
  /** Variable that stands in where nothing is written. */
  readonly environment: string | null;
  readonly description: string | null;
}

export interface LackingSecret {
  readonly scope: SecretScope;
  readonly name: string;
  /** Dot path of the setting that needs it. */
  readonly setting: string;
  /** `unset`: nothing is written there. The others: a reference is. */
  readonly state: "unset" | "missing" | "expired";
  /** What to do, as it is typed. */
  readonly command: string;
}

export function channelShape(manifest: ChannelManifest): CredentialShape {
  const { id, label, configSchema, secrets, environment = {} } = manifest;
  const needed = neededOf(configSchema, {});
  return {
    scope: `channel:${id}`,
    label,
    settings: needed.filter((setting) => !secrets.includes(setting)),
    secrets: secrets.map((setting) => ({
      setting,
      name: secretNameOf(setting.split(".")),
      isNeeded: needed.includes(setting),
      environment: environment[setting] ?? null,
      description: descriptionOf(configSchema, setting),
    })),
  };
}

/** By the name of the provider in the configuration and its wire protocol. */
export function providerShape(id: string, api: ModelApi): CredentialShape {
  const { label, key, variable } = providerKinds[api];
  const description = key === "none" ? null : "Key of the API.";
  const apiKey: CredentialField = {
    setting: "apiKey",
    name: secretNameOf(["apiKey"]),
    isNeeded: key === "needed",
    environment: variable,
    description,
  };
  const header = "A header that is sent with every request.";
  const headers = { setting: "headers.*", name: "headers", isNeeded: false, environment: null, description: header };
  return { scope: `provider:${id}`, label, settings: [], secrets: key === "none" ? [headers] : [apiKey, headers] };
}

/** What the configuration in force still needs, in the order of its settings. */
export function lackingSecrets(
  { config, missingSecrets }: Pick<ConfigSnapshot, "config" | "missingSecrets">,
  manifests: readonly ChannelManifest[],
  environment: Environment,
): readonly LackingSecret[] {
  const referred = missingSecrets.flatMap(({ keys, name, code, message }) => {
    const scope = secretScopeOf(keys);
    if (code !== "VAULT_003" || scope === null) return [];
    const state = message.includes("has expired") ? ("expired" as const) : ("missing" as const);
    return [{ scope, name, setting: formatPath(keys), state, command: setCommand(scope, name) }];
  });
  const told = new Set(referred.map(({ setting }) => setting));
  const accounts = accountSettings(config.channels, manifests);
  const ofChannels = accounts.flatMap((account) =>
    unsetSecrets(account, manifests).map((keys) => ({ scope: `channel:${account.channel}` as const, keys })),
  );
  const unset = [...ofChannels, ...unsetKeys(config, environment)].filter(({ keys }) => !told.has(formatPath(keys)));
  return [
    ...referred,
    ...unset.map(({ scope, keys }) => {
      const name = secretNameOf(scope === "gateway" ? keys : keys.slice(scope.startsWith("channel:") ? 2 : 3));
      return { scope, name, setting: formatPath(keys), state: "unset" as const, command: setCommand(scope, name) };
    }),
  ];
}

/** `botToken` → `bot-token`, `accounts.work.botToken` → `work.bot-token`: a name that says where the secret is used. */
export function secretNameOf(keys: KeyPath): string {
  const words = keys
    .map(String)
    .filter((key) => key !== "*" && key !== "accounts")
    .map((key) => (/^[A-Z0-9_]+$/.test(key) ? key : key.replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase()))
    .map((key) => key.replaceAll(/[^A-Za-z0-9_-]+/g, "-").replaceAll(/^-+|-+$/g, ""));
  const name = words.filter((word) => word !== "").join(".");
  return name === "" ? "secret" : name.slice(0, limits.secretNameChars);
}

interface ProviderKind {
  readonly label: string;
  /** `optional`: a server of one's own may ask for none. */
  readonly key: "needed" | "optional" | "none";
  readonly variable: string | null;
}

const providerKinds: Readonly<Record<ModelApi, ProviderKind>> = {
  "openai-completions": { label: "OpenAI's chat completions", key: "optional", variable: null },
  "openai-responses": { label: "OpenAI's responses", key: "needed", variable: "OPENAI_API_KEY" },
  "anthropic-messages": { label: "Anthropic's messages", key: "needed", variable: "ANTHROPIC_API_KEY" },
  "google-generative-ai": { label: "Google's Gemini", key: "needed", variable: "GEMINI_API_KEY" },
  // Signed with keys of the machine's own, which AWS names itself.
  "bedrock-converse-stream": { label: "Amazon Bedrock", key: "none", variable: null },
  ollama: { label: "Ollama", key: "optional", variable: null },
  openrouter: { label: "OpenRouter", key: "needed", variable: "OPENROUTER_API_KEY" },
  // A login in the browser, not a key that somebody types.
  "github-copilot": { label: "GitHub Copilot", key: "none", variable: null },
  demo: { label: "The built-in demo", key: "none", variable: null },
};

/** A secret that the channel's own schema asks for and that nothing is written for. */
function unsetSecrets({ channel, accountId, enabled, raw }: AccountSetting, manifests: readonly ChannelManifest[]) {
  const manifest = manifests.find(({ id }) => id === channel);
  if (manifest === undefined || !enabled) return [];
  const base = ["channels", channel, ...(accountId === defaultAccountId ? [] : ["accounts", accountId])];
  return neededOf(manifest.configSchema, raw)
    .filter((setting) => manifest.secrets.includes(setting))
    .map((setting): KeyPath => [...base, ...setting.split(".")]);
}

/** A provider whose own service wants a key, at its own address, with a key nowhere. */
function unsetKeys(config: Config, environment: Environment): { scope: SecretScope; keys: KeyPath }[] {
  return Object.entries(config.models.providers).flatMap(([id, { api, apiKey, baseUrl, headers }]) => {
    const { key, variable } = providerKinds[api];
    const isElsewhere = baseUrl !== undefined || Object.keys(headers).length > 0;
    const isGiven = apiKey !== undefined || (variable !== null && (environment.variables[variable] ?? "") !== "");
    if (key !== "needed" || isElsewhere || isGiven) return [];
    return [{ scope: `provider:${id}`, keys: ["models", "providers", id, "apiKey"] }];
  });
}

/** Dot paths of what a schema misses in a value. */
function neededOf(schema: z.ZodType, value: unknown): readonly string[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  const paths = parsed.error.issues.map(({ path }) => path.map(String));
  return paths.filter((path) => path.length > 0 && getAt(value, path) === undefined).map((path) => path.join("."));
}

function descriptionOf(schema: z.ZodType, setting: string): string | null {
  const json: unknown = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const found = setting.split(".").reduce<unknown>((at, key) => (isRecord(at) ? below(at, key) : undefined), json);
  const text = isRecord(found) ? found["description"] : undefined;
  return typeof text === "string" ? text : null;
}

function below(schema: Record<string, unknown>, key: string): unknown {
  const { properties, items, additionalProperties } = schema;
  if (key === "*") return items ?? additionalProperties;
  return isRecord(properties) ? properties[key] : undefined;
}
