/**
 * Looks into a schema: which keys a value has that the schema does not know, and which paths carry a mark such as
 * `secret`. Works on any zod schema, so channels' and plugins' schemas are read the same way as ours.
 */
import * as z from "zod";
import { isRecord, type KeyPath } from "../dot-path.ts";

/** Keys of `value` that no part of the schema reads. */
export function unknownKeys(schema: z.ZodType, value: unknown, path: KeyPath = []): KeyPath[] {
  return unknownIn(schema, value, path);
}

/** Dot paths, with `*` for list elements and free keys, of every part of the schema for which `wanted` is true. */
export function markedPaths(schema: z.ZodType, mark: string, path: readonly string[] = []): string[][] {
  const found: string[][] = [];
  visit(schema, path, { mark, found, depth: 0 });
  return found;
}

type Inner = z.core.$ZodType;

/** What stands inside a wrapper such as optional, default or a transform; null where it is none. */
function unwrap(schema: Inner): Inner | null {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "readonly":
    case "catch":
      return def.innerType;
    case "pipe":
      // A preprocessing step comes first and says nothing of its own about the value.
      return (def.in as z.core.$ZodTypes)._zod.def.type === "transform" ? def.out : def.in;
    case "lazy":
      return def.getter();
    default:
      return null;
  }
}

function unknownIn(schema: Inner, value: unknown, path: KeyPath): KeyPath[] {
  const inner = unwrap(schema);
  if (inner !== null) return unknownIn(inner, value, path);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return isRecord(value) ? unknownInObject(def, value, path) : [];
    case "record":
      return isRecord(value)
        ? Object.entries(value).flatMap(([key, one]) => unknownIn(def.valueType, one, [...path, key]))
        : [];
    case "array":
      return Array.isArray(value) ? value.flatMap((one, index) => unknownIn(def.element, one, [...path, index])) : [];
    case "union":
      return unknownInUnion(def.options, value, path);
    default:
      return [];
  }
}

function unknownInObject(def: z.core.$ZodObjectDef, value: Record<string, unknown>, path: KeyPath): KeyPath[] {
  const rest = def.catchall;
  const takesAny = rest !== undefined && (rest as z.core.$ZodTypes)._zod.def.type !== "never";
  return Object.entries(value).flatMap(([key, one]) => {
    const known = Object.hasOwn(def.shape, key) ? def.shape[key] : takesAny ? rest : undefined;
    return known === undefined ? [[...path, key]] : unknownIn(known, one, [...path, key]);
  });
}

/** Unknown is what every alternative that fits does not know. */
function unknownInUnion(options: readonly Inner[], value: unknown, path: KeyPath): KeyPath[] {
  const fitting = options.filter((option) => z.safeParse(option, value).success);
  const candidates = (fitting.length > 0 ? fitting : options).map((option) => unknownIn(option, value, path));
  return candidates.reduce((least, one) => (one.length < least.length ? one : least), candidates[0] ?? []);
}

interface Visit {
  readonly mark: string;
  readonly found: string[][];
  readonly depth: number;
}

const deepestSchema = 40;

function visit(schema: Inner, path: readonly string[], context: Visit): void {
  // A schema may contain itself; what it marks deeper is marked above as well.
  if (context.depth > deepestSchema) return;
  const next = { ...context, depth: context.depth + 1 };
  const meta = z.globalRegistry.get(schema);
  if (meta?.[context.mark] === true) {
    if (!context.found.some((one) => one.join("\0") === path.join("\0"))) context.found.push([...path]);
    return;
  }
  const inner = unwrap(schema);
  if (inner !== null) return visit(inner, path, next);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      for (const [key, one] of Object.entries(def.shape)) visit(one, [...path, key], next);
      if (def.catchall !== undefined) visit(def.catchall, [...path, "*"], next);
      return;
    case "record":
      return visit(def.valueType, [...path, "*"], next);
    case "array":
      return visit(def.element, [...path, "*"], next);
    case "union":
      for (const option of def.options) visit(option, path, next);
      return;
    default:
      return;
  }
}
