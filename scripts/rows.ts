/**
 * Compares what docs/features.md claims with what the tests prove. Owns the reading of both; refuses a row that says
 * done without a passing test of its name, a test that claims a row which says open, and a table with a row missing.
 * The list of attacks, docs/security-replay.md, is held against the tests in the same run.
 *
 *   npm run rows               runs the tests first, unless their last run was of this tree
 *   node scripts/rows.ts --last   believes the last run, whatever it was of
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { idsOf, judgeReplay, readReplayRows } from "./replay-rows.ts";
import { root } from "./source-hash.mjs";
import { freshReport, readReport, servicesRequired, type TestOutcome } from "./test-report.ts";
import { runAllTests } from "./test.ts";

/** How many rows each letter has. A row that is dropped from the table would otherwise go unnoticed. */
// oxfmt-ignore
export const rowsPerLetter: Readonly<Record<string, number>> = {
  A: 18, B: 14, C: 25, D: 13, E: 15, F: 15, G: 16, H: 24, I: 11, J: 10, K: 21, L: 9, M: 13,
  N: 14, O: 8, P: 15, Q: 18, R: 16, S: 8, T: 7, U: 11, V: 9, W: 13, X: 15, Y: 7, Z: 6,
};

export interface FeatureRow {
  readonly id: string;
  readonly capability: string;
  readonly state: string;
  readonly note: string;
}

export interface RowVerdict {
  readonly problems: readonly string[];
  /** Rows that say done and whose tests could not run on this machine. */
  readonly unproven: readonly string[];
  readonly counts: Readonly<Record<"done" | "part" | "open", number>>;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = (process.argv[2] === "--last" ? readReport() : freshReport()) ?? runAllTests("pipe").report;
  const verdict = judgeRows(readFeatureRows(), report.tests, { servicesRequired: servicesRequired() });
  const attacks = readReplayRows();
  const unmet = judgeReplay(attacks, report.tests);
  console.log([...unmet, describeVerdict(verdict), `${attacks.length} attacks have a test`].join("\n"));
  process.exitCode = verdict.problems.length + unmet.length === 0 ? 0 : 1;
}

export function readFeatureRows(): FeatureRow[] {
  return parseFeatureRows(readFileSync(path.join(root, "docs", "features.md"), "utf8"));
}

export function parseFeatureRows(markdown: string): FeatureRow[] {
  return markdown.split("\n").flatMap((line) => {
    if (!/^\|\s*[A-Z]\d+\s*\|/.test(line)) return [];
    const cells = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim());
    const [id = "", capability = "", state = "", note = ""] = cells;
    return [{ id, capability, state: cells.length === 4 ? state : `${cells.length} cells instead of 4`, note }];
  });
}

/** `A5, A6: a close is announced` names A5 and A6, and so does `A5 A6: …`. Titles without ids name nothing. */
export function rowsNamedBy(title: string): string[] {
  return idsOf(title).filter((id) => /^[A-Z]\d{1,2}$/.test(id));
}

export function judgeRows(
  rows: readonly FeatureRow[],
  tests: readonly TestOutcome[],
  options: { readonly servicesRequired: boolean },
): RowVerdict {
  const claims = claimsByRow(tests);
  const problems = [...completeness(rows), ...strangers(rows, claims)];
  const unproven: string[] = [];
  const counts = { done: 0, part: 0, open: 0 };
  for (const row of rows) {
    if (row.state !== "done" && row.state !== "part" && row.state !== "open") {
      problems.push(`${row.id}: the state is "${row.state}"; it is one of done, part, open`);
      continue;
    }
    counts[row.state] += 1;
    const own = claims.get(row.id) ?? [];
    const problem = judgeRow(row, own);
    if (problem !== null) problems.push(problem);
    if (row.state === "done" && problem === null && !own.some((test) => test.state === "passed")) {
      if (options.servicesRequired)
        problems.push(`${row.id}: its tests were skipped although every server is required`);
      else unproven.push(`${row.id} (${own.map((test) => test.note).join("; ")})`);
    }
  }
  return { problems, unproven, counts };
}

export function describeVerdict({ problems, unproven, counts }: RowVerdict): string {
  const total = counts.done + counts.part + counts.open;
  return [
    ...problems,
    ...(unproven.length === 0 ? [] : [`done, but not proven on this machine: ${unproven.join(", ")}`]),
    `${total} rows: ${counts.done} done, ${counts.part} part, ${counts.open} open`,
  ].join("\n");
}

function judgeRow(row: FeatureRow, own: readonly TestOutcome[]): string | null {
  const failing = own.find((test) => test.state === "failed");
  if (failing !== undefined) return `${row.id}: a test of it fails: ${failing.titles.join(" › ")}`;
  if (row.state === "open" && own.length > 0)
    return `${row.id}: says open, but is claimed by "${own[0]?.titles.at(-1)}"`;
  if (row.state === "part" && row.note === "") return `${row.id}: says part, but not what is missing`;
  if (row.state !== "done") return null;
  if (own.length === 0) return `${row.id}: says done, but no test begins with "${row.id}:"`;
  const unexplained = own.every((test) => test.state === "skipped" && test.note === null);
  return unexplained ? `${row.id}: says done, but its tests are skipped without a reason` : null;
}

function claimsByRow(tests: readonly TestOutcome[]): Map<string, TestOutcome[]> {
  const claims = new Map<string, TestOutcome[]>();
  for (const test of tests) {
    for (const id of new Set(test.titles.flatMap(rowsNamedBy))) claims.set(id, [...(claims.get(id) ?? []), test]);
  }
  return claims;
}

function completeness(rows: readonly FeatureRow[]): string[] {
  const found = rows.map((row) => row.id);
  const wanted = Object.entries(rowsPerLetter).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
  );
  return [
    ...wanted.filter((id) => !found.includes(id)).map((id) => `${id}: is missing from the table`),
    ...found.filter((id) => !wanted.includes(id)).map((id) => `${id}: is not a row`),
    ...found.filter((id, index) => found.indexOf(id) !== index).map((id) => `${id}: stands in the table twice`),
  ];
}

function strangers(rows: readonly FeatureRow[], claims: ReadonlyMap<string, readonly TestOutcome[]>): string[] {
  const known = new Set(rows.map((row) => row.id));
  return [...claims]
    .filter(([id]) => !known.has(id))
    .map(([id, tests]) => `${id}: is claimed by "${tests[0]?.titles.at(-1)}", but is not a row`);
}
