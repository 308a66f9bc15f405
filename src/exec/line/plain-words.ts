/**
 * The words of a line that needs no shell, by rules so narrow that every shell divides it the same way. Knows nothing of
 * the parser: a line is plain only where both agree.
 */

/** Null where a shell would see more in it than words. A line break is one only inside quotes. */
export function plainWords(line: string): readonly string[] | null {
  const text = line.replace(/^[ \t]+|[ \t\n]+$/g, "");
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    const word = wordAt(text, at);
    if (word === null) return null;
    words.push(word.value);
    at = word.end;
    while (text[at] === " " || text[at] === "\t") at += 1;
  }
  const [name] = words;
  if (name === undefined || name === "" || name.includes("=") || reserved.has(name)) return null;
  return words;
}

interface Cut {
  readonly value: string;
  readonly end: number;
}

function wordAt(text: string, start: number): Cut | null {
  let value = "";
  let at = start;
  while (at < text.length && text[at] !== " " && text[at] !== "\t") {
    const piece = pieceAt(text, at);
    if (piece === null) return null;
    value += piece.value;
    at = piece.end;
  }
  return { value, end: at };
}

function pieceAt(text: string, at: number): Cut | null {
  const sign = text[at] ?? "";
  if (sign === "'") {
    const end = text.indexOf("'", at + 1);
    return end === -1 ? null : { value: text.slice(at + 1, end), end: end + 1 };
  }
  if (sign === '"') return doubleQuoted(text, at + 1);
  if (sign === "\\") {
    const next = text[at + 1] ?? "";
    return escapable.test(next) ? { value: next, end: at + 2 } : null;
  }
  return bare.test(sign) ? { value: sign, end: at + 1 } : null;
}

function doubleQuoted(text: string, start: number): Cut | null {
  let value = "";
  for (let at = start; at < text.length; at += 1) {
    const sign = text[at] ?? "";
    if (sign === '"') return { value, end: at + 1 };
    if (sign === "$" || sign === "`") return null;
    if (sign === "\\") {
      at += 1;
      const next = text[at] ?? "";
      if (!["\\", '"', "$", "`"].includes(next)) return null;
      value += next;
    } else value += sign;
  }
  return null;
}

/** Means itself wherever it stands. Everything beyond ASCII does, too. */
const bare = /[A-Za-z0-9_./:,@%+=\-\u0080-\uFFFF]/;
const escapable = /[ !-/:-@[-`{-~]/;

// oxfmt-ignore
const reserved = new Set([
  "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "function", "time",
  "select", "coproc",
]);
