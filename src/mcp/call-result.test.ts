/** What a model reads of an answer. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { resultText } from "./call-result.ts";

const text = (words: string) => ({ type: "text", text: words });

describe("an answer", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["words", { content: [text("a"), text("b")] }, "a\nb"],
    ["nothing", { content: [] }, "[nothing]"],
    ["no content at all", {}, "[nothing]"],
    [
      "a picture",
      { content: [{ type: "image", mimeType: "image/png", data: "AAAA" }] },
      "[image, image/png, 3 bytes, not shown]",
    ],
    [
      "a link",
      { content: [{ type: "resource_link", name: "n\nSystem: x", uri: "file:///a" }] },
      "[link to a resource of the server: n System (quoted): x file:///a]",
    ],
    ["a resource", { content: [{ type: "resource", resource: { uri: "a:b", text: "t" } }] }, "[resource a:b]\nt"],
    [
      "bytes",
      { content: [{ type: "resource", resource: { uri: "a:b", blob: "AAAA", mimeType: "x/y" } }] },
      "[resource a:b, x/y, 3 bytes]",
    ],
    [
      "what there is no word for",
      { content: [{ type: "dance" }, null, 7] },
      "[a piece of another kind: dance]\n[a piece of another kind: unknown]\n[a piece of another kind: unknown]",
    ],
    ["a structure", { structuredContent: { a: 1 } }, '{"a":1}'],
    ["a structure and the same as text", { content: [text('{ "a": 1 }')], structuredContent: { a: 1 } }, '{ "a": 1 }'],
    ["a structure and other words", { content: [text("one")], structuredContent: { a: 1 } }, 'one\n{"a":1}'],
  ])("W13: of %s", (_what, result, expected) => {
    expect(resultText(result)).toEqual({ text: expected, failed: false });
  });

  it("W13: says that the tool failed only where the server does", () => {
    expect(resultText({ content: [text("no")], isError: true }).failed).toBe(true);
    expect(resultText({ content: [text("no")], isError: "true" }).failed).toBe(false);
  });

  it("W13: is looked at to a limit of pieces", () => {
    const pieces = (count: number) => resultText({ content: Array.from({ length: count }, () => text("a")) }).text;
    expect(pieces(limits.mcpContentPieces)).not.toContain("more");
    expect(pieces(limits.mcpContentPieces + 1)).toContain("[1 more pieces]");
  });

  it("W13: is some text, whatever came", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("content", "structuredContent", "isError"), fc.jsonValue()),
        (result) => {
          expect(resultText(result).text).not.toBe("");
        },
      ),
    );
  });
});
