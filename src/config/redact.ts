/**
 * A configuration fit to be shown: every secret replaced, by what the schema says and by what the key's name says.
 * Both, because a setting of a plugin or a misspelt key has no schema, and a header's name says nothing.
 */
import { createRedactor } from "../platform/redact.ts";
import { isRecord } from "./dot-path.ts";
import type { SchemaSet } from "./meaning/schema-set.ts";
import { markedPaths } from "./meaning/schema-walk.ts";
import { sectionNames } from "./schema/sections.ts";
import { isSecretKey, redactedText } from "./secret-text.ts";

/** Dot paths of every secret leaf, `*` for list elements and free keys; channels' own included. */
export function secretPathsOf(schemas: SchemaSet): readonly (readonly string[])[] {
  const ours = sectionNames.flatMap((name) => markedPaths(schemas.section(name), "secret", [name]));
  const { channelSchemas, channelSecrets } = schemas.channels;
  const marked = Object.entries(channelSchemas).map(([id, schema]) => [id, markedPaths(schema, "secret")] as const);
  const named = Object.entries(channelSecrets).map(([id, keys]) => [id, keys.map((key) => key.split("."))] as const);
  const channels = [...marked, ...named].flatMap(([id, paths]) =>
    paths.flatMap((path) => [
      ["channels", id, ...path],
      ["channels", id, "accounts", "*", ...path],
    ]),
  );
  return [...ours, ...channels];
}

/** A copy without secrets. Empty text, references to variables, numbers under no secret path and switches stay. */
export function redactConfig(
  value: unknown,
  secretPaths: readonly (readonly string[])[],
  known: readonly string[] = [],
): unknown {
  // What is secret in no way that a name tells: a token inside an address, a key by its shape, one out of the vault.
  const byShape = createRedactor();
  for (const secret of known) byShape.add(secret);
  return redact(value, { paths: secretPaths, named: false, text: (text) => byShape.text(text) });
}

/** Every secret value in use, so that the log can take them out of whatever it is handed. */
export function secretValues(value: unknown, secretPaths: readonly (readonly string[])[]): readonly string[] {
  const found = new Set<string>();
  redact(value, { paths: secretPaths, named: false, text: (text) => text, found });
  return [...found];
}

interface Context {
  /** The rest of the paths that lead further down from here; an empty one means: this is it. */
  readonly paths: readonly (readonly string[])[];
  /** Whether a key on the way here has a secret's name. */
  readonly named: boolean;
  /** An element of a list: beside objects with a secret inside, plain ones may stand there. */
  readonly element?: boolean;
  readonly text: (text: string) => string;
  readonly found?: Set<string>;
}

function redact(value: unknown, context: Context): unknown {
  const secret = context.named || context.paths.some((path) => path.length === 0);
  if (Array.isArray(value))
    return value.map((element) => redact(element, { ...below(context, "*", secret), element: true }));
  if (isRecord(value)) {
    const entries = Object.entries(value).map(([key, inner]) => [key, redact(inner, below(context, key, secret))]);
    return Object.fromEntries(entries) as unknown;
  }
  // Where an object with a secret inside should stand, a plain value is most likely that secret, one level too high.
  if (!secret && context.paths.length > 0 && context.element !== true) return redactMisplaced(value);
  if (typeof value === "string") return redactText(value, secret, context);
  return secret && typeof value === "number" ? redactedText : value;
}

function redactMisplaced(value: unknown): unknown {
  const isPlain = (typeof value === "string" && value !== "") || typeof value === "number";
  return isPlain ? redactedText : value;
}

function redactText(text: string, secret: boolean, context: Context): string {
  // `${NAME}` and `${secret:NAME}` say where the secret is, not what it is.
  if (text === "" || /^\$\{(?:[A-Z_][A-Z0-9_]*|secret:[\w.-]{1,64})\}$/.test(text)) return text;
  if (!secret) return context.text(text);
  context.found?.add(text);
  return redactedText;
}

function below(context: Context, key: string, secret: boolean): Context {
  const paths = context.paths.flatMap((path) => (path[0] === "*" || path[0] === key ? [path.slice(1)] : []));
  return { ...context, element: false, paths: secret ? [[], ...paths] : paths, named: secret || isSecretKey(key) };
}
