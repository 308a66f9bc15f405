/** What a program takes for an option, and what for a name. */

/** A lone dash is the standard input, and no option. */
export function isOption(word: string): boolean {
  return word.length > 1 && word.startsWith("-");
}
