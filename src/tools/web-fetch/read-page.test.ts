/** A page becomes what its reader would read, and nothing that was hidden from them. */
import { describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { readPage } from "./read-page.ts";

const url = "https://example.org/a/b";
const read = (body: string, head = ""): string =>
  readPage({ html: `<!doctype html><html><head>${head}</head><body>${body}</body></html>`, url }).markdown;

describe("a page", () => {
  it("becomes Markdown: headings, lists, links made whole, tables, code, quotations", () => {
    const markdown = read(`
      <h1>Tea &amp; time</h1><p>Some <b>bold</b>, <em>soft</em> and <code>code()</code>.<br>Next line.</p>
      <ul><li>one</li><li>two <a href="../c?x=1">there</a><ul><li>inner</li></ul></li></ul>
      <ol><li>first</li></ol>
      <blockquote><p>said</p><p>more</p></blockquote>
      <pre><code>a = 1\n  b\n</code></pre>
      <table><tr><th>k</th><th>v</th></tr><tr><td>x|y</td><td>2</td></tr></table>
      <hr><img src="x.png" alt="a cat"> <a href="javascript:alert(1)">bad link</a>`);
    expect(markdown).toBe(
      [
        "# Tea & time",
        "",
        "Some **bold**, *soft* and `code()`.",
        "Next line.",
        "",
        "- one",
        "- two [there](https://example.org/c?x=1)",
        "  - inner",
        "",
        "1. first",
        "",
        "> said",
        "",
        "> more",
        "",
        "```",
        "a = 1",
        "  b",
        "```",
        "",
        "| k | v |",
        "| --- | --- |",
        "| x\\|y | 2 |",
        "",
        "---",
        "",
        "[picture: a cat] bad link",
      ].join("\n"),
    );
  });

  it("is its article, where it has one, without the menus around it", () => {
    const paragraphs = Array.from(
      { length: 8 },
      (_, index) => `<p>Paragraph ${index}, ${"with words, ".repeat(20)}</p>`,
    );
    const page = readPage({
      html: `<html><head><title> A  story </title></head><body><nav><a href="/x">Menu entry</a></nav>
        <article><h2>A story</h2>${paragraphs.join("")}</article><footer>Imprint</footer></body></html>`,
      url,
    });
    expect(page.title).toBe("A story");
    expect(page.markdown).toContain("Paragraph 7");
    expect(page.markdown).not.toContain("Menu entry");
  });

  it.each([
    ["a comment", "<!-- SECRET -->"],
    ["a script", "<script>SECRET</script>"],
    ["noscript", "<noscript>SECRET</noscript>"],
    ["a template", "<template><p>SECRET</p></template>"],
    ["a style sheet", "<style>SECRET {}</style>"],
    ["the head", '<meta name="description" content="SECRET">'],
    ["an alternative of a frame", "<iframe>SECRET</iframe>"],
    ["a hidden attribute", "<p hidden>SECRET</p>"],
    ["aria-hidden", '<p aria-hidden="TRUE">SECRET</p>'],
    ["display none", '<p style="display:none">SECRET</p>'],
    ["display none, with a comment in it", '<p style="dis/**/play : none !important">SECRET</p>'],
    ["display none around it", '<div style="DISPLAY: NONE"><p><b>SECRET</b></p></div>'],
    ["visibility", '<p style="visibility:hidden">SECRET</p>'],
    ["opacity", '<p style="opacity:0.01">SECRET</p>'],
    ["no size of letters", '<p style="font-size:0">SECRET</p>'],
    ["one pixel", '<p style="font-size:1px">SECRET</p>'],
    ["no size", '<p style="width:0;height:0;overflow:hidden">SECRET</p>'],
    ["off the screen", '<p style="position:absolute;left:-9999px">SECRET</p>'],
    ["indented away", '<p style="text-indent:-5000px">SECRET</p>'],
    ["clipped", '<p style="clip:rect(0,0,0,0);position:absolute">SECRET</p>'],
    ["white on the page's white", '<p style="color:#fff">SECRET</p>'],
    [
      "white on white around it",
      '<div style="background:#ffffff"><p style="color: rgb(254, 254, 254)">SECRET</p></div>',
    ],
    ["black on black", '<div style="background-color:#000"><p style="color:black">SECRET</p></div>'],
    ["font of white", '<font color="white">SECRET</font>'],
    ["no colour", '<p style="color:transparent">SECRET</p>'],
    ["a class of the page's own", '<style>.x, .off{display:none}</style><p class="a off">SECRET</p>'],
    ["an id of the page's own", "<style>#off { visibility : hidden }</style><p id=off>SECRET</p>"],
    ["a hidden field", '<input type="hidden" value="SECRET"><textarea hidden>SECRET</textarea>'],
    ["a data attribute", '<p data-note="SECRET" title="SECRET">.</p>'],
    ["a picture's letters", "<svg><text>SECRET</text></svg>"],
  ])("R076: does not show what is hidden: %s", (_name, html) => {
    const markdown = read(`<p>Seen before.</p>${html}<p>Seen after.</p>`);
    expect(markdown).not.toContain("SECRET");
    expect(markdown).toMatch(/Seen before\.[^]*Seen after\./);
  });

  it.each([
    ["white on black", '<div style="background:#000"><p style="color:white">SHOWN</p></div>'],
    ["a style for printers only", '<style>@media print { .p { display: none } }</style><p class="p">SHOWN</p>'],
    ["a closed chapter", "<details><summary>More</summary>SHOWN</details>"],
    ["small but readable", '<p style="font-size:9px;opacity:.6">SHOWN</p>'],
    ["beside the middle", '<p style="left:-20px;width:100%;overflow:hidden">SHOWN</p>'],
  ])("shows what is only styled: %s", (_name, html) => {
    expect(read(html)).toContain("SHOWN");
  });

  it("is read whatever it is: no page, half a page, none", () => {
    expect(readPage({ html: "just text", url }).markdown).toBe("just text");
    expect(readPage({ html: "<p>one<p>two<b", url }).markdown).toContain("one");
    expect(readPage({ html: "", url })).toEqual({ title: "", markdown: "" });
    expect(readPage({ html: "<html><body><p>a</body></html><p>b", url }).markdown).toContain("a");
  });

  it("ends with as much as it may have: elements, depth", () => {
    const many = `${"<i>x </i>".repeat(limits.webPageElements)}<p>LAST</p>`;
    expect(read(many).includes("LAST")).toBe(false);
    const deep = `${"<div>".repeat(limits.webPageDepth + 50)}DEEP`;
    expect(read(deep)).toContain("DEEP");
  });
});
