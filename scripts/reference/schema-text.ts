/** A JSON Schema as a person reads it: TypeScript-like types, and a table of paths for settings. */

export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** The configuration schema's own mark. */
  readonly secret?: boolean;
}

/** One type expression on one line; a formatter breaks it where it is long. */
export function typeText(schema: JsonSchema, root: JsonSchema = schema): string {
  const target = resolve(schema, root);
  if (target.const !== undefined) return JSON.stringify(target.const);
  if (target.enum !== undefined) return target.enum.map((value) => JSON.stringify(value)).join(" | ");
  const union = target.anyOf ?? target.oneOf;
  if (union !== undefined) return union.map((member) => typeText(member, root)).join(" | ");
  // A refined string is a string with an allOf of patterns: the patterns are not types.
  if (target.allOf !== undefined && target.type === undefined)
    return target.allOf.map((member) => typeText(member, root)).join(" & ");
  if (Array.isArray(target.type))
    return target.type.map((type: string) => typeText({ ...target, type }, root)).join(" | ");
  switch (target.type) {
    case "object":
      return objectText(target, root);
    case "array":
      return arrayText(target, root);
    case "integer":
      return "number";
    case undefined:
      return "unknown";
    default:
      return String(target.type);
  }
}

export interface SettingRow {
  readonly path: string;
  readonly type: string;
  readonly default: string;
  readonly description: string;
  readonly secret: boolean;
}

/** Every leaf below a schema, by dot path; `*` stands for a name of the reader's own, `[]` for each entry of a list. */
export function settingRows(schema: JsonSchema, path = "", root: JsonSchema = schema): SettingRow[] {
  const target = resolve(schema, root);
  const properties = Object.entries(target.properties ?? {});
  if (properties.length > 0) {
    return properties.flatMap(([key, member]) => settingRows(member, path === "" ? key : `${path}.${key}`, root));
  }
  const named = target.additionalProperties;
  if (typeof named === "object" && isNested(named, root)) return settingRows(named, `${path}.*`, root);
  if (typeof target.items === "object" && isNested(target.items, root)) {
    return settingRows(target.items, `${path}[]`, root);
  }
  return [
    {
      path,
      type: limitedType(target, root),
      default: target.default === undefined ? "" : JSON.stringify(target.default),
      description: target.description ?? "",
      secret: target.secret === true,
    },
  ];
}

function isNested(schema: JsonSchema, root: JsonSchema): boolean {
  const target = resolve(schema, root);
  return target.properties !== undefined || typeof target.additionalProperties === "object";
}

function limitedType(schema: JsonSchema, root: JsonSchema): string {
  const type = typeText(schema, root);
  // JSON Schema states the range of safe integers for every integer; only a narrower one tells the reader something.
  const low = schema.minimum ?? schema.exclusiveMinimum;
  const parts = [
    ...(low !== undefined && low > Number.MIN_SAFE_INTEGER
      ? [schema.minimum === undefined ? `more than ${low}` : `from ${low}`]
      : []),
    ...(schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER ? [`up to ${schema.maximum}`] : []),
  ];
  return parts.length === 0 ? type : `${type}, ${parts.join(" ")}`;
}

function objectText(schema: JsonSchema, root: JsonSchema): string {
  const required = new Set(schema.required ?? []);
  const members = Object.entries(schema.properties ?? {}).map(
    ([key, member]) =>
      `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}${required.has(key) ? "" : "?"}: ${typeText(member, root)}`,
  );
  const rest = schema.additionalProperties;
  if (members.length === 0) {
    if (rest === false) return "{}";
    return `Record<string, ${typeof rest === "object" ? typeText(rest, root) : "unknown"}>`;
  }
  return `{ ${members.join("; ")} }`;
}

function arrayText(schema: JsonSchema, root: JsonSchema): string {
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map((item) => typeText(item, root)).join(", ")}]`;
  return typeof schema.items === "object" ? `Array<${typeText(schema.items, root)}>` : "unknown[]";
}

function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const name = /^#\/\$defs\/(.+)$/.exec(schema.$ref ?? "")?.[1];
  const target = name === undefined ? undefined : root.$defs?.[name];
  return target === undefined ? schema : { ...target, ...schema };
}
