import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLine, parseLine } from "./line.ts";

const word = fc
  .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 10 })
  .filter((text) => /^[^\s:][^\s]*$/.test(text));
const tail = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !/[\r\n\0]/.test(text));

describe("a line of IRC", () => {
  it("K14: what is written is what is read", () => {
    const tags = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).map((text) => text.replaceAll("\0", "")),
    );
    fc.assert(
      fc.property(
        fc.constantFrom("PRIVMSG", "JOIN", "001"),
        fc.array(word, { maxLength: 4 }),
        tail,
        tags,
        (command, words, last, given) => {
          const line = parseLine(formatLine(command, [...words, last], given));
          expect(line?.command).toBe(command);
          expect(line?.params).toEqual([...words, last]);
          // White space that has no escape is left out of a tag: it would end it.
          for (const [key, value] of Object.entries(given))
            expect(line?.tags[key] ?? "").toBe(value.replace(/[^\S \r\n]/g, ""));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("K14: nothing that is written becomes two lines or another parameter", () => {
    for (const bad of ["x\r\nQUIT", "x\nQUIT", "x\0y"]) {
      expect(() => formatLine("PRIVMSG", ["ann", bad])).toThrowError(expect.objectContaining({ code: "MSG_001" }));
      expect(() => formatLine("PRIVMSG", [bad, "text"])).toThrowError(expect.objectContaining({ code: "MSG_001" }));
    }
    for (const bad of ["", "a b", ":a", "a\tb"]) {
      expect(() => formatLine("PRIVMSG", [bad, "text"])).toThrowError(expect.objectContaining({ code: "MSG_001" }));
    }
    expect(formatLine("TAGMSG", ["#a"], { "+x": "a;b c\r\nQUIT\\" })).toBe("@+x=a\\:b\\sc\\r\\nQUIT\\\\ TAGMSG #a");
  });

  it("reads every form of a source, of tags and of parameters", () => {
    expect(parseLine(":n!u@h PRIVMSG #a :b c")).toMatchObject({
      source: { name: "n", user: "u", host: "h" },
      params: ["#a", "b c"],
    });
    expect(parseLine(":n@h NICK x")).toMatchObject({ source: { name: "n", user: null, host: "h" } });
    expect(parseLine(":irc.example.net 001 n :hi")).toMatchObject({
      source: { name: "irc.example.net", user: null, host: null },
    });
    expect(parseLine("@a=1;b;c=\\s\\:\\\\ ping   x")).toMatchObject({
      tags: { a: "1", b: "", c: " ;\\" },
      command: "PING",
      params: ["x"],
    });
    expect(parseLine("PRIVMSG a :")).toMatchObject({ params: ["a", ""] });
  });

  it("what is no line is nothing", () => {
    for (const text of ["", " ", ":", "@", "@a=1", ":n!u@h", "1x", "-", "PRIV MSG!".slice(4)])
      expect(parseLine(text)).toBeNull();
  });
});
