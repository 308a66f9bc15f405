/** The page's Markdown against texts that are made to be slow: what a model writes may not freeze the browser. */
import { beforeAll, describe, expect, it } from "vitest";

type RenderMarkdown = (text: string) => { readonly textContent: string };

/** As much of the DOM as the renderer touches; a browser's own would hide what the renderer costs. */
class StandIn {
  readonly tag: string;
  childNodes: (StandIn | string)[] = [];

  constructor(tag: string) {
    this.tag = tag;
  }
  get tagName(): string {
    return this.tag.toUpperCase();
  }
  get children(): StandIn[] {
    return this.childNodes.filter((node) => typeof node !== "string");
  }
  get textContent(): string {
    return this.childNodes.map((node) => (typeof node === "string" ? node : node.textContent)).join("");
  }
  set textContent(text: string) {
    this.childNodes = [text];
  }
  append(...nodes: (StandIn | string)[]): void {
    this.childNodes.push(...nodes);
  }
  appendChild(node: StandIn): StandIn {
    this.childNodes.push(node);
    return node;
  }
  insertRow(): StandIn {
    return this.appendChild(new StandIn("tr"));
  }
  createTHead(): StandIn {
    return this.appendChild(new StandIn("thead"));
  }
  createTBody(): StandIn {
    return this.appendChild(new StandIn("tbody"));
  }
  setAttribute(): void {}
  addEventListener(): void {}
  replaceWith(): void {}
}

describe("the page's Markdown", () => {
  let render: RenderMarkdown;

  beforeAll(async () => {
    const page = new URL("../../ui/chat/markdown.js", import.meta.url).href;
    const document = {
      createElement: (tag: string) => new StandIn(tag),
      createDocumentFragment: () => new StandIn("fragment"),
    };
    Object.assign(globalThis, { document });
    ({ renderMarkdown: render } = (await import(page)) as { renderMarkdown: RenderMarkdown });
  });

  it.each([
    ["stars that never close", "*a "],
    ["bold that never closes", "**a "],
    ["both at once", "*a **b ***c "],
    ["underscores", "_a __b "],
    ["struck out", "~~a "],
    ["ticks", "`a ``b "],
    ["links", "![a]([b"],
    ["addresses", "<http://a."],
    ["a quote in a quote", "> "],
    ["a list in a list", "- "],
    ["a table's line", "a|b\n-     "],
    ["a heading's end", "#  #"],
  ])("R104: %s: 100 kB are drawn at once", (_name, piece) => {
    const text = `a|b\n${piece.repeat(100_000 / piece.length)}x`;
    const beganMs = performance.now();
    render(text);
    expect(performance.now() - beganMs).toBeLessThan(500);
  });

  it("R104: a table's line of blanks is no table", () => {
    const beganMs = performance.now();
    render(`a|b\n-${" ".repeat(100_000)}x`);
    expect(performance.now() - beganMs).toBeLessThan(500);
  });

  it("draws marks, tables and their text all the same", () => {
    const shown = (text: string): string => outline(render(text) as StandIn);
    expect(shown("*a* **b** ***c*** _d_ __e__ ~~f~~ `g` 2*3 snake_case_name")).toBe(
      "p(em(a) strong(b) strong(em(c)) em(d) strong(e) del(f) code(g) 2*3 snake_case_name)",
    );
    expect(shown("**bold *and* more** *open **half* x")).toBe("p(strong(bold em(and) more) em(open **half) x)");
    for (const line of ["-|-", "|:--|--:|", " :-: | - "]) {
      expect(shown(`a|b\n${line}\nc|d`)).toBe("div(table(thead(tr(th(a)th(b)))tbody(tr(td(c)td(d)))))");
    }
    expect(shown("a|b\n-|x")).not.toContain("table");
    expect(shown("a|b\n-")).not.toContain("table");
  });
});

function outline(node: StandIn | string): string {
  if (typeof node === "string") return node;
  const inner = node.childNodes.map(outline).join("");
  return node.tag === "fragment" ? inner : `${node.tag}(${inner})`;
}
