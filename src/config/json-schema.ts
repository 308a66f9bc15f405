/** The configuration file's JSON Schema and what a form needs to know besides, made from the same schemas that check it. */
import * as z from "zod";
import { defaultConfig } from "./default-config.ts";
import { getAt, isRecord, type KeyPath } from "./dot-path.ts";
import { secretPathsOf } from "./redact.ts";
import { sectionNames, type SectionName } from "./schema/sections.ts";
import type { SchemaSet } from "./meaning/schema-set.ts";

type JsonSchema = Record<string, unknown>;

/** Draft 2020-12. What has a default is not required; other forms that are accepted are named. */
export function fileJsonSchema(schemas: SchemaSet): JsonSchema {
  const properties: JsonSchema = { $schema: { type: "string" } };
  for (const name of sectionNames) properties[name] = sectionJsonSchema(name, schemas);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "openclaw.json",
    type: "object",
    properties,
    additionalProperties: false,
  };
}

export function uiHints(schemas: SchemaSet): Record<string, { sensitive?: boolean }> {
  const hints = secretPathsOf(schemas).map((path) => [path.join("."), { sensitive: true }] as const);
  return Object.fromEntries(hints);
}

function sectionJsonSchema(name: SectionName, schemas: SchemaSet): JsonSchema {
  if (name === "channels") return channelsJsonSchema(schemas);
  return withDefaults(toJson(schemas.section(name)), [name]);
}

function channelsJsonSchema({ channels }: SchemaSet): JsonSchema {
  const properties = Object.entries(channels.channelSchemas).map(([id, schema]) => {
    const { $schema: _dialect, required: _required, ...account } = toJson(schema);
    const own = isRecord(account["properties"]) ? account["properties"] : {};
    const shared = { ...own, enabled: { type: "boolean" }, name: { type: "string" } };
    const accounts = { type: "object", additionalProperties: { type: "object", properties: shared } };
    return [id, { ...account, type: "object", properties: { ...shared, accounts } }];
  });
  return { type: "object", properties: Object.fromEntries(properties), additionalProperties: { type: "object" } };
}

function toJson(schema: z.ZodType): JsonSchema {
  const made = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => adjust(jsonSchema),
  });
  const { $schema: _dialect, ...json } = made as JsonSchema;
  return json;
}

/** Our marks become words that JSON Schema has. */
function adjust(json: JsonSchema): void {
  const { secret, path, alsoAccepts } = json;
  delete json["secret"];
  delete json["path"];
  delete json["alsoAccepts"];
  if (secret === true) json["writeOnly"] = true;
  if (path === true) json["format"] = "path";
  if (!isRecord(alsoAccepts)) return;
  const { description, ...own } = json;
  for (const key of Object.keys(json)) delete json[key];
  Object.assign(json, description === undefined ? {} : { description }, { anyOf: [own, alsoAccepts] });
}

/** Objects on the way from the root are complete by defaults; inside lists and free keys the schema itself says what is needed. */
function withDefaults(json: JsonSchema, path: KeyPath): JsonSchema {
  const fallback = getAt(defaultConfig(), path);
  const { anyOf } = json;
  if (Array.isArray(anyOf)) {
    return {
      ...json,
      anyOf: anyOf.map((one: unknown, index) => (index === 0 && isRecord(one) ? withDefaults(one, path) : one)),
    };
  }
  const { properties } = json;
  if (!isRecord(properties)) return machineIndependent(fallback) ? { ...json, default: fallback } : json;
  const { required: _required, ...rest } = json;
  const inner = Object.entries(properties).map(([key, one]) => [
    key,
    isRecord(one) ? withDefaults(one, [...path, key]) : one,
  ]);
  // A section that is optional as a whole has rules of its own about what it needs.
  const kept = fallback === undefined && json["required"] !== undefined ? { required: json["required"] } : {};
  return { ...rest, ...kept, properties: Object.fromEntries(inner), additionalProperties: false };
}

function machineIndependent(fallback: unknown): boolean {
  return fallback !== undefined && !(typeof fallback === "string" && fallback.startsWith("/home/user"));
}
