/**
 * One text of a configuration to what it means, in a fixed order: parse, include, migrate, variables, substitution,
 * validation, defaults, paths, overrides, validation again, checks. It falls back on nothing: who asks decides what a
 * bad text leads to. Keeps nothing between two calls.
 */
import { createHash } from "node:crypto";
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import type { Clock } from "../../platform/clock.ts";
import { withConfigEnv, withEnvFile, withShellEnv } from "./added-environment.ts";
import { checkChannels, closeWithout, switchOffIncomplete, withChannelVariables } from "./channel-section.ts";
import { checkConfig } from "./checks.ts";
import type { ConfigIssue, MissingSecret } from "../contract.ts";
import { defaultsContext } from "../default-config.ts";
import { applyDefaults } from "../defaults/chain.ts";
import { formatPath, getAt, isRecord, parsePath, type KeyPath } from "../dot-path.ts";
import type { Environment } from "../environment.ts";
import { environmentSource } from "../environment.ts";
import type { Finding } from "./finding.ts";
import { compose, type Composed } from "./include.ts";
import { describeMove, type Move } from "../migrations/document.ts";
import { migrate } from "../migrations/migrate.ts";
import { normalizePaths } from "./normalize-paths.ts";
import { applyOverrides, environmentOverrides, type Overrides } from "./overrides.ts";
import type { SchemaSet } from "./schema-set.ts";
import type { Config } from "../schema/root.ts";
import { secretPathsOf } from "../redact.ts";
import { noSecrets, resolveSecrets, type ResolvedSecrets, type SecretSource } from "./secret-reference.ts";
import { expandShorthand } from "./shorthand.ts";
import { substitute } from "./substitute.ts";
import { validateComplete, validateWritten, weightOf } from "./validate.ts";

export interface InterpretOptions {
  readonly environment: Environment;
  readonly schemas: SchemaSet;
  readonly clock: Clock;
  readonly overrides?: Overrides;
  readonly version?: string;
  /** Where `${secret:NAME}` leads; asked only where there is one. */
  readonly secrets?: SecretSource;
}

export interface Interpretation {
  /** Complete and frozen; null where the text is not used as a whole. */
  readonly config: Config | null;
  readonly parsed: unknown;
  readonly environment: Environment;
  readonly issues: readonly ConfigIssue[];
  /** How the worst finding weighs. */
  readonly verdict: "good" | Finding["weight"];
  /** What to throw where the text must be good. */
  readonly error: AppError | null;
  /** Every file that was read, the vault's among them where it was asked. */
  readonly files: readonly string[];
  /** Over the texts of all of them but the vault's. */
  readonly fingerprint: string;
  readonly moves: readonly Move[];
  readonly missingSecrets: readonly MissingSecret[];
  /** What the vault gave. */
  readonly secretsInUse: readonly string[];
  /** Differs where the vault answers otherwise. Made of secrets: for comparing, never to be shown. */
  readonly secretsMark: string;
  /** When the first secret in use expires; null where none does. */
  readonly secretsExpireMs: number | null;
}

/** Never throws for what the text says. */
export async function interpret(file: string, text: string, options: InterpretOptions): Promise<Interpretation> {
  const env = await withEnvFile(options.environment);
  let composed: Composed;
  try {
    composed = await compose(file, text);
  } catch (error) {
    return unreadable(file, text, { error: AppError.from(error, "CFG_001"), environment: env.environment });
  }
  const migrated = migrate(composed.value, Object.keys(options.schemas.channels.channelSchemas));
  const expanded = expandShorthand(migrated.value);
  const moves = [...migrated.moves, ...expanded.moves];
  const secrets = await resolveSecrets(expanded.value, options.secrets, () => secretPathsOf(options.schemas));
  const variables = await gatherVariables(env.environment, expanded.value, { options, secrets });
  const meaning = giveMeaning(expanded.value, variables.environment, { file, options, secrets });
  const findings = [...moveFindings(migrated.moves), ...env.findings, ...variables.findings, ...meaning.findings];
  const issues = [...variables.environment.issues, ...findings.map((finding) => toIssue(finding, composed, moves))];
  const verdict = worst(findings);
  const usable = verdict !== "broken" && verdict !== "refuse";
  return {
    config: usable ? deepFreeze(meaning.config) : null,
    parsed: migrated.value,
    environment: variables.environment,
    issues,
    verdict,
    error: errorOf(issues, findings),
    files: [
      ...composed.files.keys(),
      ...(secrets.isAsked && options.secrets !== undefined ? [options.secrets.file] : []),
    ],
    fingerprint: fingerprintOf([...composed.files.entries()]),
    moves: migrated.moves,
    missingSecrets: meaning.missingSecrets,
    secretsInUse: secrets.values,
    secretsMark: secrets.mark,
    secretsExpireMs: secrets.expiresMs,
  };
}

