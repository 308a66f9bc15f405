/**
 * The environment, read once and typed. The only place of the product that looks at `process.env`.
 * A bad value is an issue and counts as absent: a typo in a variable never keeps the gateway from telling what is wrong.
 * No file is read here, least of all a `.env` of the current folder: whoever owns a folder one happens to stand in
 * must not choose our credentials or hosts. The state directory's own `.env` is added by the loader.
 */
import os from "node:os";
import path from "node:path";
import type { ConfigIssue } from "./contract.ts";
import { isSecretKey, placeholderSecret } from "./secret-text.ts";

export interface Environment {
  /** Every variable, for `${VAR}` and for what a channel declares. Holds secrets. */
  readonly variables: Readonly<Record<string, string>>;
  readonly homeDir: string;
  /** Absolute. `OPENCLAW_STATE_DIR`, else `~/.openclaw` (`~/.openclaw-<name>` with `OPENCLAW_PROFILE`). */
  readonly stateDir: string;
  /** Absolute. `OPENCLAW_CONFIG_PATH`, else `openclaw.json` in the state directory. */
  readonly configPath: string;
  /** `OPENCLAW_GATEWAY_PORT`, else `GATEWAY_PORT`; null where neither is set to a port. */
  readonly port: number | null;
  readonly bind: string | null;
  readonly token: string | null;
  readonly password: string | null;
  readonly logLevel: string | null;
  readonly redisUrl: string | null;
  readonly databaseUrl: string | null;
  /** `OPENCLAW_VAULT_PASSPHRASE`. Not among `variables`: no text of a file may refer to it. */
  readonly vaultPassphrase: string | null;
  readonly providerKeys: ProviderKeys;
  readonly aws: AwsEnvironment;
  /** Base address of Ollama, with its scheme. */
  readonly ollamaHost: string | null;
  /** The login shell, for keys that only a profile sets. */
  readonly shell: string | null;
  /** `OPENCLAW_DRILL_FAILPOINT`: what `openclaw drill` plants in a gateway of its own. Means nothing anywhere else. */
  readonly drillPlan: string | null;
  /** What was wrong; `path` is the variable's name. Never holds a value. */
  readonly issues: readonly ConfigIssue[];
}

export interface ProviderKeys {
  readonly openai: string | null;
  readonly anthropic: string | null;
  readonly gemini: string | null;
  readonly openrouter: string | null;
}

export interface AwsEnvironment {
  readonly accessKeyId: string | null;
  readonly secretAccessKey: string | null;
  readonly sessionToken: string | null;
  readonly bearerToken: string | null;
  readonly profile: string | null;
  readonly region: string | null;
}

/** Stands in `ConfigIssue.file` for what came from no file. */
export const environmentSource = "(environment)";

/** Variables that decide where the configuration is found: only the real environment may set them. */
export const locatingVariables: readonly string[] = [
  "OPENCLAW_STATE_DIR",
  "OPENCLAW_CONFIG_PATH",
  "OPENCLAW_PROFILE",
  "HOME",
  // Beside the vault it would lock nothing.
  "OPENCLAW_VAULT_PASSPHRASE",
  // Not a place, but as little for a file to say: a folder must not be able to ask for a crash.
  "OPENCLAW_DRILL_FAILPOINT",
];

