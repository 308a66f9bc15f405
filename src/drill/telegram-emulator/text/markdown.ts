/** `parse_mode` Markdown, the old one: no nesting, no escape but before the four marks, and hardly an error. */
import { Refusal } from "../refusal.ts";
import type { Entity, FormattedText } from "./entity.ts";
import { wrongMarkup } from "./html.ts";
import { checkedLink, linkedUserId } from "./link.ts";

export function parseMarkdown(source: string): FormattedText | Refusal {
  const entities: Entity[] = [];
  let text = "";
  for (let at = 0; at < source.length; at += 1) {
    const character = source.charAt(at);
    if (character === "\\" && "_*`[".includes(source.charAt(at + 1) || "?")) {
      at += 1;
      text += source.charAt(at);
    } else if ("_*`[".includes(character)) {
      const mark = markAt(source, at);
      if (mark instanceof Refusal) return mark;
      const entity = entityOf(mark, text.length);
      if (entity !== null) entities.push(entity);
      text += mark.text;
      at = mark.end;
    } else text += character;
  }
  return { text, entities };
}

interface Mark {
  readonly sign: string;
  readonly text: string;
  /** The language of a block, the address of a link. */
  readonly argument: string;
  /** The last character that belongs to it. */
  readonly end: number;
}

function markAt(source: string, at: number): Mark | Refusal {
  const sign = source.startsWith("```", at) ? "```" : source.charAt(at);
  const closer = sign === "[" ? "]" : sign;
  const head = sign === "```" ? /^```(?:([^\s`]+)(?=\s))?(?:\r\n|\n\r|\n|\r)?/.exec(source.slice(at)) : null;
  const begin = at + (head?.[0].length ?? 1);
  const close = source.indexOf(closer, begin);
  if (close === -1) {
    const bytes = Buffer.byteLength(source.slice(0, at));
    return wrongMarkup(`Can't find end of the entity starting at byte offset ${bytes}`);
  }
  const text = source.slice(begin, close);
  if (sign !== "[") return { sign, text, argument: head?.[1] ?? "", end: close + closer.length - 1 };
  if (source.charAt(close + 1) !== "(") return { sign, text, argument: text, end: close };
  const addressEnd = source.indexOf(")", close);
  const end = addressEnd === -1 ? source.length : addressEnd;
  return { sign, text, argument: source.slice(close + 2, end), end };
}

function entityOf({ sign, text, argument }: Mark, offset: number): Entity | null {
  const place = { offset, length: text.length };
  if (text === "") return null;
  if (sign === "_") return { type: "italic", ...place };
  if (sign === "*") return { type: "bold", ...place };
  if (sign === "`") return { type: "code", ...place };
  if (sign === "```") return { type: "pre", ...place, ...(argument === "" ? {} : { language: argument }) };
  const userId = linkedUserId(argument);
  if (userId !== null) return { type: "text_mention", ...place, user: { id: userId } };
  const url = checkedLink(argument);
  return url === null ? null : { type: "text_link", ...place, url };
}
