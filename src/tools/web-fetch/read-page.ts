/** HTML → what its reader would read: the article where there is one, else all that is seen. Runs in a thread of its own. */
import { Readability } from "@mozilla/readability";
import { parseHTML } from "linkedom";
import { limits } from "../../domain/limits.ts";
import type { DomDocument, DomNode } from "./dom.ts";
import { removeHidden } from "./hidden-text.ts";
import { pageMarkdown } from "./page-markdown.ts";

export interface PageSource {
  readonly html: string;
  /** Where it came from, after redirects. */
  readonly url: string;
}

export interface ReadPage {
  readonly title: string;
  readonly markdown: string;
}

/** Less than this of an article, and it is not the page's point. */
const articleShare = 0.2;
const articleChars = 1_000;
/** Readability weighs every element several times; a page of more is read whole. */
const articleElements = 20_000;

export function readPage({ html, url }: PageSource): ReadPage {
  const document = parsed(html);
  // The parser looks for it in a head alone, which many pages do not write.
  const title = (document.querySelector("title")?.textContent ?? "").replaceAll(/\s+/g, " ").trim().slice(0, 500);
  const elements = removeHidden(document, limits.webPageElements);
  const whole = pageMarkdown(document.body ?? document, url);
  const article = elements > articleElements ? "" : articleOf(document, url);
  const isArticle = article.length >= articleChars && article.length >= whole.length * articleShare;
  return { title, markdown: (isArticle ? article : whole).slice(0, limits.webPageChars) };
}

function parsed(html: string): DomDocument {
  // What is no document of its own becomes one: the parser knows a body only where there is one.
  const hasBody = /<(?:html|body)[\s>]/i.test(html);
  return parseHTML(hasBody ? html : `<!doctype html><html><body>${html}</body></html>`)
    .document as unknown as DomDocument;
}

/** Changes the document. */
function articleOf(document: DomDocument, url: string): string {
  try {
    const found = new Readability<DomNode>(document as never, {
      maxElemsToParse: articleElements,
      disableJSONLD: true,
      serializer: (node) => node as unknown as DomNode,
    }).parse();
    return found?.content === null || found?.content === undefined ? "" : pageMarkdown(found.content, url);
  } catch {
    // A page that it cannot make sense of is read whole.
    return "";
  }
}
