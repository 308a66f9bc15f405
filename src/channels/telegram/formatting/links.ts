/** Which addresses Telegram takes as links, and which of them mention a person. Pure. */
import { decodeEntities } from "../../text/html-entities.ts";

export type LinkMark =
  | { readonly type: "text_link"; readonly url: string }
  | { readonly type: "text_mention"; readonly user: { readonly id: number } };

/** Longer than this nobody's address is; Telegram cuts or refuses it. */
const maxUrlChars = 2_048;

/** Null for an address that Telegram refuses, and the whole message with it: without a host, or of another scheme. */
export function linkMark(href: string): LinkMark | null {
  const url = decodeEntities(href).trim();
  const [, person] = /^tg:\/\/user\?id=(\d{1,15})$/i.exec(url) ?? [];
  if (person !== undefined && Number(person) > 0) return { type: "text_mention", user: { id: Number(person) } };
  if (url.length > maxUrlChars || /[\s\u0000-\u001f<>"]/.test(url)) return null;
  if (/^tg:\/\/[\w-]/i.test(url)) return { type: "text_link", url };
  return /^https?:\/\/[^\s/?#@:.]+(\.[^\s/?#@:.]+)+(:\d{1,5})?([/?#]|$)/i.test(url) ? { type: "text_link", url } : null;
}
