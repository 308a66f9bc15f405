/** Checks a body against a schema and says what is wrong with it in one sentence that names the field. */
import type { z, ZodType } from "zod";
import { AppError } from "../../../domain/app-error.ts";

export function parseBody<Schema extends ZodType>(schema: Schema, json: unknown): z.output<Schema> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = deepest(result.error.issues);
  const param = issue.path.reduce<string>(
    (path, key) => (typeof key === "number" ? `${path}[${key}]` : path === "" ? String(key) : `${path}.${String(key)}`),
    "",
  );
  throw new AppError("RPC_003", param === "" ? issue.message : `${param}: ${issue.message}`, {
    details: param === "" ? {} : { param },
  });
}

interface Issue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}

/** Of a failed union, the branch that came furthest: it is the one the caller meant. */
function deepest(issues: readonly z.core.$ZodIssue[]): Issue {
  const first = issues[0];
  if (first === undefined) return { message: "The body is not valid.", path: [] };
  if (first.code !== "invalid_union") return first;
  const branches = first.errors.filter((branch) => branch.length > 0).map(deepest);
  const best = branches.reduce<Issue | null>(
    (longest, branch) => (longest === null || branch.path.length > longest.path.length ? branch : longest),
    null,
  );
  return best === null || best.path.length === 0
    ? { message: first.message, path: first.path }
    : { message: best.message, path: [...first.path, ...best.path] };
}
