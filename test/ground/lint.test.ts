import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/source-hash.mjs";

const header = "/** A file with one fault. */\n";

const faults: readonly (readonly [rule: string, text: string])[] = [
  ["house/no-clock", "export const now = (): number => Date.now();"],
  ["house/no-clock", "export const now = (): Date => new Date();"],
  ["house/no-clock", "export const later = (): unknown => setTimeout(() => 1, 5);"],
  ["house/no-chance", "export const dice = (): number => Math.random();"],
  ["house/no-chance", 'import { randomUUID } from "node:crypto";\nexport const id = (): string => randomUUID();'],
  ["house/no-environment", 'export const home = (): unknown => process.env["HOME"];'],
  [
    "house/no-sync-io",
    'import { readFileSync } from "node:fs";\nexport const text = (): string => readFileSync("a", "utf8");',
  ],
  ["house/no-raw-fetch", 'export const page = (): Promise<Response> => fetch("http://a");'],
  [
    "house/no-empty-catch",
    "export const go = (work: () => void): void => {\n  try {\n    work();\n  } catch {\n    // Silence.\n  }\n};",
  ],
  ["house/no-empty-catch", "export const go = (work: Promise<void>): Promise<void> => work.catch(() => {});"],
  ["house/throw-app-error", 'export const go = (): never => {\n  throw new Error("a");\n};'],
  ["house/no-module-state", "export let count = 0;"],
  ["house/no-module-state", "export const seen = new Map<string, string>();"],
  ["house/disable-with-reason", "// oxlint-disable-next-line no-console\nconsole.log(1);"],
  ["typescript/no-explicit-any", "export const a: any = 1;"],
  ["typescript/no-floating-promises", "export const go = (work: Promise<void>): void => {\n  work;\n};"],
  ["eslint/no-console", "console.log(1);"],
];

const files: Readonly<Record<string, string>> = {
  ...Object.fromEntries(faults.map(([, text], index) => [`src/queue/fault-${index}.ts`, `${header}${text}\n`])),
  "src/queue/sound.ts": `${header}export const answer = 42;\n`,
  "src/queue/bare.ts": "export const a = 1;\n",
  "src/queue/queue-utils.ts": `${header}export const a = 1;\n`,
};

/** By file, the rules that it breaks. One run for all: the linter's start costs more than its work. */
const broken = new Map<string, string[]>();

beforeAll(async () => {
  // Inside the clone, because the configuration's folders are relative to it; .cache/ is not part of it.
  const parent = path.join(root, ".cache");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(parent, "lint-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  const oxlint = path.join(root, "node_modules", "oxlint", "bin", "oxlint");
  const args = [
    oxlint,
    "-c",
    path.join(root, ".oxlintrc.json"),
    "--no-ignore",
    "-f",
    "json",
    ...Object.keys(files).map((name) => path.join(folder, name)),
  ];
  const { stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  rmSync(folder, { recursive: true });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly { code: string; filename: string }[] };
  for (const { code, filename } of diagnostics) {
    const name = path.relative(folder, path.resolve(root, filename));
    broken.set(name, [...(broken.get(name) ?? []), code.replace(/^(\w+)\((.*)\)$/, "$1/$2")]);
  }
});

describe("the lint rules of the house", () => {
  it("find nothing in a sound file", () => {
    expect(broken.get("src/queue/sound.ts")).toBeUndefined();
  });

  it.each(faults.map(([rule], index) => [rule, index] as const))("%s is seen (%i)", (rule, index) => {
    expect(broken.get(`src/queue/fault-${index}.ts`)).toContain(rule);
  });

  it("want a header, and a name that says something", () => {
    expect(broken.get("src/queue/bare.ts")).toContain("house/file-header");
    expect(broken.get("src/queue/queue-utils.ts")).toContain("house/file-name");
  });
});
