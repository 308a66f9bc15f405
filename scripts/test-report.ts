/**
 * What a whole test run found, kept in .cache/ so that the row check and the next command need not run it again.
 * Owns the file's form and when it may be believed: for the same tree, and for the same demand on outside servers.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { root, treeHash } from "./source-hash.mjs";

export const reportFile = path.join(root, ".cache", "test-report.json");

export interface TestReport {
  /** Null where the tree changed while the tests ran: then nobody knows what was tested. */
  readonly tree: string | null;
  /** Whether a missing server was a failure. */
  readonly servicesRequired: boolean;
  readonly node: string;
  readonly tests: readonly TestOutcome[];
  /** Failures outside a test: a file that does not load, an unhandled rejection. */
  readonly errors: readonly string[];
}

export interface TestOutcome {
  readonly file: string;
  /** From the outermost `describe` to the test itself. */
  readonly titles: readonly string[];
  readonly state: "passed" | "failed" | "skipped";
  /** Why it was skipped. */
  readonly note: string | null;
  readonly durationMs: number;
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function servicesRequired(): boolean {
  return process.env["OPENCLAW_TEST_SERVICES"] === "required";
}

/** An error outside a test counts as one failure. */
export function countTests(report: TestReport): TestCounts {
  const count = (state: TestOutcome["state"]) => report.tests.filter((test) => test.state === state).length;
  return { passed: count("passed"), failed: count("failed") + report.errors.length, skipped: count("skipped") };
}

export function describeCounts({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

/** The kept report where it tells about the tree as it stands now, else null. A failed run is never reused. */
export function freshReport(): TestReport | null {
  const report = readReport();
  if (report === null || report.tree === null || report.tree !== treeHash()) return null;
  if (servicesRequired() && !report.servicesRequired) return null;
  if (report.node !== process.version || countTests(report).failed > 0) return null;
  return report;
}

export function readReport(): TestReport | null {
  try {
    return JSON.parse(readFileSync(reportFile, "utf8")) as TestReport;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

export function writeReport(report: TestReport): void {
  mkdirSync(path.dirname(reportFile), { recursive: true });
  writeFileSync(reportFile, JSON.stringify(report));
}
