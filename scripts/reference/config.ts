/** docs/reference/config.md, from the configuration's schema. */
import { z } from "zod";
import { defaultConfig, defaultsContext } from "../../src/config/default-config.ts";
import { configSchema } from "../../src/config/schema/root.ts";
import { code, page, table } from "./page.ts";
import { settingRows, type JsonSchema } from "./schema-text.ts";

export function render(): string {
  const schema = z.toJSONSchema(configSchema(), { unrepresentable: "any", io: "input" }) as JsonSchema;
  const defaults: unknown = defaultConfig(defaultsContext("~", "~/.openclaw"));
  const sections = Object.entries(schema.properties ?? {}).map(([name, section]) => {
    const rows = settingRows(section, name, schema).map((row) => [
      code(row.path),
      code(row.type),
      code(row.default === "" ? defaultAt(defaults, row.path) : row.default),
      row.secret ? `${row.description} Secret: never shown.`.trim() : row.description,
    ]);
    return `## ${name}\n\n${table(["Setting", "Type", "Default", "What it does"], rows)}`;
  });
  return page(
    "Configuration",
    "The settings of `openclaw.json` (JSON5). `*` stands for a name of your own, `[]` for each entry of a list. A setting that is not listed here is a warning, never a reason not to start. What a channel takes stands in [channels](channels.md).",
    sections,
  );
}

/** The effective value of an empty configuration at a path, as JSON; nothing below a name of the reader's own. */
function defaultAt(defaults: unknown, path: string): string {
  let value = defaults;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !(key in value)) return "";
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value === undefined ? "" : JSON.stringify(value);
}
