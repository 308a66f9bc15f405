/**
 * Takes out of a page what its reader would not see: what is hidden by attribute or style, of no size, outside of the
 * screen, or of the colour of its ground. Words for machines are put there. Styles that stand elsewhere are not fetched.
 */
import { isElement, type DomDocument, type DomElement, type DomNode } from "./dom.ts";

/** Nothing in them is text of the page. */
const silent: ReadonlySet<string> = new Set(
  (
    "script style noscript template iframe frame object embed applet svg math canvas audio " +
    "video map head title meta link datalist dialog select textarea input button"
  ).split(" "),
);

/** Changes the document. Comments go too. Returns how many elements are left; throws nothing. */
export function removeHidden(document: DomDocument, maxElements: number): number {
  const classes = hiddenSelectors(document);
  const root = document.documentElement;
  if (root === null) return 0;
  const waiting: DomNode[] = [root];
  let left = 0;
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.nodeType === 3) continue;
    const isGone = !isElement(node) || left >= maxElements || isHidden(node, classes);
    if (isGone) {
      node.remove?.();
      continue;
    }
    left += 1;
    // The first of them is looked at next: what is too much is at the end of the page.
    for (const child of [...node.childNodes].toReversed()) waiting.push(child);
  }
  return left;
}

function isHidden(element: DomElement, classes: ReadonlySet<string>): boolean {
  const name = element.localName;
  // A head has the title, which is read before.
  if (silent.has(name)) return true;
  if (element.hasAttribute("hidden") || element.getAttribute("aria-hidden")?.trim().toLowerCase() === "true")
    return true;
  const names = (element.getAttribute("class") ?? "").split(/\s+/, 50);
  if (names.some((each) => each !== "" && classes.has(`.${each}`))) return true;
  const id = element.getAttribute("id");
  if (id !== null && classes.has(`#${id}`)) return true;
  const style = declarations(element.getAttribute("style"));
  return isUnseen(style) || isOfItsGround(element, style);
}

type Style = ReadonlyMap<string, string>;

function declarations(style: string | null): Style {
  const found = new Map<string, string>();
  if (style === null) return found;
  // A comment can stand between any two letters of interest.
  for (const part of style
    .slice(0, 4_096)
    .replaceAll(/\/\*.*?\*\//gs, "")
    .split(";")) {
    const colon = part.indexOf(":");
    if (colon < 0) continue;
    const value = part
      .slice(colon + 1)
      .trim()
      .toLowerCase()
      .replace(/\s*!important$/, "");
    found.set(part.slice(0, colon).trim().toLowerCase(), value);
  }
  return found;
}

function isUnseen(style: Style): boolean {
  const of = (name: string): string => style.get(name) ?? "";
  const number = (name: string): number => Number.parseFloat(of(name));
  if (of("display") === "none" || /^(hidden|collapse)$/.test(of("visibility")) || of("content-visibility") === "hidden")
    return true;
  if (number("opacity") <= 0.05 || number("font-size") <= 1 || /\b0+(\.0+)?(px|pt|em|rem|%)?\//.test(of("font")))
    return true;
  if (/scale[xy3d]*\(\s*0?\.?0*\s*[,)]/.test(of("transform")) || of("clip-path").startsWith("inset(50%")) return true;
  if (/^rect\(\s*(0|1px)/.test(of("clip"))) return true;
  const cut = /hidden|clip/.test(of("overflow"));
  if (cut && [number("width"), number("height"), number("max-height"), number("max-width")].some((size) => size <= 1))
    return true;
  return ["left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top"].some(
    (name) => number(name) <= -500,
  );
}

/** Where no ground is named, the page is white. */
function isOfItsGround(element: DomElement, style: Style): boolean {
  const text = colourOf(style.get("color") ?? element.getAttribute("color"));
  if (text === null) return style.get("color") === "transparent";
  let at: DomElement | null = element;
  for (let depth = 0; at !== null && depth < 64; depth += 1) {
    const own = at === element ? style : declarations(at.getAttribute("style"));
    const ground = colourOf(own.get("background-color") ?? own.get("background") ?? at.getAttribute("bgcolor"));
    if (ground !== null) return near(text, ground);
    at = at.parentElement;
  }
  return near(text, [255, 255, 255]);
}

type Colour = readonly [number, number, number];

const named: Readonly<Record<string, Colour>> = {
  white: [255, 255, 255],
  snow: [255, 250, 250],
  ivory: [255, 255, 240],
  ghostwhite: [248, 248, 255],
  whitesmoke: [245, 245, 245],
  black: [0, 0, 0],
};

function colourOf(value: string | null | undefined): Colour | null {
  if (value === null || value === undefined) return null;
  const word = value.trim().toLowerCase();
  if (Object.hasOwn(named, word)) return named[word] ?? null;
  const hex = /^#?([0-9a-f]{3}|[0-9a-f]{6})(?:[0-9a-f]{1,2})?(?:\s|$)/.exec(word)?.[1];
  if (hex !== undefined) {
    const pairs = hex.length === 3 ? Array.from(hex, (digit) => digit + digit) : (hex.match(/../g) ?? []);
    return pairs.map((pair) => Number.parseInt(pair, 16)) as unknown as Colour;
  }
  const numbers = /^rgba?\(\s*(\d{1,3})\D{1,4}(\d{1,3})\D{1,4}(\d{1,3})/.exec(word);
  return numbers === null ? null : [Number(numbers[1]), Number(numbers[2]), Number(numbers[3])];
}

function near(left: Colour, right: Colour): boolean {
  return left.every((part, index) => Math.abs(part - (right[index] ?? 0)) <= 16);
}

/** The plain `.name` and `#name` that the page's own style sheets hide, outside of any condition. */
function hiddenSelectors(document: DomDocument): ReadonlySet<string> {
  const found = new Set<string>();
  const css = styleText(document);
  for (const [, selectors = "", body = ""] of css.matchAll(/([^{}@]{1,500})\{([^{}]{0,2000})\}/g)) {
    if (!isUnseen(declarations(body))) continue;
    for (const selector of selectors.split(",")) {
      const plain = selector.trim();
      if (/^[.#][\w-]+$/.test(plain)) found.add(plain);
    }
  }
  return found;
}

const styleChars = 200_000;

function styleText(document: DomDocument): string {
  const parts: string[] = [];
  const waiting: DomNode[] = document.documentElement === null ? [] : [document.documentElement];
  let chars = 0;
  for (let node = waiting.pop(); node !== undefined && chars < styleChars; node = waiting.pop()) {
    if (!isElement(node)) continue;
    if (node.localName === "style") {
      const text = (node.textContent ?? "").slice(0, styleChars - chars);
      chars += text.length;
      parts.push(text);
    } else for (const child of node.childNodes) waiting.push(child);
  }
  // Rules under a condition (a narrow screen, a printer) hide nothing from everybody.
  return parts
    .join("\n")
    .replaceAll(/\/\*.*?\*\//gs, "")
    .replaceAll(/@[^{};]{0,500}\{(?:[^{}]{0,2000}\{[^{}]{0,2000}\}){0,500}[^{}]{0,2000}\}/g, "");
}
