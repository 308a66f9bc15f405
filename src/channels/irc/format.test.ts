import { describe, expect, it } from "vitest";
import { attachmentLine, fitLines, renderLines } from "./format.ts";

function shown(markdown: string): string {
  return renderLines(markdown, { max: 350, mode: "markdown" }).join("\n");
}

describe("Markdown on IRC", () => {
  it("K14 J8: plain features as people on IRC write them", () => {
    expect(shown("**bold** _it_ *it* ~~gone~~ `code`")).toBe("*bold* _it_ _it_ ~gone~ `code`");
    expect(shown("# Title\n\npara one\npara two\n\n---\nend")).toBe("Title\npara one\npara two\n---\nend");
    expect(shown("see [docs](https://x.org/a) and <https://y.org> and https://z.org")).toBe(
      "see docs (https://x.org/a) and https://y.org and https://z.org",
    );
    expect(shown('![logo](https://x.org/l.png "the logo")')).toBe('logo (https://x.org/l.png "the logo")');
  });

  it("K14 J8: lists, quotes, tables, code and HTML lose nothing", () => {
    expect(shown("- a\n- b\n  - c\n\n3. x\n4. y\n\n- [x] done\n- [ ] open")).toBe(
      "- a\n- b\n  - c\n3. x\n4. y\n- [x] done\n- [ ] open",
    );
    expect(shown("> quoted\n> > deeper")).toBe("> quoted\n> > deeper");
    expect(shown("| a | b |\n|---|---|\n| 1 | **2** |")).toBe("a | b\n1 | *2*");
    expect(shown("```js\nif (a) {\n\n    b();\n}\n```")).toBe("if (a) {\n    b();\n}");
    expect(shown("<b>x</b> &amp; &lt;y&gt; &#169; &copy;")).toBe("<b>x</b> & <y> © &copy;");
    expect(shown("[ref]: https://x.org 'T'\n\nsee [ref]")).toContain("https://x.org");
  });

  it("marks inside a word are no marks", () => {
    expect(shown("5*3*2 and 2**3**4 and a~~b~~c")).toBe("5*3*2 and 2**3**4 and a~~b~~c");
  });

  it("K14: no control character is left to mean something", () => {
    const everyControl = Array.from({ length: 32 }, (_none, code) => String.fromCharCode(code)).join("x");
    for (const line of fitLines(`${everyControl}\u007f`, 350)) expect(line).not.toMatch(/[\x00-\x1f\x7f]/);
  });

  it("K14: a line is cut by bytes, between words where it can be", () => {
    const lines = renderLines("größe ".repeat(200), { max: 350, mode: "markdown" });
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(350);
    expect(lines.join(" ").split(" ")).toEqual(Array.from({ length: 200 }, () => "größe"));
  });

  it("K14, N4: no link is cut where a line is too long, and text is not read as Markdown where it is none", () => {
    const link = "[the page](https://example.org/a/rather/long/address)";
    const lines = renderLines(`${"word ".repeat(66)}${link} and more`, { max: 350, mode: "markdown" });
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain("the page (https://example.org/a/rather/long/address)");
    expect(renderLines("**not bold**\n- a", { max: 350, mode: "text" })).toEqual(["**not bold**", "- a"]);
  });

  it("J4: a file is shown by kind, name and address", () => {
    expect(attachmentLine({ type: "image", fileName: "a.png", url: "https://x.org/a.png" })).toBe(
      "[image] a.png https://x.org/a.png",
    );
    expect(attachmentLine({ type: "voice", mimeType: "audio/ogg" })).toBe("[voice] audio/ogg (cannot be shown on IRC)");
  });
});
