/**
 * What no single schema can tell: secrets that are none, doors without locks, names that nothing has.
 * A configuration that would let strangers in is refused, whatever else is right about it.
 */
import type { KeyPath } from "../dot-path.ts";
import type { Environment } from "../environment.ts";
import type { Finding } from "./finding.ts";
import type { Config } from "../schema/root.ts";
import { placeholderSecret } from "../secret-text.ts";
import { newerThan } from "../change/version-stamp.ts";
import { mcpFindings } from "./mcp-checks.ts";
import { toolFindings } from "./tool-checks.ts";

export interface CheckInput {
  readonly config: Config;
  readonly environment: Environment;
  /** This program's version; null where it does not matter. */
  readonly version: string | null;
  /** Those there are, by id; empty where nobody told. */
  readonly channels: readonly string[];
}

export function checkConfig(input: CheckInput): readonly Finding[] {
  return [
    ...authFindings(input),
    ...hookFindings(input.config),
    ...queueFindings(input.config),
    ...toolFindings(input.config, input.channels),
    ...mcpFindings(input.config),
    ...agentFindings(input.config),
    ...modelFindings(input.config),
    ...versionFindings(input),
  ];
}

function authFindings({ config, environment }: CheckInput): Finding[] {
  const { auth, tls } = config.gateway;
  const at = (key: string): KeyPath => ["gateway", "auth", key];
  const refuse = (path: KeyPath, message: string): Finding => ({ path, message, weight: "refuse" });
  const findings: Finding[] = [];
  for (const [key, variable] of authVariables) {
    const value = auth[key];
    const fromEnvironment = environment.variables[variable];
    if (value !== undefined && placeholderSecret(value)) {
      findings.push(refuse(at(key), "is empty or a placeholder; set a real secret or remove the key"));
    } else if (fromEnvironment !== undefined && placeholderSecret(fromEnvironment)) {
      findings.push(refuse([variable], `is set but empty or a placeholder; give it a real secret or unset it`));
    }
  }
  if (auth.mode === "none" && !auth.dangerouslyAllowNone) {
    findings.push(
      refuse(at("mode"), "none lets anybody in; it needs gateway.auth.dangerouslyAllowNone: true beside it"),
    );
  }
  if (auth.mode === "password" && auth.password === undefined)
    findings.push(refuse(at("password"), "is needed by mode password"));
  if (tls?.enabled === true && (tls.certPath === undefined || tls.keyPath === undefined)) {
    findings.push(refuse(["gateway", "tls"], "is on but names no certPath and keyPath"));
  }
  return findings;
}

const authVariables = [
  ["token", "OPENCLAW_GATEWAY_TOKEN"],
  ["password", "OPENCLAW_GATEWAY_PASSWORD"],
] as const;

function hookFindings({ hooks, gateway }: Config): Finding[] {
  if (!hooks.enabled) return [];
  const path = ["hooks", "token"];
  if (hooks.token === undefined || placeholderSecret(hooks.token)) {
    return [{ path, message: "is needed where hooks are on", weight: "broken" }];
  }
  // Whoever can wake the assistant must not be its administrator by the same word.
  if (hooks.token === gateway.auth.token)
    return [{ path, message: "must differ from gateway.auth.token", weight: "broken" }];
  return [];
}

/** Nobody is called over a Redis that has no address: to go on as if one process were meant would hide that. */
function queueFindings({ queue }: Config): Finding[] {
  if (queue.driver !== "redis") return [];
  const path = ["queue", "url"];
  if (queue.url === undefined) {
    return [{ path, message: "is needed by queue.driver redis; set it, or REDIS_URL", weight: "refuse" }];
  }
  const isRedis = URL.canParse(queue.url) && ["redis:", "rediss:"].includes(new URL(queue.url).protocol);
  return isRedis ? [] : [{ path, message: "is no address that starts with redis:// or rediss://", weight: "refuse" }];
}

function agentFindings({ agents, bindings }: Config): Finding[] {
  const ids = agents.list.map((agent) => agent.id.toLowerCase());
  const findings: Finding[] = [];
  for (const [index, id] of ids.entries()) {
    if (ids.indexOf(id) !== index) {
      findings.push({
        path: ["agents", "list", index, "id"],
        message: "is the id of an agent above too",
        weight: "key",
      });
    }
  }
  for (const [index, binding] of bindings.entries()) {
    const id = binding.agentId.toLowerCase();
    if (ids.includes(id) || (ids.length === 0 && id === "main")) continue;
    findings.push({
      path: ["bindings", index, "agentId"],
      message: "names an agent that does not exist",
      weight: "key",
    });
  }
  return findings;
}

/** A reference without a slash must be an alias that leads to a model: a misspelt one would quietly be another, one in a circle none. */
function modelFindings({ agents }: Config): Finding[] {
  const { model, models, imageModel } = agents.defaults;
  const aliases = new Map(
    Object.entries(models).flatMap(([reference, { alias }]) => (alias === undefined ? [] : [[alias, reference]])),
  );
  const references: (readonly [KeyPath, string | undefined])[] = [
    [["agents", "defaults", "model", "primary"], model.primary],
    ...model.fallbacks.map((name, index) => [["agents", "defaults", "model", "fallbacks", index], name] as const),
    [["agents", "defaults", "imageModel"], imageModel],
    ...agents.list.map((agent, index) => [["agents", "list", index, "model"], agent.model] as const),
  ];
  return references.flatMap(([path, reference]) => {
    if (reference === undefined || reference.includes("/")) return [];
    if (!aliases.has(reference)) {
      const message = "is neither provider/model nor an alias of agents.defaults.models";
      return [{ path, message, weight: "key" as const }];
    }
    const circle = circleOf(reference, aliases);
    if (circle === null) return [];
    const message = `is an alias that leads back to itself: ${circle.join(" → ")}`;
    return [{ path, message, weight: "key" as const }];
  });
}

/** The names from the first to the one that was passed before; null where the alias leads somewhere. */
function circleOf(alias: string, aliases: ReadonlyMap<string, string>): readonly string[] | null {
  const passed: string[] = [];
  for (let current: string | undefined = alias; current !== undefined; current = aliases.get(current)) {
    if (passed.includes(current)) return [...passed, current];
    passed.push(current);
  }
  return null;
}

function versionFindings({ config, version }: CheckInput): Finding[] {
  const written = config.meta.lastTouchedVersion;
  if (version === null || written === undefined || !newerThan(written, version)) return [];
  const message = `was written by version ${written}, this is ${version}; it is read but will not be changed`;
  return [{ path: ["meta", "lastTouchedVersion"], message, weight: "warning" }];
}
