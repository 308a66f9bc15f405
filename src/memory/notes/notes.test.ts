import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { utf8Bytes } from "../../domain/text.ts";
import { chunksOf } from "./chunk.ts";
import { headLine, isHeading, readHead, withoutHeads } from "./note-head.ts";
import { removeLines } from "./remove-lines.ts";
import { audience, linesOf, sectionsOf } from "./sections.ts";

const head = (kind: "private" | "group", agentId = "main", foreign: string | null = null): string =>
  headLine("12:00", { isGroup: kind === "group", agentId, sessionKey: `agent:${agentId}:main`, foreign });

/** Text with everything in it that ends a line, or looks as if it did. */
const odd = fc
  .array(
    fc.oneof(
      fc.string({ maxLength: 5 }),
      fc.constantFrom("\n", "\r", "\u2028", "\u0085", "\0", " — foreign: ", "## ", "\ud800"),
    ),
  )
  .map((parts) => parts.join(""));

describe("the head of a note", () => {
  it("T1: is read as it was written, foreign sources and all", () => {
    const notes = [
      { isGroup: false, agentId: "main", sessionKey: "agent:main:main", foreign: null },
      { isGroup: true, agentId: "a.b-c", sessionKey: "agent:a:irc:default:group:%23x", foreign: "mail from a@b" },
    ];
    for (const note of notes) expect(readHead(headLine("09:05", note))).toEqual(note);
  });

  it("R079: is one line, whatever a session or a source is called", () => {
    fc.assert(
      fc.property(odd, odd, (sessionKey, foreign) => {
        const line = headLine("09:05", { isGroup: false, agentId: "main", sessionKey, foreign });
        expect(line.split(/[\n\r\u2028\u2029]/)).toHaveLength(1);
        expect(readHead(line)).toMatchObject({
          isGroup: false,
          agentId: "main",
          foreign: expect.any(String) as string,
        });
      }),
    );
  });

  it("R079: cannot be made by what is noted, in any spelling", () => {
    const heads = fc.constantFrom(
      "## 10:00 group main x",
      "# x",
      "#",
      "  ## 10:00 private main y",
      "\r## 10:00 group main z",
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(heads, fc.string())),
        fc.constantFrom("\n", "\r\n", "\r", "\u2028"),
        (lines, end) => {
          const text = withoutHeads(lines.join(end));
          expect(text.split("\n").filter(isHeading)).toEqual([]);
        },
      ),
    );
  });
});

describe("sections of a file", () => {
  it("R079: what nobody marked as said in a group is not meant for one, and a heading by hand ends a note", () => {
    const text = ["by hand", head("group"), "cake", "# Mine", "secret", head("private"), "salary"].join("\n");
    expect(sectionsOf(text).map((one) => [one.audience, one.startLine, one.endLine])).toEqual([
      [audience.unmarked, 1, 1],
      [audience.everybody, 2, 3],
      [audience.unmarked, 4, 5],
      [audience.direct, 6, 7],
    ]);
  });

  it("T1: are together the whole file, whatever stands in it", () => {
    const line = fc.oneof(fc.string(), fc.constantFrom("# a", head("group"), head("private", "other"), ""));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.join("\n");
        expect(sectionsOf(text).flatMap((section) => section.lines)).toEqual(linesOf(text));
      }),
    );
  });
});

describe("pieces of a file", () => {
  it("T1: say which lines they are, leave other agents' notes out, and hide heads", () => {
    const text = [
      "# People",
      "Ada likes tea.",
      "",
      head("private"),
      "",
      "Bo likes rum.",
      head("private", "other"),
      "no",
    ];
    expect(chunksOf("memory/x.md", text.join("\n"), "main")).toEqual([
      { startLine: 1, endLine: 2, text: "# People\nAda likes tea.", audience: audience.unmarked, foreign: null },
      { startLine: 6, endLine: 6, text: "Bo likes rum.", audience: audience.direct, foreign: null },
    ]);
  });

  it("R079: of MEMORY.md are never a group's, whatever head somebody wrote into it", () => {
    const [chunk] = chunksOf("MEMORY.md", `${head("group")}\nsecret`, "main");
    expect(chunk?.audience).toBe(audience.unmarked);
  });

  it("T1: hold every line, at most so many bytes, and repeat the end of the one before", () => {
    const line = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.string({ unit: "binary", minLength: 300, maxLength: 4_000 }),
    );
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 30 }), (lines) => {
        const text = lines.map((one) => `x${one.replaceAll(/[\n#]/g, " ")}`).join("\n");
        const chunks = chunksOf("memory/x.md", text, "main");
        for (const chunk of chunks) expect(utf8Bytes(chunk.text)).toBeLessThanOrEqual(limits.memoryChunkBytes);
        const covered = new Set(chunks.flatMap(({ startLine, endLine }) => range(startLine, endLine)));
        expect([...covered].toSorted((left, right) => left - right)).toEqual(range(1, linesOf(text).length));
      }),
      { numRuns: 60 },
    );
    const long = Array.from({ length: 60 }, (_, index) => `line ${index} ${"x".repeat(50)}`).join("\n");
    const [first, second] = chunksOf("memory/x.md", long, "main");
    expect(second?.startLine).toBeLessThanOrEqual(first?.endLine ?? 0);
    expect(first?.endLine).toBeGreaterThan(20);
  });

  it("T1: a line that is longer than a piece is several of one number, cut between characters", () => {
    const chunks = chunksOf("memory/x.md", "😀".repeat(2_000), "main");
    expect(chunks.length).toBeGreaterThan(4);
    expect(
      chunks
        .map(({ text }) => text.replaceAll("\n", ""))
        .join("")
        .isWellFormed(),
    ).toBe(true);
    expect(new Set(chunks.map(({ startLine }) => startLine))).toEqual(new Set([1]));
  });
});

describe("removing lines", () => {
  const lines = [
    head("group"),
    "",
    "cake",
    "",
    head("private"),
    "",
    "salary",
    "debts",
    "",
    head("private", "other"),
    "x",
  ];
  const text = lines.join("\n");
  const remove = (startLine: number, endLine: number): string =>
    removeLines(text, sectionsOf(text), { startLine, endLine }, ({ agentId }) => agentId !== "other");

  it("T6: takes these and no others; a head without its note goes too", () => {
    expect(remove(8, 8)).toBe(lines.filter((_, index) => index !== 7).join("\n"));
    expect(remove(7, 8)).toBe([...lines.slice(0, 4), ...lines.slice(9)].join("\n"));
    expect(remove(10, 11)).toBe(text);
  });

  it("R079: never lets what is left fall to the head above, whatever lines are named", () => {
    for (let start = 1; start <= lines.length; start += 1) {
      for (let end = start; end <= lines.length; end += 1) {
        const left = sectionsOf(remove(start, end));
        for (const section of left) {
          const words = section.lines.join(" ");
          if (/salary|debts/.test(words)) expect([section.audience, start, end]).toEqual([audience.direct, start, end]);
          if (words.includes("cake")) expect(section.audience).toBe(audience.everybody);
        }
      }
    }
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
