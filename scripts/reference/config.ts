/** docs/reference/config.md, from the configuration's schema. */
import { z } from "zod";
import { configSchema } from "../../src/config/schema/root.ts";
import { code, page, table } from "./page.ts";
import { settingRows, type JsonSchema } from "./schema-text.ts";

export function render(): string {
  const schema = z.toJSONSchema(configSchema, { unrepresentable: "any", io: "input" }) as JsonSchema;
  const sections = Object.entries(schema.properties ?? {}).map(([name, section]) => {
    const rows = settingRows(section, name, schema).map((row) => [
      code(row.path),
      code(row.type),
      code(row.default),
      row.description,
    ]);
    return `## ${name}\n\n${table(["Setting", "Type", "Default", "What it does"], rows)}`;
  });
  return page(
    "Configuration",
    "The settings of `openclaw.json` (JSON5). `*` stands for a name of your own, `[]` for each entry of a list. A setting that is not listed here is a warning, never a reason not to start. What a channel takes stands in [channels](channels.md).",
    sections,
  );
}