export function readEnvironment(source: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) if (value !== undefined) variables[name] = value;
  const searched = withoutNpmFolders(variables);
  if (searched !== null) variables["PATH"] = searched;
  const vaultPassphrase = textOf(variables, "OPENCLAW_VAULT_PASSPHRASE");
  delete variables["OPENCLAW_VAULT_PASSPHRASE"];
  const issues: ConfigIssue[] = [];
  const read = (name: string): string | null => textOf(variables, name);
  const secret = (name: string): string | null => secretOf(variables, name, issues);
  const homeDir = path.resolve(read("HOME") ?? read("USERPROFILE") ?? os.homedir());
  const stateDir = stateDirOf(variables, homeDir, issues);
  const configPath = read("OPENCLAW_CONFIG_PATH");
  return Object.freeze({
    variables: Object.freeze(variables),
    homeDir,
    stateDir,
    configPath: configPath === null ? path.join(stateDir, "openclaw.json") : absolute(configPath, homeDir),
    port: portOf(variables, issues),
    bind: bindOf(variables, issues),
    token: secret("OPENCLAW_GATEWAY_TOKEN"),
    password: secret("OPENCLAW_GATEWAY_PASSWORD"),
    logLevel: logLevelOf(variables, issues),
    redisUrl: urlOf(variables, "REDIS_URL", ["redis:", "rediss:"], issues),
    databaseUrl: urlOf(variables, "DATABASE_URL", ["postgres:", "postgresql:"], issues),
    providerKeys: Object.freeze({
      openai: secret("OPENAI_API_KEY"),
      anthropic: secret("ANTHROPIC_API_KEY"),
      gemini: secret("GEMINI_API_KEY") ?? secret("GOOGLE_API_KEY"),
      openrouter: secret("OPENROUTER_API_KEY"),
    }),
    aws: Object.freeze({
      accessKeyId: secret("AWS_ACCESS_KEY_ID"),
      secretAccessKey: secret("AWS_SECRET_ACCESS_KEY"),
      sessionToken: secret("AWS_SESSION_TOKEN"),
      bearerToken: secret("AWS_BEARER_TOKEN_BEDROCK"),
      profile: read("AWS_PROFILE"),
      region: read("AWS_REGION") ?? read("AWS_DEFAULT_REGION"),
    }),
    ollamaHost: ollamaOf(variables, issues),
    vaultPassphrase,
    shell: read("SHELL"),
    drillPlan: read("OPENCLAW_DRILL_FAILPOINT"),
    issues: Object.freeze(issues),
  });
}

/** The same environment with more variables; those given win only where `override` says so. */
export function extendEnvironment(
  base: Environment,
  extra: Readonly<Record<string, string>>,
  override = false,
): Environment {
  const allowed = Object.entries(extra).filter(([name]) => !locatingVariables.includes(name));
  if (allowed.length === 0) return base;
  const added = Object.fromEntries(allowed);
  const merged = override ? { ...base.variables, ...added } : { ...added, ...base.variables };
  // Located once: nothing that was read from the state directory can move it.
  return Object.freeze({
    ...readEnvironment(merged),
    homeDir: base.homeDir,
    stateDir: base.stateDir,
    configPath: base.configPath,
    vaultPassphrase: base.vaultPassphrase,
  });
}

/**
 * What `npm start` puts before the PATH for its script is not the person's: commands would find this installation's own
 * programs there instead of those of the machine. Null where nothing is to be taken off.
 */
function withoutNpmFolders(variables: Readonly<Record<string, string>>): string | null {
  const { PATH: searched, npm_package_json: description } = variables;
  if (searched === undefined || description === undefined) return null;
  const added = new Set<string>();
  for (let folder = path.dirname(description); ; folder = path.dirname(folder)) {
    added.add(path.join(folder, "node_modules", ".bin"));
    if (path.dirname(folder) === folder) break;
  }
  const folders = searched.split(path.delimiter);
  const first = folders.findIndex((folder) => !added.has(folder) && path.basename(folder) !== "node-gyp-bin");
  return first <= 0 ? null : folders.slice(first).join(path.delimiter);
}

/** What of it must not be shown: by the names of the variables, and what opens a server. */
export function environmentSecrets(environment: Environment): readonly string[] {
  const named = Object.entries(environment.variables).filter(([name]) => isSecretKey(name));
  const { redisUrl, databaseUrl, vaultPassphrase } = environment;
  const addresses = [redisUrl, databaseUrl].flatMap((url) => (url === null ? [] : [URL.parse(url)?.password ?? ""]));
  const all = [...named.map(([, value]) => value.trim()), ...addresses, vaultPassphrase ?? ""];
  return all.filter((value) => value !== "");
}

/** A name becomes part of a folder's: it must not lead elsewhere. */
export function isProfileName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/.test(name);
}

/** `~` and `~/x` are the home directory; everything else is taken from `baseDir`, by default the current folder. */
export function absolute(file: string, homeDir: string, baseDir?: string): string {
  if (file === "~") return homeDir;
  if (file.startsWith("~/") || file.startsWith("~\\")) return path.join(homeDir, file.slice(2));
  return baseDir === undefined ? path.resolve(file) : path.resolve(baseDir, file);
}

