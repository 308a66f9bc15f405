/** Tells a secret from what stands where a secret should: nothing, the name of nothing, or a placeholder. Pure. */

/** Null where the text may serve as a secret; else what is wrong with it, to follow "the token …". */
export function secretFault(secret: string | undefined): string | null {
  if (secret === undefined || secret.trim() === "") return "is empty";
  const word = secret.trim().toLowerCase();
  // A template that was never filled in: `${TOKEN}`, `<token>`, `{{ token }}`.
  if (/^(\$\{.*\}|<.*>|\{\{.*\}\})$/.test(word)) return "is a placeholder";
  if (/^(.)\1{2,}$/u.test(word)) return "is a placeholder";
  return placeholders.has(word.replaceAll(/[\s_-]/g, "")) ? "is a placeholder" : null;
}

/** What code prints for a value it does not have (`String(undefined)`), and what examples say instead of a secret. */
const placeholders: ReadonlySet<string> = new Set([
  "…",
  "undefined",
  "null",
  "nil",
  "none",
  "nan",
  "false",
  "true",
  "[objectobject]",
  "changeme",
  "changethis",
  "replaceme",
  "replacewithyourtoken",
  "yourtoken",
  "yourtokenhere",
  "yourpassword",
  "yourpasswordhere",
  "yoursecret",
  "yoursecrethere",
  "todo",
  "placeholder",
]);
