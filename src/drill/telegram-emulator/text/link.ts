/** What Telegram takes for a link, and how it writes it: with a scheme, and with a path where there was none. Pure. */

/** Null for what is none. A host without a dot is none, so that `localhost` cannot be linked to. */
export function checkedLink(text: string): string | null {
  if (/^(tg|ton|tonsite):/i.test(text)) return checkedInternal(text);
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const parsed = /^(https?):\/\/((?:[^/?#@]*@)?)([^/?#@:]+)((?::\d{1,5})?)([/?#].*)?$/is.exec(full);
  if (parsed === null) return null;
  const [, scheme = "", user = "", host = "", port = "", rest = "/"] = parsed;
  if (/\s/.test(full) || !/^[^.\s]+(\.[^.\s]+)+$/.test(host)) return null;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return `${scheme.toLowerCase()}://${user}${host.toLowerCase()}${port}${path}`;
}

/** `tg://user?id=7` mentions a person by number; null for another link. */
export function linkedUserId(text: string): number | null {
  const id = Number(/^tg:(?:\/\/)?user\/?\?(?:.*&)?id=(\d+)/i.exec(text.trim())?.[1] ?? 0);
  return Number.isSafeInteger(id) && id > 0 ? id : null;
}

/** The number in `tg://emoji?id=7`, or why it is none. */
export function linkedEmojiId(text: string): { readonly id: string } | { readonly wrong: string } {
  const link = text.toLowerCase();
  if (!link.startsWith("tg:")) return { wrong: "Custom emoji URL must have scheme tg" };
  const rest = link.slice(3).replace(/^\/\//, "");
  if (!/^emoji(?:[/?#]|$)/.test(rest)) return { wrong: 'Custom emoji URL must have host "emoji"' };
  const query = /\?([^#]*)/.exec(rest)?.[1] ?? "";
  const id = new URLSearchParams(query).get("id");
  if (id === null) return { wrong: "Custom emoji URL must have an emoji identifier" };
  return isEmojiId(id) ? { id } : { wrong: "Invalid custom emoji identifier specified" };
}

export function isEmojiId(id: string): boolean {
  return /^[1-9]\d{0,18}$/.test(id);
}

function checkedInternal(link: string): string | null {
  const [scheme = "", rest = ""] = link.split(/:(.*)/s);
  const address = rest.replace(/^\/\//, "");
  return /^[\w-]/.test(address) && !/\s/.test(address) ? `${scheme.toLowerCase()}://${address}` : null;
}
