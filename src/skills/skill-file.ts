/**
 * `SKILL.md`: what a pack says of itself, read as the packs in the field are written. A head between two lines of dashes
 * (YAML, or JSON within it), then the words for the model. Trusts nothing of it.
 */
import { z } from "zod";
import { limits } from "../domain/limits.ts";
import { cleanText } from "../domain/text.ts";

const strings = z.array(z.string().min(1).max(256)).max(64);

const installerSchema = z.object({
  id: z.string().optional(),
  kind: z.string(),
  label: z.string().optional(),
  bins: strings.optional(),
  os: strings.optional(),
  formula: z.string().optional(),
  package: z.string().optional(),
  module: z.string().optional(),
  url: z.string().optional(),
});

const metaSchema = z.object({
  always: z.boolean().optional(),
  emoji: z.string().max(32).optional(),
  homepage: z.string().max(2_048).optional(),
  skillKey: z.string().max(128).optional(),
  primaryEnv: z.string().max(128).optional(),
  os: strings.optional(),
  requires: z
    .object({
      bins: strings.optional(),
      anyBins: strings.optional(),
      env: strings.optional(),
      config: strings.optional(),
    })
    .optional(),
  install: z.array(installerSchema).max(32).optional(),
});

export type SkillMeta = z.infer<typeof metaSchema>;
export type SkillInstaller = z.infer<typeof installerSchema>;

export interface SkillFile {
  readonly name: string;
  readonly description: string;
  readonly meta: SkillMeta;
  /** A person calls it by a slash command alone; the model is not told of it. */
  readonly hiddenFromModel: boolean;
}

/** The names under which packs of the field keep what they need. */
const metaKeys = ["openclaw", "clawdbot", "clawdis", "moltbot"] as const;

export type ParseYaml = (text: string) => unknown;

/** What a pack says of itself, or in one sentence why it cannot be used. Never throws. */
export function readSkillFile(text: string, parseYaml: ParseYaml): SkillFile | string {
  const head = /^\uFEFF?---[ \t]*\r?\n([^]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text)?.[1];
  if (head === undefined) return "SKILL.md has no head between two lines of ---.";
  let fields: unknown;
  try {
    fields = parseYaml(head);
  } catch (error) {
    return `The head of SKILL.md cannot be read: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
  }
  if (!isRecord(fields)) return "The head of SKILL.md is no list of fields.";
  const name = line(fields["name"], limits.skillNameChars);
  if (name === null || !/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u.test(name)) return "SKILL.md names no skill.";
  const description = line(fields["description"], limits.skillDescriptionChars);
  if (description === null) return "SKILL.md has no description.";
  const meta = metaOf(fields);
  if (typeof meta === "string") return meta;
  return { name, description, meta, hiddenFromModel: fields["disable-model-invocation"] === true };
}

function metaOf(fields: Readonly<Record<string, unknown>>): SkillMeta | string {
  const metadata = recordIn(fields["metadata"]);
  const found = metaKeys.map((key) => metadata[key]).find(isRecord) ?? {};
  const homepage = fields["homepage"] ?? metadata["homepage"];
  const parsed = metaSchema.safeParse({ ...(typeof homepage === "string" ? { homepage } : {}), ...found });
  return parsed.success ? parsed.data : `The metadata of SKILL.md is not valid: ${z.prettifyError(parsed.error)}`;
}

/** Some write the metadata as JSON in a string. */
function recordIn(value: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  if (typeof value !== "string") return {};
  try {
    const parsed: unknown = JSON.parse(value);
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** One line of plain text, cut at the limit; null where there is none. */
function line(value: unknown, maxChars: number): string | null {
  if (typeof value !== "string") return null;
  const text = cleanText(value).replaceAll(/\s+/g, " ").trim();
  if (text === "") return null;
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
