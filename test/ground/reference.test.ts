import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { render } from "../../scripts/reference/channels.ts";
import { root } from "../../scripts/source-hash.mjs";
import { channelManifests } from "../../src/channels/registry.ts";
import { settingRows, typeText, type JsonSchema } from "../../scripts/reference/schema-text.ts";

const schemaOf = (schema: z.ZodType) => z.toJSONSchema(schema, { unrepresentable: "any", io: "input" }) as JsonSchema;

describe("the page of channels", () => {
  it("K20: says what the channels' manifests say", () => {
    const page = readFileSync(path.join(root, "docs", "reference", "channels.md"), "utf8");
    // Columns are padded when the page is formatted.
    const bare = (text: string): string => text.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---").trim();
    expect(bare(page)).toBe(bare(render()));
    for (const { id, label } of channelManifests()) expect(bare(page)).toContain(`| ${label} | \`${id}\` |`);
  });
});

describe("a schema as text", () => {
  it.each([
    [z.string().regex(/a/).regex(/b/), "string"],
    [z.object({ a: z.int(), "b-c": z.boolean().optional() }), '{ a: number; "b-c"?: boolean }'],
    [z.array(z.union([z.literal("x"), z.null()])), 'Array<"x" | null>'],
    [z.record(z.string(), z.number()), "Record<string, number>"],
    [z.enum(["a", "b"]), '"a" | "b"'],
    [z.unknown(), "unknown"],
  ])("%#", (schema, text) => {
    expect(typeText(schemaOf(schema))).toBe(text);
  });
});

describe("settings by path", () => {
  it("go down into names of one's own and into lists, and carry what the schema says of them", () => {
    const rows = settingRows(
      schemaOf(
        z.object({
          port: z.int().min(1).max(9).default(3).meta({ description: "A port." }),
          providers: z.record(z.string(), z.object({ key: z.string().meta({ secret: true }) })),
          list: z.array(z.object({ id: z.string() })),
        }),
      ),
    );
    expect(rows).toEqual([
      { path: "port", type: "number, from 1 up to 9", default: "3", description: "A port.", secret: false },
      { path: "providers.*.key", type: "string", default: "", description: "", secret: true },
      { path: "list[].id", type: "string", default: "", description: "", secret: false },
    ]);
  });
});
