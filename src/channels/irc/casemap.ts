/** When two names on IRC are the same name. Servers differ; they say which rule is theirs when one signs on. */

export type Casemap = "ascii" | "rfc1459" | "rfc1459-strict";

/** The form in which equal names are equal strings. */
export function foldName(name: string, casemap: Casemap): string {
  const lower = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (casemap === "ascii") return lower;
  // In the Scandinavian character set of 1988 these were capitals and small letters of the same letters.
  const folded = lower.replaceAll("[", "{").replaceAll("]", "}").replaceAll("\\", "|");
  return casemap === "rfc1459" ? folded.replaceAll("~", "^") : folded;
}

export function casemapOf(token: string | undefined): Casemap {
  return token === "ascii" || token === "rfc1459-strict" ? token : "rfc1459";
}