export function textHash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

interface Meaning {
  readonly config: Config;
  readonly findings: readonly Finding[];
  readonly missingSecrets: readonly MissingSecret[];
}

function giveMeaning(
  value: unknown,
  environment: Environment,
  { file, options, secrets }: { file: string; options: InterpretOptions; secrets: ResolvedSecrets },
): Meaning {
  const { schemas } = options;
  const substituted = substitute(value, environment.variables, secrets.lookup);
  const { missingSecrets } = substituted;
  const missing = [
    ...substituted.missing.map((one) => missingFinding(one.name, one.path)),
    ...missingSecrets.map(missingSecretFinding),
  ];
  const context = defaultsContext(environment.homeDir, environment.stateDir);
  const refill = (draft: Readonly<Record<string, unknown>>): Record<string, unknown> => applyDefaults(draft, context);
  const closed = closeWithout(switchOffIncomplete(substituted.value, substituted.missing), missingSecrets);
  const written = validateWritten(closed, schemas, refill);
  const draft = refill(written.value) as unknown as Config;
  const channels = withChannelVariables(draft.channels, schemas, {
    variables: environment.variables,
    missing: missingSecrets,
  });
  const base = { homeDir: environment.homeDir, configDir: path.dirname(file) };
  const normalized = normalizePaths({ ...draft, channels }, base);
  const overrides = { ...environmentOverrides(environment), ...options.overrides };
  const overridden = applyOverrides(normalized, overrides);
  const names = new Set([...Object.keys(written.value), ...overridden.sections]);
  const complete = validateComplete(overridden.config, names, schemas, refill);
  const config = complete.value as unknown as Config;
  // A value that was wrong is missing now; that is one mistake.
  const lacked = new Set(missingSecrets.map(({ path: where }) => where));
  const told = new Set([...missing, ...written.findings].map((finding) => formatPath(finding.path)));
  const checks = checkConfig({
    config,
    environment,
    version: options.version ?? null,
    channels: Object.keys(schemas.channels.channelSchemas),
  });
  const findings = [
    ...missing,
    ...written.findings,
    ...checkChannels(config.channels, schemas).filter((finding) => !lacked.has(formatPath(finding.path))),
    ...complete.findings.filter((finding) => !told.has(formatPath(finding.path))),
    ...checks,
    ...maskedFindings(written.value, overrides),
  ];
  return { config, findings: findings.map((finding) => withoutSecrets(finding, secrets.values)), missingSecrets };
}

/** A mistake may quote what it found; a secret that does not fit where it is used is still one. */
function withoutSecrets(finding: Finding, secrets: readonly string[]): Finding {
  const message = secrets.reduce((text, secret) => text.replaceAll(secret, "(a secret)"), finding.message);
  return message === finding.message ? finding : { ...finding, message };
}

async function gatherVariables(
  environment: Environment,
  value: unknown,
  { options: { schemas }, secrets }: { options: InterpretOptions; secrets: ResolvedSecrets },
): Promise<{ environment: Environment; findings: readonly Finding[] }> {
  const fromConfig = withConfigEnv(environment, value, secrets.lookup);
  const channelVariables = Object.values(schemas.channels.channelEnvironment).flatMap((settings) =>
    Object.values(settings),
  );
  const wanted = [...providerVariables, ...channelVariables];
  const fromShell = await withShellEnv(fromConfig.environment, { value, wanted });
  return { environment: fromShell.environment, findings: [...fromConfig.findings, ...fromShell.findings] };
}

const providerVariables: readonly string[] = [
  "OPENAI_API_KEY",
  "ANTHROPIC_API_KEY",
  "GEMINI_API_KEY",
  "OPENROUTER_API_KEY",
];

