/** The three markups, read as the real server reads them, down to the words and byte offsets of its errors. */
import { describe, expect, it } from "vitest";
import { Refusal } from "../refusal.ts";
import type { FormattedText } from "./entity.ts";
import { parseHtml } from "./html.ts";
import { parseMarkdown } from "./markdown.ts";
import { parseMarkdownV2 } from "./markdown-v2.ts";

/** `text | type offset length argument | …`, or the error without its prefix. */
function shown(parsed: FormattedText | Refusal): string {
  if (parsed instanceof Refusal) return `! ${parsed.description.replace("Bad Request: can't parse entities: ", "")}`;
  const entities = parsed.entities.map(({ type, offset, length, url, language, user, custom_emoji_id: emoji }) => {
    const argument = url ?? language ?? emoji ?? (user === undefined ? "" : JSON.stringify(user["id"]));
    return `${type} ${offset} ${length} ${argument}`.trimEnd();
  });
  return [parsed.text, ...entities].join(" | ");
}

describe("HTML", () => {
  it.each([
    ["plain & simple", "plain & simple"],
    ["<b>é<i>😀</i></b>", "é😀 | bold 0 3 | italic 1 2"],
    [
      "<strong>a</strong><em>b</em><ins>c</ins><del>d</del>",
      "abcd | bold 0 1 | italic 1 1 | underline 2 1 | strikethrough 3 1",
    ],
    ["&lt;&gt;&amp;&quot;&#65;&#x1F600;&apos;&lt", '<>&"A😀&apos;<'],
    ["<u >x</u >", "x | underline 0 1"],
    ["<B>x</>", "x | bold 0 1"],
    ["<b></b>x", "x"],
    ['<a href="https://example.com/?a=1&amp;b=2">link</a>', "link | text_link 0 4 https://example.com/?a=1&b=2"],
    ["<a href='Example.com'>link</a>", "link | text_link 0 4 http://example.com/"],
    ["<a>example.com/x</a>", "example.com/x | text_link 0 13 http://example.com/x"],
    ['<a href="localhost">no link</a>', "no link"],
    ['<a href="tg://user?id=77">ann</a>', "ann | text_mention 0 3 77"],
    ['<pre><code class="language-ts">x</code></pre>', "x | pre 0 1 ts"],
    ['<code class="language-ts">x</code>', "x | code 0 1"],
    ["<pre>x</pre>", "x | pre 0 1"],
    [
      "<blockquote>q</blockquote><blockquote expandable>r</blockquote>",
      "qr | blockquote 0 1 | expandable_blockquote 1 1",
    ],
    ['<span class="tg-spoiler">s</span><tg-spoiler>t</tg-spoiler>', "st | spoiler 0 1 | spoiler 1 1"],
    ['<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>', "👍 | custom_emoji 0 2 5368324170671202286"],
    ["é<br>", '! Unsupported start tag "br" at byte offset 2'],
    ["1 < 2", '! Unsupported start tag "" at byte offset 2'],
    ["1 <2", "! Unclosed start tag at byte offset 2"],
    ["<p>x</p>", '! Unsupported start tag "p" at byte offset 0'],
    ["<b>x", `! Can't find end tag corresponding to start tag "b"`],
    ["😀</b>", "! Unexpected end tag at byte offset 4"],
    ["<b><i>x</b></i>", '! Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'],
    ["<b>x</b", "! Unclosed end tag at byte offset 4"],
    ['<span class="red">x</span>', '! Tag "span" must have class "tg-spoiler" at byte offset 0'],
    ["<a href=a_b>x</a>", "! Unexpected end of name token at byte offset 8"],
    ['<a ="x">x</a>', '! Empty attribute name in the tag "a" at byte offset 0'],
    ['<tg-emoji emoji-id="x">👍</tg-emoji>', "! Invalid custom emoji identifier specified"],
    [
      "&#xd800;",
      "! Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units",
    ],
  ])("%s", (source, expected) => {
    expect(shown(parseHtml(source))).toBe(expected);
  });
});

describe("MarkdownV2", () => {
  it.each([
    ["*é* _i_ __u__ ~s~ ||p||", "é i u s p | bold 0 1 | italic 2 1 | underline 4 1 | strikethrough 6 1 | spoiler 8 1"],
    ["*a _b ~c~_*", "a b c | bold 0 5 | italic 2 3 | strikethrough 4 1"],
    ["1\\. a\\-b\\!", "1. a-b!"],
    ["`a.b\\`c`", "a.b`c | code 0 5"],
    ["```ts\nlet x = 1;\n```", "let x = 1;\n | pre 0 11 ts"],
    ["```\nplain```", "plain | pre 0 5"],
    ["[site](https://example.com/a\\)b)", "site | text_link 0 4 https://example.com/a)b"],
    ["[ann](tg://user?id=77)", "ann | text_mention 0 3 77"],
    ["[nothing](nowhere)", "nothing"],
    ["![👍](tg://emoji?id=5368324170671202286)", "👍 | custom_emoji 0 2 5368324170671202286"],
    [">one\n>two\nthree", "one\ntwo\nthree | blockquote 0 8"],
    [">one\n>||two||||\nthree", "one\ntwo\nthree | expandable_blockquote 0 8 | spoiler 4 3"],
    ["**", ""],
    ["1.", "! Character '.' is reserved and must be escaped with the preceding '\\'"],
    ["a > b", "! Character '>' is reserved and must be escaped with the preceding '\\'"],
    ["a | b", "! Character '|' is reserved and must be escaped with the preceding '\\'"],
    ["é*a", "! Can't find end of Bold entity at byte offset 2"],
    ["snake_case", "! Can't find end of Italic entity at byte offset 5"],
    ["😀```ts\nx`", "! Can't find end of Code entity at byte offset 11"],
    ["```ts\nx", "! Can't find end of PreCode entity at byte offset 0"],
    ["[a](b", "! Can't find end of a URL at byte offset 4"],
    ["*a _b* c_", "! Can't find end of Italic entity at byte offset 8"],
    ["![👍](https://example.com)", "! Custom emoji URL must have scheme tg"],
    ["![👍]", "! Custom emoji entity must contain a tg://emoji URL"],
    [">*a\nb*", "! Can't find end of Bold entity at byte offset 1"],
  ])("%s", (source, expected) => {
    expect(shown(parseMarkdownV2(source))).toBe(expected);
  });
});

describe("the old Markdown", () => {
  it.each([
    ["*b* _i_ `c` 1. (x)!", "b i c 1. (x)! | bold 0 1 | italic 2 1 | code 4 1"],
    ["*no _nesting_*", "no _nesting_ | bold 0 12"],
    ["a\\_b", "a_b"],
    ["[site](example.com)", "site | text_link 0 4 http://example.com/"],
    ["```ts\nx```", "x | pre 0 1 ts"],
    ["é snake_case", "! Can't find end of the entity starting at byte offset 8"],
  ])("%s", (source, expected) => {
    expect(shown(parseMarkdown(source))).toBe(expected);
  });
});
