/**
 * The schema of a tool as its server tells it, made fit to be shown to a model: an object of bounded depth and size, with
 * descriptions that pose as nothing. One that cannot be made so is refused whole: half a schema would be another one.
 */
import { neutralised } from "../domain/external.ts";
import { limits } from "../domain/limits.ts";
import { truncateBytes } from "../domain/text.ts";

export type ShownSchema = Readonly<Record<string, unknown>>;

/** The schema, or in one sentence why there is none. */
export function shownSchema(told: unknown): ShownSchema | { readonly refused: string } {
  if (!isRecord(told) || told["type"] !== "object") return { refused: "its schema is not that of an object" };
  try {
    const schema = cleaned(told, 0, { values: limits.mcpSchemaBytes / 4 }) as ShownSchema;
    if (Buffer.byteLength(JSON.stringify(schema)) > limits.mcpSchemaBytes) {
      return { refused: `its schema is larger than ${limits.mcpSchemaBytes} bytes` };
    }
    return schema;
  } catch (error) {
    if (error instanceof Unfit) return { refused: error.message };
    throw error;
  }
}

class Unfit extends Error {}

/** Names of dialects and places elsewhere, which nobody here looks up, and words that say nothing more. */
const dropped: readonly string[] = ["$schema", "$id", "id", "$comment", "title"];

/** A field may bear the name of a keyword: under `properties` its value is a schema, and no text or list. */
function cleaned(value: unknown, depth: number, left: { values: number }): unknown {
  left.values -= 1;
  // Every value takes a byte and more: what has too many of them is too large, and not read to its end.
  if (left.values < 0) throw new Unfit(`its schema is larger than ${limits.mcpSchemaBytes} bytes`);
  if (depth > limits.mcpSchemaDepth) throw new Unfit(`its schema is deeper than ${limits.mcpSchemaDepth}`);
  if (typeof value === "string") return plain(value);
  if (Array.isArray(value)) return value.map((item) => cleaned(item, depth + 1, left));
  if (!isRecord(value)) return value;
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (key === "__proto__" || (key === "examples" && Array.isArray(item))) continue;
    if (typeof item === "string" && dropped.includes(key)) continue;
    if (typeof item === "string" && key === "description") {
      entries.push([key, oneLine(item, limits.mcpSchemaTextBytes)]);
      continue;
    }
    if (key === "$ref" && typeof item === "string" && !item.startsWith("#")) {
      throw new Unfit("its schema refers to another place");
    }
    entries.push([plain(key), cleaned(item, depth + 1, left)]);
  }
  return Object.fromEntries(entries);
}

/** Names and values mean what they are: one that would have to be changed is not shown. */
function plain(text: string): string {
  if (Buffer.byteLength(text) > limits.mcpSchemaTextBytes) throw new Unfit("its schema holds a name or value too long");
  if (/[\n\r\t]/.test(text) || neutralised(text, "foreign") !== text) {
    throw new Unfit("its schema holds a name or value with hidden or misleading characters");
  }
  return text;
}

/** On one line nothing can look like a part of the house's own words. */
export function oneLine(text: string, maxBytes: number): string {
  // Cut first as well: what is looked at is bounded, whatever the server sends.
  const whole = neutralised(truncateBytes(text, maxBytes * 4), "foreign")
    .replaceAll(/\s+/g, " ")
    .trim();
  const cut = truncateBytes(whole, maxBytes);
  return cut === whole ? whole : `${cut}…`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
