import { describe, expect, it } from "vitest";
import {
  judgeRows,
  parseFeatureRows,
  readFeatureRows,
  rowsNamedBy,
  rowsPerLetter,
  type FeatureRow,
} from "../../scripts/rows.ts";
import { attacksNamedBy, judgeReplay, parseReplayRows, readReplayRows } from "../../scripts/replay-rows.ts";
import type { TestOutcome } from "../../scripts/test-report.ts";

const all: readonly FeatureRow[] = Object.entries(rowsPerLetter).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, index) => ({
    id: `${letter}${index + 1}`,
    capability: "a",
    state: "open",
    note: "",
  })),
);

function withRow(id: string, state: string, note = ""): FeatureRow[] {
  return all.map((row) => (row.id === id ? { ...row, state, note } : row));
}

function ended(title: string, state: TestOutcome["state"], note: string | null = null): TestOutcome {
  return { file: "a.test.ts", titles: ["a suite", title], state, note, durationMs: 1 };
}

function problems(rows: readonly FeatureRow[], tests: readonly TestOutcome[] = [], servicesRequired = false) {
  return judgeRows(rows, tests, { servicesRequired }).problems;
}

describe("the feature rows", () => {
  it("are all in the table, once each", () => {
    const rows = readFeatureRows();
    expect(rows).toHaveLength(351);
    expect(problems(rows).filter((problem) => /missing|twice|not a row|one of done/.test(problem))).toEqual([]);
  });

  it("are named at the beginning of a title", () => {
    expect(rowsNamedBy("A5, A6: a close is announced")).toEqual(["A5", "A6"]);
    expect(rowsNamedBy("K21 J3: renders")).toEqual(["K21", "J3"]);
    expect(rowsNamedBy("Q4: a missing variable names key and file")).toEqual(["Q4"]);
    expect(rowsNamedBy("names A5: in the middle")).toEqual([]);
    expect(rowsNamedBy("R001: belongs to another list")).toEqual([]);
    expect(rowsNamedBy("B2 R041: belongs to both")).toEqual(["B2"]);
  });

  it("are read with escaped bars in a cell", () => {
    expect(parseFeatureRows("| A1 | a \\| b | part | c |")).toEqual([
      { id: "A1", capability: "a \\| b", state: "part", note: "c" },
    ]);
  });
});

describe("a row", () => {
  it("that says done is believed with a passing test of its name", () => {
    expect(problems(withRow("K14", "done"), [ended("K14, K18: reconnects", "passed")])).toEqual([
      'K18: says open, but is claimed by "K14, K18: reconnects"',
    ]);
  });

  it("that says done without a test is a lie", () => {
    expect(problems(withRow("K14", "done"))).toEqual(['K14: says done, but no test begins with "K14:"']);
  });

  it("that says done with a failing test is a lie", () => {
    const tests = [ended("K14: connects", "passed"), ended("K14: reconnects", "failed")];
    expect(problems(withRow("K14", "done"), tests)).toEqual(["K14: a test of it fails: a suite › K14: reconnects"]);
  });

  it("that says done with tests skipped for no reason is a lie", () => {
    expect(problems(withRow("K14", "done"), [ended("K14: connects", "skipped")])).toEqual([
      "K14: says done, but its tests are skipped without a reason",
    ]);
  });

  it("whose server is not here is unproven, and a failure where servers are required", () => {
    const tests = [ended("K14: connects", "skipped", "ngircd is not installed")];
    expect(problems(withRow("K14", "done"), tests)).toEqual([]);
    expect(judgeRows(withRow("K14", "done"), tests, { servicesRequired: false }).unproven).toEqual([
      "K14 (ngircd is not installed)",
    ]);
    expect(problems(withRow("K14", "done"), tests, true)).toHaveLength(1);
  });

  it("that says part says what is missing", () => {
    expect(problems(withRow("K14", "part"))).toEqual(["K14: says part, but not what is missing"]);
    expect(problems(withRow("K14", "part", "no SASL"), [ended("K14: connects", "passed")])).toEqual([]);
  });

  it("that says open is claimed by no test", () => {
    expect(problems(all, [ended("K14: connects", "passed")])).toEqual([
      'K14: says open, but is claimed by "K14: connects"',
    ]);
  });

  it("in a state of its own invention, missing, doubled or invented is found", () => {
    expect(problems(withRow("K14", "mostly"))).toEqual(['K14: the state is "mostly"; it is one of done, part, open']);
    expect(problems(all.filter(({ id }) => id !== "Z6"))).toEqual(["Z6: is missing from the table"]);
    expect(problems([...all, ...all.slice(0, 1)])).toEqual(["A1: stands in the table twice"]);
    expect(problems(all, [ended("Z7: flies", "passed")])).toEqual(['Z7: is claimed by "Z7: flies", but is not a row']);
  });
});

describe("the attacks", () => {
  const listed = parseReplayRows("| R001 | steals a token | `a.test.ts` |");

  it("are in the list, each with its files", () => {
    expect(listed).toEqual([{ id: "R001", attack: "steals a token", files: ["a.test.ts"] }]);
    expect(readReplayRows().length).toBeGreaterThan(60);
    expect(attacksNamedBy("B2 R041 R080b: floods")).toEqual(["R041", "R080b"]);
    expect(attacksNamedBy("R11: is a feature")).toEqual([]);
  });

  it("are believed with a passing test in the file that is named", () => {
    expect(judgeReplay(listed, [ended("B2 R001: is refused", "passed")])).toEqual([]);
    expect(judgeReplay(listed, [])).toEqual(['R001: no test of a.test.ts begins with "R001:"']);
    expect(judgeReplay(listed, [ended("R001: is refused", "failed")])).toHaveLength(1);
    expect(judgeReplay(listed, [ended("R001: is refused", "skipped")])).toHaveLength(1);
    expect(judgeReplay(listed, [ended("R001: is refused", "skipped", "no browser here")])).toEqual([]);
  });

  it("that are tested are listed, once", () => {
    const tests = [ended("R001: is refused", "passed"), ended("R002: is refused", "passed")];
    expect(judgeReplay(listed, tests)).toEqual(["R002 (a.test.ts): is tested, but not in docs/security-replay.md"]);
    expect(judgeReplay([...listed, ...listed], tests.slice(0, 1))).toHaveLength(1);
  });
});
