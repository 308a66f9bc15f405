/** What cannot be a secret: the words that scripts and templates leave behind where a value was missing. Pure. */

const placeholders = new Set([
  "undefined",
  "null",
  "nan",
  "none",
  "[object object]",
  "changeme",
  "change-me",
  "your-token-here",
]);

/** True for text that is no credential: empty, blank, or the name of nothing. */
export function placeholderSecret(text: string): boolean {
  const word = text.trim().toLowerCase();
  return word === "" || placeholders.has(word);
}
