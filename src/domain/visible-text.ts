/**
 * Text that a person decides by, with everything in it visible: what has no width, turns the direction or controls a
 * terminal is written as its number. Pure; for showing alone, never for running.
 */

/** The same text where all of it can be seen. Line breaks and tabs stay. `\u{202e}` stands for the character of that number. */
export function visibleText(text: string): string {
  return text.toWellFormed().replace(hidden, numbered);
}

export function hasHidden(text: string): boolean {
  return visibleText(text) !== text;
}

function numbered(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/**
 * Control and format characters (bidi marks, joiners, tags, soft hyphen), separators other than the plain space, fillers
 * that look like nothing, and variation selectors.
 */
const hidden =
  /[\p{Cc}--[\n\t]]|\p{Cf}|\p{Co}|\p{Cn}|[\p{Z}--[ ]]|[\u115f\u1160\u3164\uffa0\u2800]|[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gv;
