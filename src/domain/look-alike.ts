/**
 * Text as it looks, for comparing: what is wide, decorated, accented, invisible or of another alphabet becomes the plain
 * small letter that a reader takes it for. Knows where each of them stood. Pure.
 */

export interface Folded {
  readonly text: string;
  /** Where in the original the character begins that this unit of `text` comes from. */
  start(unit: number): number;
  /** Where it ends. */
  end(unit: number): number;
}

/** Linear; about 10 ms for 100,000 characters that are not ASCII, and next to nothing for those that are. */
export function folded(text: string): Folded {
  // oxlint-disable-next-line eslint/no-control-regex -- ASCII is what it looks for.
  if (/^[\u0000-\u007f]*$/.test(text)) {
    return { text: text.toLowerCase(), start: (unit) => unit, end: (unit) => unit + 1 };
  }
  const looks: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const known = new Map<string, string>();
  let at = 0;
  for (const character of text) {
    const look = known.get(character) ?? lookOf(character);
    known.set(character, look);
    looks.push(look);
    for (let unit = 0; unit < look.length; unit += 1) {
      starts.push(at);
      ends.push(at + character.length);
    }
    at += character.length;
  }
  const whole = text.length;
  return {
    text: looks.join(""),
    start: (unit) => starts[unit] ?? whole,
    end: (unit) => ends[unit] ?? whole,
  };
}

function lookOf(character: string): string {
  if (character === "\n" || character === "\t") return character;
  const plain = character.normalize("NFKD").replaceAll(unseen, "").toLowerCase();
  let look = "";
  for (const part of plain) look += twins.get(part) ?? (/\p{Zs}/u.test(part) ? " " : part);
  return look;
}

/** Marks upon letters, and what has no shape of its own. */
const unseen = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Each plain character with the others that are taken for it, after compatibility forms are folded. */
const lookAlikes: Readonly<Record<string, string>> = {
  a: "аɑαᴀ𐊠Ꭺꭺ",
  b: "ЬьʙᏏв",
  c: "сϲᴄⲥᏟꮯ",
  d: "ԁɗᴅꓒᎠꭰđ",
  e: "еєεҽᴇⲉᎬꭼ℮",
  f: "ғſꜰϝƒ",
  g: "ɡɢԍց",
  h: "һհʜᏂнη",
  i: "іɩιıɪⲓӏ",
  j: "јϳᴊ",
  k: "кκᴋⲕ",
  l: "ⅼʟᏞłⲗ",
  m: "мᴍⅿ",
  n: "ոɴпղռ",
  o: "оοօᴏⲟσ๐ഠ૦०",
  p: "рρᴘⲣҏ",
  q: "ԛգ",
  r: "гʀᴦⲅ",
  s: "ѕꜱʂѕᏚꮪ",
  t: "тτᴛⲧ",
  u: "υսᴜцʋ",
  v: "ѵνᴠⅴ",
  w: "ԝᴡωшա",
  x: "хχⅹ×ⲭ",
  y: "уүγʏⲩ",
  z: "ᴢʐʑ",
  "<": "‹«〈⟨❮❰《⟪≪⋘˂ᐸ≺⪡⧼",
  ">": "›»〉⟩❯❱》⟫≫⋙˃ᐳ≻⪢⧽",
  "[": "【〔⟦⁅〚",
  "]": "】〕⟧⁆〛",
  "|": "¦│┃❘∣ǀ❙❚｜",
  ":": "∶꞉ː፡։׃˸",
  "/": "∕⁄╱⧸",
  "#": "♯",
  _: "▁ˍ",
};

const twins: ReadonlyMap<string, string> = new Map(
  Object.entries(lookAlikes).flatMap(([plain, others]) =>
    Array.from(others.toLowerCase(), (other) => [other, plain] as const).filter(([other]) => other !== plain),
  ),
);
