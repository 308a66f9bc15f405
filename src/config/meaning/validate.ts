/**
 * The sections against their schemas. A bad value is left out with a finding, so that one mistake costs one setting;
 * where leaving it out could open something, the whole file is declared broken instead.
 */
import type * as z from "zod";
import { formatPath, getAt, isRecord, unsetAt, type KeyPath } from "../dot-path.ts";
import { describeIssue, isMissing, keysOf, type Finding } from "./finding.ts";
import { unknownKeys } from "./schema-walk.ts";
import type { SchemaSet } from "./schema-set.ts";
import { sectionNames, type SectionName } from "../schema/sections.ts";

export interface Validated {
  /** Without what was wrong and what nobody knows. */
  readonly value: Record<string, unknown>;
  readonly findings: readonly Finding[];
}

/**
 * As written: what is not there is no mistake yet. A section that is right together with its defaults is right, which
 * costs one look instead of one for each thing it leaves out.
 */
export function validateWritten(value: unknown, schemas: SchemaSet, refill: Refill): Validated {
  if (!isRecord(value)) {
    const message = "the file must hold an object";
    return { value: {}, findings: [{ path: [], message, weight: "broken" }] };
  }
  const { $schema: _editorsOwn, ...sections } = value;
  const findings: Finding[] = [];
  let checked = Object.fromEntries(Object.entries(sections).filter(([name]) => isSection(name)));
  const whole = refill(checked);
  for (const [name, section] of Object.entries(sections)) {
    if (!isSection(name)) {
      findings.push({ path: [name], message: withoutEffect, weight: "warning" });
      continue;
    }
    for (const path of unknownKeys(schemas.section(name), section, [name])) {
      findings.push({ path, message: withoutEffect, weight: "warning" });
    }
    if (parseQuietly(schemas.section(name), whole[name]).success) continue;
    checked = withoutMistakes(name, checked, { schemas, findings, refill: null });
  }
  return { value: checked, findings };
}

const withoutEffect = "is not known and has no effect";

/**
 * After defaults: complete, or an element of a list that lacks something goes as a whole. `refill` brings the defaults
 * of what was taken out.
 */
export function validateComplete(
  value: Readonly<Record<string, unknown>>,
  names: Iterable<string>,
  schemas: SchemaSet,
  refill: Refill,
): Validated {
  const findings: Finding[] = [];
  let checked: Record<string, unknown> = { ...value };
  for (const name of names) {
    if (!isSection(name)) continue;
    checked = withoutMistakes(name, checked, { schemas, findings, refill });
    const result = parseQuietly(schemas.section(name), checked[name]);
    if (result.success) checked[name] = result.data;
  }
  return { value: checked, findings };
}

type Refill = (value: Readonly<Record<string, unknown>>) => Record<string, unknown>;

interface Rules {
  readonly schemas: SchemaSet;
  readonly findings: Finding[];
  /** Null before defaults, when what is missing is no mistake yet. */
  readonly refill: Refill | null;
}

/** Takes mistakes out until none is left: what an element lacks shows only when what is wrong in it is gone. */
function withoutMistakes(name: SectionName, value: Record<string, unknown>, rules: Rules): Record<string, unknown> {
  const schema = rules.schemas.section(name);
  let current = value;
  // Each round removes at least one value, so it ends; the bound is for what is deeper than any person writes.
  for (let round = 0; round < mostRounds; round += 1) {
    const mistakes = mistakesIn(schema, current, name, rules.refill !== null);
    if (mistakes.length === 0) return current;
    rules.findings.push(...mistakes.map((mistake) => mistake.finding));
    const kept = removeAll(
      current,
      mistakes.map((mistake) => mistake.remove),
    );
    current = rules.refill === null ? kept : rules.refill(kept);
  }
  rules.findings.push({ path: [name], message: "has too many mistakes", weight: "broken" });
  const rest = unsetAt(current, [name]) as Record<string, unknown>;
  return rules.refill === null ? rest : rules.refill(rest);
}

const mostRounds = 50;

interface Mistake {
  readonly finding: Finding;
  readonly remove: KeyPath;
}

function mistakesIn(
  schema: z.ZodType,
  value: Readonly<Record<string, unknown>>,
  name: SectionName,
  missingToo: boolean,
): Mistake[] {
  const result = parseQuietly(schema, value[name]);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    const missing = isMissing(issue, value[name]);
    if (missing && !missingToo) return [];
    const path = [name, ...keysOf(issue)];
    const message = describeIssue(issue, getAt(value, path), path);
    return [{ finding: { path, message, weight: weightOf(path) }, remove: missing ? enclosing(value, path) : path }];
  });
}

/** The later elements of a list first, so that the places of the earlier ones stay as they are; each once. */
function removeAll(value: Record<string, unknown>, paths: readonly KeyPath[]): Record<string, unknown> {
  const unique = [...new Map(paths.map((path) => [formatPath(path), path])).values()];
  const ordered = unique.toSorted(laterFirst);
  return ordered.reduce<unknown>((current, path) => unsetAt(current, path), value) as Record<string, unknown>;
}

function laterFirst(left: KeyPath, right: KeyPath): number {
  const at = left.findIndex((key, index) => key !== right[index]);
  if (at === -1 || at >= right.length) return right.length - left.length;
  const [one, other] = [left[at], right[at]];
  return typeof one === "number" && typeof other === "number" ? other - one : 0;
}

/** What is there of the way to something missing: the element that lacks it. */
function enclosing(value: unknown, path: KeyPath): KeyPath {
  let length = path.length;
  while (length > 1 && getAt(value, path.slice(0, length)) === undefined) length -= 1;
  return path.slice(0, length);
}

/** Settings whose default would allow more than a value that was meant to restrict. */
const guarding: readonly string[] = [
  "gateway.auth",
  "gateway.tls",
  "tools",
  "approvals",
  "budgets",
  "mcp",
  "plugins.allow",
  "plugins.deny",
  "commands",
  "session.sendPolicy",
  "session.dmScope",
  "session.scope",
  "hooks.token",
  "hooks.allowedAgentIds",
  "agents.defaults.sandbox",
];

export function weightOf(path: KeyPath): "key" | "broken" {
  const text = formatPath(path);
  if (guarding.some((prefix) => text === prefix || text.startsWith(`${prefix}.`) || text.startsWith(`${prefix}[`)))
    return "broken";
  // The limits of one agent: without them it would have those of all.
  return path[0] === "agents" && path.slice(3).some((key) => key === "tools" || key === "sandbox") ? "broken" : "key";
}

function isSection(name: string): name is SectionName {
  return (sectionNames as readonly string[]).includes(name);
}

/** Without compiling the schema to code first, which pays only for what is parsed many times. */
function parseQuietly(schema: z.ZodType, value: unknown): z.ZodSafeParseResult<unknown> {
  return schema.safeParse(value, { jitless: true } as z.core.ParseContext<z.core.$ZodIssue>);
}
