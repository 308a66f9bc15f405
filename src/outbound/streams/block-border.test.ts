import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCut, quietCut, type Fence } from "./block-border.ts";

const sizes = { min: 20, max: 40 };

/** What would leave first. */
function first(text: string, open: Fence | null = null): string | null {
  const cut = findCut(text, sizes, open);
  return cut === null ? null : text.slice(0, cut.end);
}

describe("where a growing text is cut", () => {
  it("F11: prefers a paragraph to a line, a line to a sentence, a sentence to a word", () => {
    const rest = "and so on and so forth until it is full";
    expect(first(`one two three four.\n\nfive. six\nseven ${rest}`)).toBe("one two three four.\n\n");
    expect(first(`one two three four. five\nsix. seven ${rest}`)).toBe("one two three four. five\n");
    expect(first(`one two three four. five six. seven ${rest}`)).toBe("one two three four. five six. ");
    expect(first(`one two three four five six seven ${rest}`)).toBe("one two three four five six seven and ");
    expect(first("x".repeat(50))).toBe("x".repeat(40));
  });

  it("F11: waits while there is too little, and for a good border while more may come", () => {
    expect(first("one. two.\n")).toBeNull();
    expect(first("one two three four five six")).toBeNull();
    expect(first("one two three four five. ")).toBe("one two three four five. ");
  });

  it("F11: never cuts inside code that fits: it waits for its end, or leaves what stands before it", () => {
    const code = "```js\nlet a = 1;\n\nlet b = 2;\n```";
    expect(first(`Look:\n\n${code.slice(0, 22)}`)).toBeNull();
    expect(first(`Look:\n${code}\nand more`)).toBe(`Look:\n${code}\n`);
    expect(first(`A sentence in front.\n${code}\n and more`)).toBe("A sentence in front.\n");
    expect(first(`In front:\n${code}\nand more words`)).toBe("In front:\n");
  });

  it("code that is too long for a block is closed at a line and opened again", () => {
    const text = `\`\`\`js\n${"call();\n".repeat(12)}\`\`\`\n`;
    const cut = findCut(text, sizes, null);
    expect(cut).toEqual({ end: text.lastIndexOf("\n", 39) + 1, fence: { opening: "```js", marks: "```" } });
    expect(first(text.slice(cut!.end), cut!.fence)).toBe("call();\n".repeat(5));
  });

  it("after a silence everything leaves, but not code that is half there", () => {
    const quiet = (text: string): string | null => {
      const cut = quietCut(text, null);
      return cut === null ? null : text.slice(0, cut.end);
    };
    expect(quiet("Let me see")).toBe("Let me see");
    expect(quiet("See:\n```js\nlet a")).toBe("See:\n");
    expect(quiet("See:\n```js\nlet a;\n```")).toBe("See:\n```js\nlet a;\n```");
    expect(quiet("See:\n``")).toBe("See:\n");
    expect(quiet("```js\nlet a")).toBeNull();
  });

  it("F11: whatever the text, a cut is inside its bounds, goes on, and splits no character", () => {
    const piece = fc.constantFrom(
      "word",
      " ",
      "\n",
      "\n\n",
      "end. ",
      "```",
      "```js\n",
      "\n```\n",
      "~~~",
      "👩‍👩‍👧",
      "äöü",
      "`",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join("");
        const cut = findCut(text, sizes, null);
        if (cut === null) {
          expect(text.length).toBeLessThan(sizes.max);
          return;
        }
        expect(cut.end).toBeGreaterThan(0);
        expect(cut.end).toBeLessThanOrEqual(sizes.max);
        expect(text.slice(0, cut.end).isWellFormed()).toBe(true);
      }),
    );
  });
});
