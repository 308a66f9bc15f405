import path from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/source-hash.mjs";
import { run } from "./process-run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** The rules that are broken by a file at this place, by the configuration of the house. */
async function brokenRules(file: string, text: string): Promise<string[]> {
  // Inside the clone, because the configuration's folders are relative to it; .cache/ is not part of it.
  const folder = temporaryFolder({ [file]: text }, path.join(root, ".cache"));
  const oxlint = path.join(root, "node_modules", "oxlint", "bin", "oxlint");
  const { stdout, stderr } = await run(
    process.execPath,
    [oxlint, "-c", path.join(root, ".oxlintrc.json"), "--no-ignore", "-f", "json", path.join(folder, file)],
    { cwd: root },
  );
  expect(stderr).toBe("");
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly { code: string }[] };
  return diagnostics.map(({ code }) => code.replace(/^(\w+)\((.*)\)$/, "$1/$2"));
}

const header = "/** A file with one fault. */\n";

describe("the lint rules of the house", () => {
  it("find nothing in a sound file", async () => {
    expect(await brokenRules("src/queue/sound.ts", `${header}export const answer = 42;\n`)).toEqual([]);
  });

  it.each([
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
  ])("%s", async (rule, text) => {
    expect(await brokenRules("src/queue/planted.ts", `${header}${text}\n`)).toContain(rule);
  });

  it("house/file-header", async () => {
    expect(await brokenRules("src/queue/planted.ts", "export const a = 1;\n")).toContain("house/file-header");
  });

  it("house/file-name", async () => {
    expect(await brokenRules("src/queue/queue-utils.ts", `${header}export const a = 1;\n`)).toContain(
      "house/file-name",
    );
  });
});
