/** Entities that a bot sets itself, as Telegram shows them afterwards or refuses them. */
import { describe, expect, it } from "vitest";
import { Refusal } from "../refusal.ts";
import { settleText } from "./formatted.ts";
import type { Entity } from "./entity.ts";

function settled(text: string, ...entities: readonly Entity[]): unknown {
  const outcome = settleText({ text, entities }, 4_096, "message is too long");
  if (outcome instanceof Refusal) return outcome.description;
  return [outcome.text, ...outcome.entities.map(({ type, offset, length }) => `${type} ${offset} ${length}`)];
}

const entity = (type: string, offset: number, length: number, more: Partial<Entity> = {}): Entity => ({
  type,
  offset,
  length,
  ...more,
});
const link = { url: "https://example.com/" };

describe("entities of a bot", () => {
  it("that lie outside the text or cut a character are refused", () => {
    expect(settled("abc", entity("bold", 3, 1))).toBe(
      "Bad Request: entity begins after the end of the text at UTF-16 offset 3",
    );
    expect(settled("abc", entity("bold", 1, 3))).toBe(
      "Bad Request: entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 4",
    );
    expect(settled("abc", entity("bold", -1, 3))).toBe("Bad Request: receive an entity with incorrect offset -1");
    expect(settled("abc", entity("bold", 0, -3))).toBe("Bad Request: receive an entity with incorrect length -3");
    expect(settled("é😀", entity("bold", 2, 1))).toBe(
      "Bad Request: entity begins in a middle of a UTF-16 symbol at byte offset 2",
    );
    expect(settled("é😀", entity("bold", 0, 2))).toBe(
      "Bad Request: entity ends in a middle of a UTF-16 symbol at byte offset 2",
    );
    expect(settled("é😀", entity("bold", 0, 3), entity("italic", 1, 2))).toEqual(["é😀", "bold 0 3", "italic 1 2"]);
  });

  it("that nest are kept, and those that cross are cut where the other begins", () => {
    expect(settled("abcdefgh", entity("bold", 0, 8), entity("italic", 2, 3))).toEqual([
      "abcdefgh",
      "bold 0 8",
      "italic 2 3",
    ]);
    expect(settled("abcdefgh", entity("bold", 0, 5), entity("italic", 3, 5))).toEqual([
      "abcdefgh",
      "bold 0 3",
      "italic 3 5",
      "bold 3 2",
    ]);
    expect(settled("abcd", entity("bold", 0, 2), entity("bold", 2, 2))).toEqual(["abcd", "bold 0 4"]);
  });

  it("are cut around a link and dropped inside code", () => {
    expect(settled("abcdef", entity("bold", 0, 6), entity("text_link", 2, 2, link))).toEqual([
      "abcdef",
      "bold 0 2",
      "text_link 2 2",
      "bold 2 2",
      "bold 4 2",
    ]);
    expect(settled("abcdef", entity("bold", 0, 6), entity("code", 2, 2))).toEqual([
      "abcdef",
      "bold 0 2",
      "code 2 2",
      "bold 4 2",
    ]);
    expect(settled("abcdef", entity("pre", 0, 6), entity("code", 2, 2), entity("text_link", 3, 2, link))).toEqual([
      "abcdef",
      "pre 0 6",
    ]);
  });

  it("may stand inside a quote, but not half inside", () => {
    expect(settled("abcdef", entity("blockquote", 0, 4), entity("code", 1, 2))).toEqual([
      "abcdef",
      "blockquote 0 4",
      "code 1 2",
    ]);
    expect(settled("abcdef", entity("blockquote", 0, 4), entity("code", 3, 2))).toEqual(["abcdef", "blockquote 0 4"]);
  });

  it("lose blank beginnings, and move with a text whose edges are blank", () => {
    expect(settled("  ab \n", entity("bold", 0, 6))).toEqual(["ab", "bold 0 2"]);
    expect(settled("a  b", entity("bold", 1, 2), entity("italic", 1, 3))).toEqual(["a  b", "italic 3 1"]);
    expect(settled("a\rb\tc", entity("bold", 2, 3))).toEqual(["ab c", "bold 1 3"]);
  });

  it("with a bad link are refused, with a link to a person mention them", () => {
    expect(settled("ab", entity("text_link", 0, 2, { url: "localhost" }))).toBe(
      "Bad Request: entity URL 'localhost' is invalid: Wrong HTTP URL",
    );
    expect(settled("ab", entity("text_link", 0, 2, { url: "tg://user?id=7" }))).toEqual(["ab", "text_mention 0 2"]);
  });

  it("are joined by what the server finds, but not inside code or links", () => {
    expect(settled("see https://example.com/ now", entity("bold", 0, 28))).toEqual([
      "see https://example.com/ now",
      "bold 0 4",
      "url 4 20",
      "bold 4 20",
      "bold 24 4",
    ]);
    expect(settled("https://example.com/", entity("code", 0, 20))).toEqual(["https://example.com/", "code 0 20"]);
  });

  it("are honoured up to the hundredth", () => {
    const many = Array.from({ length: 101 }, (_, index) => entity("bold", index * 2, 1));
    expect(settled("a ".repeat(101), ...many)).toHaveLength(101);
  });
});
