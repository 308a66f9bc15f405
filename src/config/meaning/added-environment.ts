/**
 * The variables that are not in the real environment: the state directory's `.env`, `env.vars` of the configuration
 * and, where it is asked for, the login shell. The real environment wins unless `env.override` says otherwise.
 * A `.env` of any other folder is never read.
 */
import { parseEnv } from "node:util";
import { AppError } from "../../domain/app-error.ts";
import { isRecord } from "../dot-path.ts";
import { extendEnvironment, locatingVariables, type Environment } from "../environment.ts";
import { readFileText } from "../text/file-text.ts";
import type { Finding } from "./finding.ts";
import { statePaths } from "../paths.ts";
import { referencedVariables, substitute, type SecretLookup } from "./substitute.ts";

export interface AddedEnvironment {
  readonly environment: Environment;
  readonly findings: readonly Finding[];
}

/** With the state directory's `.env`. A file that cannot be read is a warning. */
export async function withEnvFile(environment: Environment): Promise<AddedEnvironment> {
  const { envFile } = statePaths(environment.stateDir);
  try {
    const parsed = parseEnv(await readFileText(envFile));
    const { allowed, findings } = harmless(parsed as Record<string, string>, [".env"]);
    return { environment: extendEnvironment(environment, allowed), findings };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { environment, findings: [] };
    const message = `${envFile} cannot be read (${reasonOf(error)})`;
    return { environment, findings: [{ path: [".env"], message, weight: "warning" }] };
  }
}

/** With what the configuration's `env` section says. `value`: the configuration before substitution. */
export function withConfigEnv(environment: Environment, value: unknown, secrets: SecretLookup): AddedEnvironment {
  const section = envSection(value);
  const vars = isRecord(section["vars"]) ? section["vars"] : {};
  const written = Object.fromEntries(Object.entries(vars).filter(([, text]) => typeof text === "string"));
  // A variable may be made of others, but only of real ones. What is missing is told where the whole is substituted.
  const below: SecretLookup = (path, name) => secrets(["env", "vars", ...path], name);
  const expanded = substitute(written, environment.variables, below).value as Record<string, string>;
  const { allowed, findings } = harmless(expanded, ["env", "vars"]);
  return { environment: extendEnvironment(environment, allowed, section["override"] === true), findings };
}

/** With what only the login shell knows of the variables that are wanted and missing. */
export async function withShellEnv(
  environment: Environment,
  request: { value: unknown; wanted: readonly string[] },
): Promise<AddedEnvironment> {
  const shellEnv = envSection(request.value)["shellEnv"];
  if (!isRecord(shellEnv) || shellEnv["enabled"] !== true) return { environment, findings: [] };
  const names = [...new Set([...request.wanted, ...referencedVariables(request.value)])].filter(
    (name) => (environment.variables[name] ?? "") === "",
  );
  if (names.length === 0) return { environment, findings: [] };
  const given = shellEnv["timeoutMs"];
  const timeoutMs = typeof given === "number" && given > 0 && given <= 60_000 ? given : 5_000;
  try {
    const shell = environment.shell ?? "/bin/sh";
    // Loaded when it is asked for: starting processes is not on the way of an ordinary start.
    const { readShellEnvironment } = await import("./shell-environment.ts");
    const found = await readShellEnvironment({ shell, names, timeoutMs, variables: environment.variables });
    const { allowed, findings } = harmless(found, ["env", "shellEnv"]);
    return { environment: extendEnvironment(environment, allowed), findings };
  } catch (error) {
    return { environment, findings: [{ path: ["env", "shellEnv"], message: reasonOf(error), weight: "warning" }] };
  }
}

function envSection(value: unknown): Readonly<Record<string, unknown>> {
  const section = isRecord(value) ? value["env"] : undefined;
  return isRecord(section) ? section : {};
}

/** Variables that make a program run other code, or decide where we look, are not a configuration's business. */
function harmless(
  variables: Readonly<Record<string, string>>,
  at: readonly string[],
): { allowed: Record<string, string>; findings: Finding[] } {
  const findings: Finding[] = [];
  const allowed: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (locatingVariables.includes(name) || /^(NODE_OPTIONS|NODE_PATH|PATH|LD_.*|DYLD_.*|BASH_ENV|ENV)$/.test(name)) {
      findings.push({
        path: [...at, name],
        message: "can only be set in the real environment; it is ignored",
        weight: "warning",
      });
    } else allowed[name] = value;
  }
  return { allowed, findings };
}

function reasonOf(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return (error as NodeJS.ErrnoException).code ?? "unknown reason";
}
