/** A page's elements as Markdown. Links and pictures keep http and https addresses alone; the depth is bounded. */
import { limits } from "../../domain/limits.ts";
import { isElement, type DomElement, type DomNode } from "./dom.ts";

/** `base` makes addresses whole. The length is the caller's to bound. */
export function pageMarkdown(root: DomNode, base: string): string {
  const writer = new Writer(base);
  writer.blocks(root, 0);
  return writer.text();
}

const blockNames: ReadonlySet<string> = new Set(
  (
    "address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form h1 " +
    "h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody thead tfoot tr td th ul"
  ).split(" "),
);

class Writer {
  readonly #base: string;
  readonly #lines: string[] = [];
  /** How the line begins, and what was written behind that: joined once, at its end. */
  #line = "";
  #words: string[] = [];
  #prefix = "";

  constructor(base: string) {
    this.#base = base;
  }

  text(): string {
    this.#end();
    return this.#lines
      .join("\n")
      .replaceAll(/\n{3,}/g, "\n\n")
      .trim();
  }

  blocks(node: DomNode, depth: number): void {
    for (const child of node.childNodes) {
      if (child.nodeType === 3) this.#write(child.textContent ?? "");
      else if (isElement(child)) {
        if (depth > limits.webPageDepth) this.#write(child.textContent ?? "");
        else this.#element(child, depth + 1);
      }
    }
  }

