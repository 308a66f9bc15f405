/**
 * `npm run check`: everything that must hold before a change is done, in one command and one line a stage. Owns the
 * list of stages; a stage that fails prints what it said, the others run all the same.
 *
 *   npm run check              all stages
 *   npm run check -- lint …    some of them, by name
 */
import { spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { root } from "./source-hash.mjs";
import { countTests, describeCounts, freshReport } from "./test-report.ts";

interface StageEnd {
  readonly ok: boolean;
  /** Follows the stage's name on its line. */
  readonly summary: string;
  /** Printed where the stage failed. */
  readonly output: string;
}

interface Stage {
  readonly name: string;
  readonly run: () => Promise<StageEnd>;
}

const modules = path.join(root, "node_modules");
const at = (...parts: string[]) => path.join(modules, ...parts);

/** Short ones that may share the two cores; one after the other within a lane. */
const lanes: readonly (readonly Stage[])[] = [
  [
    { name: "format", run: () => command([at("oxfmt", "bin", "oxfmt"), "--check", "."]) },
    { name: "lint", run: () => command([at("oxlint", "bin", "oxlint"), "--deny-warnings", "."]) },
    { name: "layers", run: () => command(["scripts/layers.ts"]) },
    { name: "docs", run: () => command(["scripts/docs.ts", "--check"]) },
  ],
  [
    { name: "types", run: () => command([at("typescript7", "bin", "tsc"), "--project", "."]) },
    { name: "dead code", run: () => command([at("knip", "bin", "knip.js"), "--no-progress", "--no-config-hints"]) },
  ],
];

/** Alone on the machine: they measure time and start gateways. The rows need the report that the tests leave. */
const last: readonly Stage[] = [
  { name: "tests", run: tests },
  { name: "rows", run: () => command(["scripts/rows.ts", "--last"]) },
];

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => ![...lanes.flat(), ...last].some((stage) => stage.name === name));
// A misspelt stage must not pass for a clean one.
if (unknown !== undefined) throw new Error(`there is no stage named ${JSON.stringify(unknown)}`);
const isWanted = (stage: Stage) => wanted.length === 0 || wanted.includes(stage.name);
const started = performance.now();
const first = await Promise.all(lanes.map((lane) => runInOrder(lane.filter(isWanted))));
const failed = [...first.flat(), ...(await runInOrder(last.filter(isWanted)))];
console.log(`${failed.length === 0 ? "all well" : `FAILED: ${failed.join(", ")}`} in ${seconds(started)}`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** Returns the names of those that failed. */
async function runInOrder(stages: readonly Stage[]): Promise<string[]> {
  const broken: string[] = [];
  for (const stage of stages) {
    const began = performance.now();
    const { ok, summary, output } = await stage.run();
    console.log(`${ok ? "ok  " : "FAIL"} ${stage.name.padEnd(10)} ${seconds(began).padStart(7)}  ${summary}`.trimEnd());
    if (ok) continue;
    broken.push(stage.name);
    console.log(output.trimEnd());
  }
  return broken;
}

async function tests(): Promise<StageEnd> {
  const known = freshReport();
  if (known !== null) {
    return { ok: true, summary: `${describeCounts(countTests(known))} (this tree's last run)`, output: "" };
  }
  const { ok, output } = await command(["scripts/test.ts"]);
  // The thousand tests that passed are no news: what failed begins where vitest says so.
  const news = output.search(/^.*Failed (Tests|Suites)/m);
  return { ok, summary: output.trimEnd().split("\n").at(-1) ?? "", output: news < 0 ? output : output.slice(news) };
}

/** Runs a script in this Node.js. Its last line is the summary where it is short. */
function command(args: readonly string[]): Promise<StageEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      const output = Buffer.concat(chunks).toString("utf8");
      const lastLine = output.trimEnd().split("\n").at(-1) ?? "";
      resolve({ ok: code === 0, summary: lastLine.length < 100 ? lastLine : "", output });
    });
  });
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}
