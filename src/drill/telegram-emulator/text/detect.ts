/** The entities that the server finds in plain text: commands, mentions, links, addresses, tags. Pure. */
import type { Entity } from "./entity.ts";
import { overlaps } from "./settle-entities.ts";

/** Each as the platform's published source describes it; a group named `it` is what is marked. */
const patterns: readonly { readonly type: string; readonly pattern: RegExp }[] = [
  {
    type: "bot_command",
    pattern: /(?<![\p{L}\p{N}_/<>])\/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?(?![\p{L}\p{N}_/<>])/gu,
  },
  { type: "mention", pattern: /(?<![\p{L}\p{N}_])@[a-zA-Z0-9_]{2,32}(?![\p{L}\p{N}_])/gu },
  { type: "email", pattern: /(?<![\w.+-])[a-zA-Z0-9_.+-]{1,64}@(?:[a-zA-Z0-9-]{1,63}\.)+[a-zA-Z]{2,18}(?![\w-])/gu },
  {
    type: "url",
    pattern:
      /(?<![\p{L}\p{N}_@.-])(?:https?:\/\/(?:[^\s/?#@:]+(?::[^\s/?#@]*)?@)?(?:localhost|(?:[\p{L}\p{N}-]+\.)+[\p{L}\p{N}-]{2,}|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?(?:[/?#][^\s<>"]*)?|(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|me|ru|de|info|ai|app|co|uk|eu|edu|gov)(?::\d{1,5})?(?![\p{L}\p{N}_-])(?:[/?#][^\s<>"]*)?)/giu,
  },
  { type: "hashtag", pattern: /(?<![\p{L}\p{Nd}_])#(?=[\p{Nd}_]*\p{L})[\p{L}\p{Nd}_]{1,256}(?![\p{L}\p{Nd}_#])/gu },
  { type: "cashtag", pattern: /(?<![\p{L}\p{Nd}_$])\$(?:1INCH|[A-Z]{1,8})(?![\p{L}\p{Nd}_$])/gu },
];

/** Sorted by offset, none over another; what is found first in the list above wins. */
export function detectEntities(text: string): readonly Entity[] {
  if (!/[/@.#$]/.test(text)) return [];
  const found: Entity[] = [];
  for (const { type, pattern } of patterns) {
    for (const match of text.matchAll(pattern)) {
      const said = type === "url" ? withoutPunctuation(match[0]) : match[0];
      const entity = { type, offset: match.index, length: said.length };
      if (!found.some((other) => overlaps(other, entity))) found.push(entity);
    }
  }
  return found.sort((one, other) => one.offset - other.offset);
}

/** A full stop behind a link ends the sentence, and a closing bracket without an opening one encloses the link. */
function withoutPunctuation(url: string): string {
  const trimmed = url.replace(/[.,:;!?'"…]+$/u, "");
  const unbalanced = trimmed.endsWith(")") && !trimmed.includes("(");
  return unbalanced ? withoutPunctuation(trimmed.slice(0, -1)) : trimmed;
}
