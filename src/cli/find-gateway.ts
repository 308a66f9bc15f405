/**
 * Where the gateway is and what proves that we may talk to it. The address and the token are looked for in the
 * options, then the environment, then the configuration; the token last in the token file that the gateway wrote.
 */
import { readFile } from "node:fs/promises";
import JSON5 from "json5";
import { AppError } from "../domain/app-error.ts";
import type { Environment } from "../config/environment.ts";
import { substitute, type SecretLookup } from "../config/meaning/substitute.ts";
import { statePaths } from "../config/paths.ts";
import type { ConnectOptions } from "./contract.ts";

const defaultPort = 18_789;

export async function findGateway(
  options: ConnectOptions,
  environment: Environment,
): Promise<{ url: string; token: string | null }> {
  if (options.url !== undefined) {
    // A token that was found here is for the gateway of this machine: another address gets only what it was given.
    const url = websocketUrl(options.url);
    const token = options.token ?? (isLoopback(url) ? await findToken(environment) : null);
    return { url, token };
  }
  const port = environment.port ?? (await configuredPort(environment)) ?? defaultPort;
  return { url: `ws://127.0.0.1:${port}`, token: options.token ?? (await findToken(environment)) };
}

/** What the gateway asks for: a password where its configuration says so, else the token. It takes either in one place. */
async function findToken(environment: Environment): Promise<string | null> {
  const auth = valueAt(await readConfig(environment), ["gateway", "auth"]);
  if (textAt(auth, ["mode"]) === "password")
    return environment.password ?? (await written(auth, "password", environment));
  const token = environment.token ?? (await written(auth, "token", environment));
  return token ?? (await readIfPresent(statePaths(environment.stateDir).tokenFile))?.trim() ?? null;
}

/** As the file has it, its variables and secrets filled in; null where one is missing here. */
async function written(auth: unknown, key: string, environment: Environment): Promise<string | null> {
  const text = textAt(auth, [key]);
  if (text === null) return null;
  // Under its place in the file, which says whose secret it is.
  const value = { gateway: { auth: { [key]: text } } };
  const lookup = text.includes("{secret:") ? await lookUp(value, environment) : neverAsked;
  return textAt(substitute(value, environment.variables, lookup).value, ["gateway", "auth", key]);
}

/** The vault is loaded where it is needed: most gateways have their token in a file. */
async function lookUp(value: unknown, environment: Environment): Promise<SecretLookup> {
  const [{ openSecrets }, { resolveSecrets }] = await Promise.all([
    import("../app/secrets.ts"),
    import("../config/meaning/secret-reference.ts"),
  ]);
  return (await resolveSecrets(value, openSecrets({ environment }).source, () => [])).lookup;
}

function neverAsked(): never {
  throw new AppError("SYS_001", "A secret was asked for where nothing refers to one.");
}

async function configuredPort(environment: Environment): Promise<number | null> {
  const port = valueAt(await readConfig(environment), ["gateway", "port"]);
  return typeof port === "number" ? port : null;
}

/** The file as it is written; enough to find the gateway, which knows the rest. A broken file names nothing. */
async function readConfig(environment: Environment): Promise<unknown> {
  const text = await readIfPresent(environment.configPath);
  if (text === null) return null;
  try {
    return JSON5.parse(text);
  } catch (error) {
    // The gateway runs on its last good configuration then; where it listens is told by the default.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

async function readIfPresent(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AppError("STORE_001", `${file} cannot be read: ${code ?? message}.`, { cause: error });
  }
}

function websocketUrl(text: string): string {
  const withScheme = text.includes("://") ? text.replace(/^http/, "ws") : `ws://${text}`;
  if (!URL.canParse(withScheme)) throw new AppError("SYS_003", `${JSON.stringify(text)} is not an address.`);
  return withScheme;
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function valueAt(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}

function textAt(value: unknown, keys: readonly string[]): string | null {
  const found = valueAt(value, keys);
  return typeof found === "string" && found !== "" ? found : null;
}
