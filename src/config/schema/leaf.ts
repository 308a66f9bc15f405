/**
 * The kinds of leaves that a setting can be. Each says about itself what other parts must know:
 * that it is a secret (never shown), a path (made absolute), or short for something longer.
 */
import * as z from "zod";

/** What a schema says about itself beyond its type; JSON Schema carries it as it is. */
export interface LeafMeta {
  /** Replaced in every view. */
  readonly secret?: true;
  /** `~` is the home directory; a relative path is taken from the folder of the configuration file. */
  readonly path?: true;
  /** Another JSON Schema that is accepted and made into this one before it is checked. */
  readonly alsoAccepts?: Readonly<Record<string, unknown>>;
}

/**
 * Says for the reference what a setting is for. Unlike zod's own `describe` it makes no copy of the schema, which at
 * the start of the gateway took as long as reading the configuration. Only for a schema that was just made.
 */
export function about<Schema extends z.ZodType>(schema: Schema, description: string): Schema {
  return marked(schema, { description });
}

/** Text that must never be shown, logged or written back expanded. */
export function secret(): z.ZodString {
  return marked(z.string(), { secret: true });
}

/** A file or folder. */
export function filePath(): z.ZodString {
  return marked(z.string().min(1), { path: true });
}

/** `30s`, `10m`, `12h`, `7d`, or a number of seconds where the setting's name says so; read by `durationMs`. */
export function duration(): z.ZodString {
  return z.string().regex(/^\d+(\.\d+)?\s*(ms|s|m|h|d|w)$/, "expected a duration such as 30s, 10m, 12h or 7d");
}

export function count(): z.ZodInt {
  return z.int().nonnegative();
}

export function positive(): z.ZodInt {
  return z.int().positive();
}

export function port(): z.ZodInt {
  return z.int().min(0).max(65_535);
}

/** `provider/model`, or an alias that `agents.defaults.models` defines. */
export function modelReference(): z.ZodString {
  return z.string().min(1);
}

export function names(): z.ZodArray<z.ZodString> {
  return z.array(z.string());
}

/** An object whose keys are the person's own. */
export function record<Value extends z.ZodType>(value: Value): z.ZodRecord<z.ZodString, Value> {
  return z.record(z.string(), value);
}

function marked<Schema extends z.ZodType>(schema: Schema, meta: LeafMeta & { readonly description?: string }): Schema {
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), ...meta });
  return schema;
}
