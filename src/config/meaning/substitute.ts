/**
 * `${NAME}` in any text of the configuration becomes the variable's value, `${secret:NAME}` the secret's; `$${NAME}` is
 * the text `${NAME}`. What a value brings along is not looked at again. An empty variable counts as missing: an empty
 * password is no password. The file keeps the reference.
 */
import type { MissingSecret } from "../contract.ts";
import { isRecord, type KeyPath } from "../dot-path.ts";

export interface Substituted {
  /** Where a variable or a secret is missing, the value that needs it is left out. */
  readonly value: unknown;
  readonly missing: readonly MissingVariable[];
  readonly missingSecrets: readonly MissingSecret[];
}

export interface MissingVariable {
  readonly name: string;
  readonly path: KeyPath;
}

/** The value of the secret that a place refers to, or why there is none. */
export type SecretLookup = (path: KeyPath, name: string) => string | MissingSecret;

export function substitute(
  value: unknown,
  variables: Readonly<Record<string, string>>,
  secrets: SecretLookup,
): Substituted {
  const missing: MissingVariable[] = [];
  const missingSecrets: MissingSecret[] = [];
  return { value: walk(value, [], { variables, secrets, missing, missingSecrets }), missing, missingSecrets };
}

/** The names that a value refers to. */
export function referencedVariables(value: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (inner: unknown): void => {
    if (typeof inner === "string") for (const match of inner.matchAll(reference)) addReference(names, match);
    else if (Array.isArray(inner)) inner.forEach(visit);
    else if (isRecord(inner)) Object.values(inner).forEach(visit);
  };
  visit(value);
  return names;
}

const reference = /\$(\$?)\{(?:([A-Z_][A-Z0-9_]*)\}|secret:([^}]*\}?))/g;

/** The name in what a reference has behind its colon; no name where the brace is missing. */
export function referencedName(rest: string): string {
  return rest.endsWith("}") ? rest.slice(0, -1) : "";
}

interface Context {
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: SecretLookup;
  readonly missing: MissingVariable[];
  readonly missingSecrets: MissingSecret[];
}

const absent = Symbol("absent");

function walk(value: unknown, path: KeyPath, context: Context): unknown {
  const walked = walkValue(value, path, context);
  return walked === absent ? undefined : walked;
}

function walkValue(value: unknown, path: KeyPath, context: Context): unknown {
  if (typeof value === "string") return expand(value, path, context);
  if (Array.isArray(value)) {
    return value
      .map((element, index) => walkValue(element, [...path, index], context))
      .filter((element) => element !== absent);
  }
  if (!isRecord(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const walked = walkValue(inner, [...path, key], context);
    if (walked !== absent) copy[key] = walked;
  }
  return copy;
}

function expand(text: string, path: KeyPath, context: Context): string | typeof absent {
  if (!text.includes("${")) return text;
  let lacks = false;
  const expanded = text.replaceAll(reference, (whole, escaped: string, name?: string, secret?: string) => {
    if (escaped !== "") return whole.slice(1);
    if (name === undefined) {
      const found = context.secrets(path, referencedName(secret ?? ""));
      if (typeof found === "string") return found;
      context.missingSecrets.push(found);
      lacks = true;
      return "";
    }
    const value = Object.hasOwn(context.variables, name) ? context.variables[name] : undefined;
    if (value !== undefined && value !== "") return value;
    context.missing.push({ name, path });
    lacks = true;
    return "";
  });
  return lacks ? absent : expanded;
}

function addReference(names: Set<string>, match: RegExpExecArray): void {
  if (match[1] === "" && match[2] !== undefined) names.add(match[2]);
}
