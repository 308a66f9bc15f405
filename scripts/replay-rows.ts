/**
 * The attacks that others suffered and that a test of ours repeats: docs/security-replay.md against the tests. Owns the
 * reading of that list; refuses an attack without a passing test in each file it names, and a test of an attack that is not listed.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./source-hash.mjs";
import type { TestOutcome } from "./test-report.ts";

export interface ReplayRow {
  readonly id: string;
  readonly attack: string;
  readonly files: readonly string[];
}

/** What a title names at its beginning: rows of the feature table (`B2`) and attacks (`R041`), side by side. */
export function idsOf(title: string): string[] {
  const match = /^([A-Z]\d{1,3}b?(?:,?\s+[A-Z]\d{1,3}b?)*):\s/.exec(title);
  return match?.[1]?.split(/,?\s+/) ?? [];
}

/** An attack has three digits; `R11` is a feature. */
export function attacksNamedBy(title: string): string[] {
  return idsOf(title).filter((id) => /^R\d{3}b?$/.test(id));
}

export function readReplayRows(): ReplayRow[] {
  return parseReplayRows(readFileSync(path.join(root, "docs", "security-replay.md"), "utf8"));
}

export function parseReplayRows(markdown: string): ReplayRow[] {
  return markdown.split("\n").flatMap((line) => {
    const [, id, attack, files] = /^\|\s*(R\d{3}b?)\s*\|\s*(.+?)\s*\|\s*(.+?)\s*\|$/.exec(line) ?? [];
    if (id === undefined || attack === undefined || files === undefined) return [];
    return [{ id, attack, files: [...files.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "") }];
  });
}

/** A test that could not run on this machine proves nothing and contradicts nothing: its row is judged by the others. */
export function judgeReplay(rows: readonly ReplayRow[], tests: readonly TestOutcome[]): string[] {
  const named = tests.flatMap((test) => test.titles.flatMap(attacksNamedBy).map((id) => ({ id, test })));
  const listed = new Set(rows.map(({ id }) => id));
  const problems = rows.flatMap(({ id, files }) => files.flatMap((file) => faultOf(id, file, named)));
  const strangers = new Set(named.filter(({ id }) => !listed.has(id)).map(({ id, test }) => `${id} (${test.file})`));
  const twice = rows.filter(({ id }, index) => rows.findIndex((row) => row.id === id) !== index);
  return [
    ...problems,
    ...[...strangers].map((place) => `${place}: is tested, but not in docs/security-replay.md`),
    ...twice.map(({ id }) => `${id}: stands in docs/security-replay.md twice`),
  ];
}

function faultOf(id: string, file: string, named: readonly { id: string; test: TestOutcome }[]): string[] {
  const own = named.filter((one) => one.id === id && one.test.file === file).map(({ test }) => test);
  if (own.length === 0) return [`${id}: no test of ${file} begins with "${id}:"`];
  const failing = own.find(({ state }) => state === "failed");
  if (failing !== undefined) return [`${id}: a test of it fails: ${failing.titles.join(" › ")}`];
  const explained = own.some(({ state, note }) => state === "passed" || (state === "skipped" && note !== null));
  return explained ? [] : [`${id}: its tests in ${file} are skipped without a reason`];
}
