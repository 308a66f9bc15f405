/**
 * docs/reference/: pages made from the declarations in the code, so that they cannot say anything else. Owns which
 * pages there are; with --check it writes nothing and fails where a page is not what it would write.
 *
 *   npm run docs              write them
 *   npm run docs -- --check   compare
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { root } from "./source-hash.mjs";

const folder = path.join(root, "docs", "reference");

/** Page → where its facts stand. */
const pages: Readonly<Record<string, string>> = {
  channels: "src/channels/registry.ts",
  cli: "src/cli/routes.ts",
  config: "src/config/schema/root.ts",
  errors: "src/domain/error-codes.ts",
  events: "src/protocol/events.ts",
  limits: "src/domain/limits.ts",
  rpc: "src/protocol/registry.ts",
};

const checkOnly = process.argv.includes("--check");
const wanted = new Map<string, string>();
const broken: string[] = [];
for (const [name, source] of Object.entries(pages)) {
  if (!existsSync(path.join(root, source))) {
    console.error(`docs: ${name}.md left out, ${source} does not exist`);
    continue;
  }
  try {
    wanted.set(`${name}.md`, formatted(await render(name), `${name}.md`));
  } catch (error) {
    // The other pages are made all the same; this one stays as it is and the run fails.
    broken.push(`${name}.md`);
    console.error(`docs: ${name}.md cannot be made:`, error);
  }
}
const stale = [...wanted].filter(([file, text]) => readIfThere(path.join(folder, file)) !== text).map(([file]) => file);
const orphans = readdirIfThere(folder).filter((file) => !wanted.has(file) && !broken.includes(file));

if (checkOnly) {
  for (const file of [...stale, ...orphans]) console.error(`docs/reference/${file} is not in sync: npm run docs`);
  if (stale.length + orphans.length > 0) process.exitCode = 1;
} else {
  mkdirSync(folder, { recursive: true });
  for (const file of stale) writeFileSync(path.join(folder, file), wanted.get(file) ?? "");
  for (const file of orphans) rmSync(path.join(folder, file));
}
if (broken.length > 0) process.exitCode = 1;
console.log(`${wanted.size} pages, ${stale.length + orphans.length} ${checkOnly ? "out of sync" : "changed"}`);

async function render(name: string): Promise<string> {
  const module = (await import(`./reference/${name}.ts`)) as { render: () => string | Promise<string> };
  return module.render();
}

function formatted(text: string, name: string): string {
  const formatter = path.join(root, "node_modules", "oxfmt", "bin", "oxfmt");
  const { status, stdout, stderr } = spawnSync(process.execPath, [formatter, `--stdin-filepath=${name}`], {
    cwd: root,
    input: text,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${name} could not be formatted: ${stderr}`);
  return stdout;
}

function readIfThere(file: string): string | null {
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

function readdirIfThere(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
