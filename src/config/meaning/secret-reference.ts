/**
 * `${secret:NAME}` in the configuration: which secret is meant, whether it may stand where it does, and what the vault
 * answers. Whose secret it is follows from the place alone and cannot be written, so that no part can name another's.
 * The vault is asked only where there is a reference.
 */
import { createHash } from "node:crypto";
import type { ErrorCode } from "../../domain/error-codes.ts";
import { isSecretName, isSecretScope, type SecretScope } from "../../domain/secret-scope.ts";
import type { MissingSecret } from "../contract.ts";
import { formatPath, isRecord, type KeyPath } from "../dot-path.ts";
import { isSecretKey } from "../secret-text.ts";
import { referencedName } from "./substitute.ts";

/** The vault as the configuration sees it. */
export interface SecretSource {
  /** What changes when an answer may. */
  readonly file: string;
  /** Never throws. */
  read(scope: SecretScope, name: string): Promise<SecretAnswer>;
}

export type SecretAnswer =
  | { readonly state: "found"; readonly value: string; readonly expiresMs: number | null }
  | { readonly state: "missing" | "expired" }
  /** The vault cannot be opened; the reason as a sentence. */
  | { readonly state: "closed"; readonly reason: string };

export interface ResolvedSecrets {
  /** The value of a reference at its place, or why there is none. */
  lookup(path: KeyPath, name: string): string | MissingSecret;
  readonly values: readonly string[];
  /** Whether there is any reference. */
  readonly isAsked: boolean;
  /** Differs where an answer differs. */
  readonly mark: string;
  /** When the first of them expires. */
  readonly expiresMs: number | null;
}

/** `$${secret:x}` is the text `${secret:x}`. What stands up to the brace is judged later, so that no slip stays a text. */
const secretReference = /\$(\$?)\{secret:([^}]*\}?)/g;

/** `secretPaths`: where a secret belongs, as dot paths with `*`; asked only where there is a reference. */
export async function resolveSecrets(
  value: unknown,
  source: SecretSource | undefined,
  secretPaths: () => readonly (readonly string[])[],
): Promise<ResolvedSecrets> {
  const references = referencesIn(value, []);
  if (references.length === 0) return noSecrets;
  const places = secretPaths();
  const answers = new Map<string, SecretAnswer>();
  let closed: SecretAnswer | null = source === undefined ? { state: "closed", reason: "nobody opens it here" } : null;
  for (const { path, name } of references) {
    const scope = secretScopeOf(path);
    if (placeProblem(path, name, places) !== null || scope === null) continue;
    const key = keyOf(scope, name);
    if (answers.has(key)) continue;
    const answer: SecretAnswer | undefined = closed ?? (await source?.read(scope, name));
    if (answer === undefined) continue;
    // To try a wrong key on a closed vault takes its time, and does not open it the next time either.
    if (answer.state === "closed") closed = answer;
    answers.set(key, answer);
  }
  const found = [...answers.values()].filter((answer) => answer.state === "found");
  const ends = found.flatMap(({ expiresMs }) => (expiresMs === null ? [] : [expiresMs]));
  return {
    lookup(path, name) {
      const problem = placeProblem(path, name, places);
      const scope = secretScopeOf(path);
      if (problem !== null || scope === null)
        return missing({ path, name }, "CFG_004", problem ?? "stands below a name that no secret can belong to");
      const answer = answers.get(keyOf(scope, name));
      return answer?.state === "found" ? answer.value : missing({ path, name }, ...reasonOf(answer, scope, name));
    },
    values: found.map(({ value: text }) => text),
    isAsked: true,
    mark: createHash("sha256")
      .update(JSON.stringify([...answers]))
      .digest("hex"),
    expiresMs: ends.length === 0 ? null : Math.min(...ends),
  };
}

export const noSecrets: ResolvedSecrets = {
  lookup: (path, name) => missing({ path, name }, "CFG_004", "refers to a secret, and nobody opens the vault here"),
  values: [],
  isAsked: false,
  mark: "",
  expiresMs: null,
};

/** Whose secrets a place may use; null where its channel or provider has a name that none can have. */
export function secretScopeOf(path: KeyPath): SecretScope | null {
  const [first, second, third] = path.map(String);
  const scope =
    first === "channels" && second !== undefined
      ? `channel:${second}`
      : first === "models" && second === "providers" && third !== undefined
        ? `provider:${third}`
        : "gateway";
  return isSecretScope(scope) ? scope : null;
}

/** What sets a secret, as it is typed. */
export function setCommand(scope: SecretScope, name: string): string {
  return `openclaw secrets set ${scope} ${name}`;
}

function reasonOf(answer: SecretAnswer | undefined, scope: SecretScope, name: string): readonly [ErrorCode, string] {
  if (answer?.state === "closed")
    return ["VAULT_001", `needs the secret ${name} of ${scope}, and the vault is closed: ${answer.reason}`];
  const what = answer?.state === "expired" ? "has expired" : "is not in the vault";
  return ["VAULT_003", `needs the secret ${name} of ${scope}, which ${what}; set it: ${setCommand(scope, name)}`];
}

function missing(at: { path: KeyPath; name: string }, code: ErrorCode, message: string): MissingSecret {
  return { keys: at.path, path: formatPath(at.path), name: at.name, code, message };
}

/** A sentence where a reference may not be what or where it is. */
function placeProblem(path: KeyPath, name: string, places: readonly (readonly string[])[]): string | null {
  if (!isSecretName(name)) return "refers to a secret by a name that none can have";
  if (places.some((place) => fits(path, place)) || path.some((key) => isSecretKey(String(key)))) return null;
  return "refers to a secret where none belongs: it would be shown";
}

function fits(path: KeyPath, place: readonly string[]): boolean {
  return place.length <= path.length && place.every((key, index) => key === "*" || key === String(path[index]));
}

function keyOf(scope: SecretScope, name: string): string {
  return JSON.stringify([scope, name]);
}

function referencesIn(value: unknown, path: KeyPath): readonly { readonly path: KeyPath; readonly name: string }[] {
  if (typeof value === "string") {
    if (!value.includes("{secret:")) return [];
    return [...value.matchAll(secretReference)]
      .filter(([, escaped]) => escaped === "")
      .map(([, , rest = ""]) => ({ path, name: referencedName(rest) }));
  }
  if (Array.isArray(value)) return value.flatMap((element, index) => referencesIn(element, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => referencesIn(inner, [...path, key]));
}