  #element(element: DomElement, depth: number): void {
    const name = element.localName;
    if (!blockNames.has(name)) return this.#inline(element, depth);
    if (name === "hr") return this.#alone("---");
    if (name === "pre") return this.#code(element);
    if (name === "table") return this.#table(element, depth);
    if (name === "li") return this.#item(element, depth);
    if (name === "blockquote") return this.#inside("> ", element, depth);
    if (/^[uo]l$/.test(name) && this.#prefix !== "") {
      // A list in a list goes on where its item stands.
      this.#end();
      return this.blocks(element, depth);
    }
    const heading = /^h([1-6])$/.exec(name)?.[1];
    this.#gap();
    if (heading !== undefined) this.#line = `${"#".repeat(Number(heading))} `;
    this.blocks(element, depth);
    this.#gap();
  }

  #inline(element: DomElement, depth: number): void {
    switch (element.localName) {
      case "br":
        return this.#end();
      case "a":
        return this.#link(element, depth);
      case "img":
        return this.#image(element);
      case "strong":
      case "b":
        return this.#marked("**", element, depth);
      case "em":
      case "i":
        return this.#marked("*", element, depth);
      case "code":
      case "kbd":
      case "samp":
        return this.#marked("`", element, depth);
      default:
        return this.blocks(element, depth);
    }
  }

  #marked(mark: string, element: DomElement, depth: number): void {
    const text = (element.textContent ?? "").trim();
    if (text === "" || text.length > 500 || hasBlock(element)) return this.blocks(element, depth);
    this.#write(`${mark}${text}${mark}`);
  }

  #link(element: DomElement, depth: number): void {
    const address = this.#address(element.getAttribute("href"));
    const text = (element.textContent ?? "").replaceAll(/\s+/g, " ").trim();
    if (address === null || text === "" || hasBlock(element)) return this.blocks(element, depth);
    this.#write(`[${text}](${address})`);
  }

  #image(element: DomElement): void {
    const words = (element.getAttribute("alt") ?? "").replaceAll(/\s+/g, " ").trim().slice(0, 300);
    if (words !== "") this.#write(`[picture: ${words}]`);
  }

  #address(href: string | null): string | null {
    if (href === null || href.length > limits.webUrlChars || href.startsWith("#")) return null;
    const url = URL.parse(href, this.#base);
    return url === null || !/^https?:$/.test(url.protocol) ? null : url.href;
  }

  #item(element: DomElement, depth: number): void {
    this.#end();
    const list = element.parentElement;
    const isNumbered = list?.localName === "ol";
    this.#line = isNumbered ? "1. " : "- ";
    this.#nested("  ", element, depth);
    this.#end();
  }

  #inside(prefix: string, element: DomElement, depth: number): void {
    this.#gap();
    this.#line = "";
    this.#nested(prefix, element, depth);
    this.#gap();
  }

  /** Lines that follow stand behind the prefix too; not deeper than a reader can follow. */
  #nested(prefix: string, element: DomElement, depth: number): void {
    const outer = this.#prefix;
    const isQuote = prefix === "> ";
    if (outer.length < 16) this.#prefix = outer + prefix;
    if (!isQuote) {
      // The mark of an item stands where the outer prefix ends.
      this.#line = outer + this.#line.trimStart();
      this.#hasPrefix = true;
    }
    this.blocks(element, depth);
    this.#end();
    this.#prefix = outer;
  }

  #hasPrefix = false;

  #code(element: DomElement): void {
    const text = (element.textContent ?? "").replaceAll("\r", "");
    // Longer than any fence inside.
    const longest = Math.max(2, ...(text.match(/`+/g) ?? []).slice(0, 1_000).map(({ length }) => length));
    const fence = "`".repeat(Math.min(longest, 50) + 1);
    this.#gap();
    for (const line of [fence, ...text.replace(/\n$/, "").split("\n"), fence]) this.#lines.push(this.#prefix + line);
    this.#gap();
  }

  #table(table: DomElement, depth: number): void {
    const rows = rowsOf(table);
    if (rows.length === 0 || rows.some((row) => row.some(hasBlock))) {
      this.#gap();
      this.blocks(table, depth);
      return this.#gap();
    }
    this.#gap();
    for (const [index, row] of rows.entries()) {
      const cells = row.map((cell) => (cell.textContent ?? "").replaceAll(/\s+/g, " ").trim().replaceAll("|", "\\|"));
      this.#lines.push(`${this.#prefix}| ${cells.join(" | ")} |`);
      if (index === 0) this.#lines.push(`${this.#prefix}|${" --- |".repeat(cells.length)}`);
    }
    this.#gap();
  }

  #alone(line: string): void {
    this.#gap();
    this.#lines.push(this.#prefix + line);
    this.#gap();
  }

  #write(text: string): void {
    const words = text.replaceAll(/\s+/g, " ");
    const before = this.#words.at(-1) ?? this.#line;
    const fresh = before === "" || before.endsWith(" ") ? words.trimStart() : words;
    if (fresh !== "") this.#words.push(fresh);
  }

  #end(): void {
    const line = (this.#line + this.#words.join("")).trimEnd();
    if (line.trim() !== "") this.#lines.push(this.#hasPrefix ? line : this.#prefix + line);
    this.#line = "";
    this.#words = [];
    this.#hasPrefix = false;
  }

  #gap(): void {
    this.#end();
    if (this.#lines.at(-1)?.trim() !== "") this.#lines.push("");
  }
}

function hasBlock(element: DomElement): boolean {
  for (const child of element.childNodes) {
    if (isElement(child) && (blockNames.has(child.localName) || child.localName === "img")) return true;
  }
  return false;
}

/** Rows of cells; empty where the table is there for the look of a page. */
function rowsOf(table: DomElement): DomElement[][] {
  const rows: DomElement[][] = [];
  const parts = [...table.childNodes].filter(isElement);
  const lines = parts.flatMap((part) =>
    part.localName === "tr"
      ? [part]
      : [...part.childNodes].filter(isElement).filter(({ localName }) => localName === "tr"),
  );
  for (const line of lines) {
    const cells = [...line.childNodes].filter(isElement).filter(({ localName }) => /^t[dh]$/.test(localName));
    if (cells.length > 0) rows.push(cells);
  }
  return rows.some((row) => row.length > 1) ? rows : [];
}
