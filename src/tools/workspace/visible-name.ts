/** A file's name as one honest line: what would break the line, hide or turn words around is shown by its number. */

const longest = 240;

export function visibleName(name: string): string {
  const shown = name.replaceAll(unprintable, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown;
}

/** Controls, invisible and direction-changing characters, separators of lines, halves of pairs. */
const unprintable =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