function textOf(variables: Readonly<Record<string, string>>, name: string): string | null {
  const value = Object.hasOwn(variables, name) ? variables[name]?.trim() : undefined;
  return value === undefined || value === "" ? null : value;
}

/** A secret that is the word "undefined" came from a broken script: it is an issue, never a credential. */
function secretOf(variables: Readonly<Record<string, string>>, name: string, issues: ConfigIssue[]): string | null {
  const value = textOf(variables, name);
  if (value === null) return null;
  if (!placeholderSecret(value)) return value;
  issues.push(issue(name, `${name} holds a placeholder instead of a secret; it is ignored.`));
  return null;
}

function stateDirOf(variables: Readonly<Record<string, string>>, homeDir: string, issues: ConfigIssue[]): string {
  const given = textOf(variables, "OPENCLAW_STATE_DIR");
  if (given !== null) return absolute(given, homeDir);
  const profile = textOf(variables, "OPENCLAW_PROFILE");
  if (profile === null || profile === "default") return path.join(homeDir, ".openclaw");
  if (isProfileName(profile)) return path.join(homeDir, `.openclaw-${profile}`);
  issues.push(issue("OPENCLAW_PROFILE", "OPENCLAW_PROFILE may hold letters, digits, - and _ alone; it is ignored."));
  return path.join(homeDir, ".openclaw");
}

/** The product's own name of the port wins; the older alias is asked where the first is absent or no port. */
function portOf(variables: Readonly<Record<string, string>>, issues: ConfigIssue[]): number | null {
  for (const name of ["OPENCLAW_GATEWAY_PORT", "GATEWAY_PORT"]) {
    const text = textOf(variables, name);
    if (text === null) continue;
    const port = Number(text);
    if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
    issues.push(issue(name, `${name} is not a port number from 0 to 65535; it is ignored.`));
  }
  return null;
}

function bindOf(variables: Readonly<Record<string, string>>, issues: ConfigIssue[]): string | null {
  const bind = textOf(variables, "OPENCLAW_GATEWAY_BIND");
  if (bind === null || ["loopback", "lan", "tailnet", "auto"].includes(bind)) return bind;
  issues.push(
    issue("OPENCLAW_GATEWAY_BIND", "OPENCLAW_GATEWAY_BIND must be loopback, lan, tailnet or auto; it is ignored."),
  );
  return null;
}

function logLevelOf(variables: Readonly<Record<string, string>>, issues: ConfigIssue[]): string | null {
  const level = textOf(variables, "OPENCLAW_LOG_LEVEL")?.toLowerCase() ?? null;
  if (level === null || ["trace", "debug", "info", "warn", "error", "fatal", "silent"].includes(level)) return level;
  issues.push(issue("OPENCLAW_LOG_LEVEL", "OPENCLAW_LOG_LEVEL is no log level; it is ignored."));
  return null;
}

function urlOf(
  variables: Readonly<Record<string, string>>,
  name: string,
  protocols: readonly string[],
  issues: ConfigIssue[],
): string | null {
  const text = textOf(variables, name);
  if (text === null) return null;
  if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return text;
  issues.push(
    issue(
      name,
      `${name} is not an address that starts with ${protocols.map((one) => `${one}//`).join(" or ")}; it is ignored.`,
    ),
  );
  return null;
}

/** `OLLAMA_HOST` is written with or without a scheme and port, as Ollama itself takes it; its bind-all form means this machine. */
function ollamaOf(variables: Readonly<Record<string, string>>, issues: ConfigIssue[]): string | null {
  const text = textOf(variables, "OLLAMA_HOST");
  if (text === null) return null;
  const withScheme = /^https?:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(withScheme)) {
    issues.push(issue("OLLAMA_HOST", "OLLAMA_HOST is not a host or an address; it is ignored."));
    return null;
  }
  const url = new URL(withScheme);
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.port === "" && !/:\d+\/?$/.test(text) && !/^https?:/i.test(text)) url.port = "11434";
  return url.href.replace(/\/+$/, "");
}

function issue(name: string, message: string): ConfigIssue {
  return { severity: "error", path: name, message, file: environmentSource, line: null };
}
