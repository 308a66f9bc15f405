/**
 * `npm test`: every test that this machine can run. With arguments, only those that match (they are vitest's own
 * arguments); without, the run is kept for the row check, and its counts are printed as one plain line at the end.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { root } from "./source-hash.mjs";
import {
  countTests,
  describeCounts,
  readReport,
  reportFile,
  type TestOutcome,
  type TestReport,
} from "./test-report.ts";

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));

function main(filters: readonly string[]): void {
  if (filters.length > 0) {
    process.exitCode = vitest(["--reporter=default", ...filters], "inherit").status;
    return;
  }
  const { status, report } = runAllTests("inherit");
  for (const [reason, count] of skipReasons(report)) console.log(`skipped: ${count} (${reason})`);
  for (const { titles } of skippedForWantOfServer(report))
    console.log(`skipped although required: ${titles.join(" › ")}`);
  console.log(`\n${describeCounts(countTests(report))}`);
  process.exitCode = status;
}

function skipReasons({ tests }: TestReport): Map<string, number> {
  const reasons = new Map<string, number>();
  for (const { state, note, titles } of tests) {
    const reason = note ?? `no reason given: ${titles.join(" › ")}`;
    if (state === "skipped") reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return reasons;
}

export interface TestRun {
  readonly status: number;
  readonly report: TestReport;
  readonly output: string;
}

/** Runs everything and keeps the report. The reporter writes it, so a run that dies on its way leaves none behind. */
export function runAllTests(output: "inherit" | "pipe"): TestRun {
  rmSync(reportFile, { force: true });
  const run = vitest(["--reporter=default", "--reporter=./scripts/test-reporter.ts"], output);
  const report = readReport();
  if (report === null) throw new Error(`vitest left no report\n${run.output}`);
  const failed = countTests(report).failed > 0 || skippedForWantOfServer(report).length > 0;
  return { ...run, status: run.status === 0 && failed ? 1 : run.status, report };
}

/** Where every server is required, a test may be skipped only because it does not apply. */
function skippedForWantOfServer({ tests, servicesRequired }: TestReport): readonly TestOutcome[] {
  if (!servicesRequired) return [];
  return tests.filter(({ state, note }) => state === "skipped" && note?.startsWith("exempt") !== true);
}

function vitest(args: readonly string[], output: "inherit" | "pipe"): { status: number; output: string } {
  const program = path.join(root, "node_modules", "vitest", "vitest.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "run", ...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", output, output],
  });
  return { status: status ?? 1, output: output === "pipe" ? `${stdout}${stderr}` : "" };
}