/** A setting that is written and has no effect would otherwise look as if it had. */
function maskedFindings(written: unknown, overrides: Overrides): Finding[] {
  return Object.entries(overrides).flatMap(([text, value]) => {
    const at = parsePath(text);
    const own = getAt(written, at);
    if (own === undefined || own === value) return [];
    return [{ path: at, message: "is overridden by the environment or the command line", weight: "warning" }];
  });
}

/** The gateway's own secret must never quietly become another one. */
function missingFinding(name: string, at: KeyPath): Finding {
  const message = `\${${name}} is not set in the environment`;
  const auth = at[0] === "gateway" && at[1] === "auth";
  return { path: at, message, weight: auth ? "refuse" : weightOf(at), code: "CFG_003" };
}

/** What needs it does not run, and the rest of the house does: hooks are closed, a channel or provider is told. */
function missingSecretFinding({ keys, code, message }: MissingSecret): Finding {
  const auth = keys[0] === "gateway" && keys[1] === "auth";
  return { path: keys, message, weight: auth ? "refuse" : keys[0] === "hooks" ? "key" : weightOf(keys), code };
}

function moveFindings(moves: readonly Move[]): Finding[] {
  return moves.map((move) => ({ path: move.from, message: describeMove(move), weight: "warning" }));
}

function toIssue(finding: Finding, composed: Composed, moves: readonly Move[]): ConfigIssue {
  const severity = finding.weight === "warning" ? "warning" : "error";
  const isVariable = finding.path.length === 1 && /^[A-Z_]+$/.test(String(finding.path[0]));
  const place = isVariable
    ? { file: environmentSource, line: null }
    : composed.locate(writtenPath(finding.path, composed, moves));
  return { severity, path: formatPath(finding.path), message: finding.message, ...place };
}

/** Where a value stood before it was moved. */
function writtenPath(keys: KeyPath, composed: Composed, moves: readonly Move[]): KeyPath {
  if (getAt(composed.value, keys) !== undefined) return keys;
  return moves.reduceRight<KeyPath>((current, { from, to }) => {
    if (to === null || to.length > current.length || !to.every((key, index) => String(key) === String(current[index])))
      return current;
    return [...from, ...current.slice(to.length)];
  }, keys);
}

function worst(findings: readonly Finding[]): Interpretation["verdict"] {
  const order = ["refuse", "broken", "key", "warning"] as const;
  return order.find((weight) => findings.some((finding) => finding.weight === weight)) ?? "good";
}

function errorOf(issues: readonly ConfigIssue[], findings: readonly Finding[]): AppError | null {
  const errors = issues.filter((issue) => issue.severity === "error");
  const [first] = errors;
  if (first === undefined) return null;
  const told = findings.find(({ message, path: at }) => message === first.message && formatPath(at) === first.path);
  const code = told?.code ?? "CFG_004";
  return new AppError(code, errors.map(describe).join("\n"), { details: { issues: errors.slice(0, 50) } });
}

/** `openclaw.json:12: gateway.port expected a whole number, got "x"` */
function describe(issue: ConfigIssue): string {
  return `${issue.file}${issue.line === null ? "" : `:${issue.line}`}: ${issue.path} ${issue.message}`;
}

function unreadable(
  file: string,
  text: string,
  { error, environment }: { error: AppError; environment: Environment },
): Interpretation {
  const { line } = error.details;
  const where = typeof error.details["file"] === "string" ? error.details["file"] : file;
  const issue: ConfigIssue = {
    severity: "error",
    path: "",
    message: error.message,
    file: where,
    line: typeof line === "number" ? line : null,
  };
  return {
    config: null,
    parsed: null,
    environment,
    issues: [...environment.issues, issue],
    verdict: "broken",
    error,
    files: [file],
    fingerprint: fingerprintOf([[file, text]]),
    moves: [],
    missingSecrets: [],
    secretsInUse: [],
    secretsMark: noSecrets.mark,
    secretsExpireMs: noSecrets.expiresMs,
  };
}

function fingerprintOf(files: readonly (readonly [string, string])[]): string {
  return textHash(JSON.stringify(files));
}

function deepFreeze<T>(value: T): T {
  if (Array.isArray(value)) value.forEach(deepFreeze);
  else if (isRecord(value)) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
