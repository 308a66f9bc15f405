/** The little of a document that is read of it here: what the parser gives, without the whole of a browser's types. */

export interface DomNode {
  /** 1 element, 3 text, 8 comment, 11 fragment. */
  readonly nodeType: number;
  readonly localName?: string;
  readonly textContent: string | null;
  readonly childNodes: Iterable<DomNode> & { readonly length: number };
  readonly parentElement: DomElement | null;
  remove?(): void;
}

export interface DomElement extends DomNode {
  readonly localName: string;
  getAttribute(name: string): string | null;
  hasAttribute(name: string): boolean;
  remove(): void;
}

export interface DomDocument extends DomNode {
  readonly body: DomElement | null;
  readonly documentElement: DomElement | null;
  querySelector(selector: string): DomElement | null;
}

export function isElement(node: DomNode): node is DomElement {
  return node.nodeType === 1;
}
