/**
 * Brings entities into the one form that Telegram keeps, by the rules of its published source: marks that may be split
 * (bold and its like) are split around those that may not (links, code, quotes), code holds no other mark, whitespace
 * at the edges of the text goes, and what lies outside the text or cuts a character in two is refused.
 */
import { badRequest, type Refusal } from "../refusal.ts";
import type { Entity, FormattedText } from "./entity.ts";

/** Which of two that begin and end alike comes first. What is not named is in the middle. */
const priorities: Readonly<Record<string, number>> = {
  blockquote: 0,
  expandable_blockquote: 0,
  pre: 10,
  code: 20,
  text_link: 49,
  text_mention: 49,
  bold: 90,
  italic: 91,
  underline: 92,
  strikethrough: 93,
  spoiler: 94,
  custom_emoji: 99,
};
const splittable: ReadonlySet<string> = new Set(["bold", "italic", "underline", "strikethrough", "spoiler"]);
const quotes: ReadonlySet<string> = new Set(["blockquote", "expandable_blockquote"]);
const code: ReadonlySet<string> = new Set(["pre", "code"]);
/** Kept where they mark nothing but whitespace: what they say is not seen. */
const hidden: ReadonlySet<string> = new Set(["text_link", "text_mention"]);
const farthest = 1_000_000;

export function sortEntities(entities: readonly Entity[]): readonly Entity[] {
  return [...entities].sort(
    (one, other) =>
      one.offset - other.offset ||
      other.length - one.length ||
      (priorities[one.type] ?? 50) - (priorities[other.type] ?? 50),
  );
}

/** What a bot sent. The text may come out empty: whether that is allowed is another's question. */
export function settleEntities({ text, entities }: FormattedText): FormattedText | Refusal {
  for (const { offset, length } of entities) {
    if (offset < 0 || offset > farthest) return badRequest(`receive an entity with incorrect offset ${offset}`);
    if (length < 0 || length > farthest) return badRequest(`receive an entity with incorrect length ${length}`);
  }
  const fixed = fixEntities(entities.filter(({ length }) => length > 0));
  for (const entity of fixed) {
    const wrong = wrongPlace(text, entity);
    if (wrong !== null) return wrong;
  }
  const clean = cleaned({ text, entities: fixed });
  return trimmed({ text: clean.text, entities: fixEntities(withoutBlank(clean)) });
}

/** Adds what the server found itself: not over what was marked already, and not half inside a quote. */
export function addDetected(entities: readonly Entity[], detected: readonly Entity[]): readonly Entity[] {
  if (detected.length === 0) return entities;
  const fixed = entities.filter(({ type }) => !splittable.has(type));
  const continuous = fixed.filter(({ type }) => !quotes.has(type));
  const added = outsideOrInside(
    detected,
    fixed.filter(({ type }) => quotes.has(type)),
  ).filter((found) => !continuous.some((entity) => overlaps(entity, found)));
  return split(
    entities.filter(({ type }) => splittable.has(type)),
    [...fixed, ...added],
  );
}

function fixEntities(entities: readonly Entity[]): readonly Entity[] {
  const sorted = sortEntities(entities);
  if (isValid(sorted)) return sorted;
  const kept = withoutOverlaps(sorted.filter(({ type }) => quotes.has(type)));
  const continuous = withoutOverlaps(sorted.filter(({ type }) => !quotes.has(type) && !splittable.has(type)));
  return split(
    sorted.filter(({ type }) => splittable.has(type)),
    [...kept, ...outsideOrInside(continuous, kept)],
  );
}

/** Nested as Telegram keeps it: nothing inside code, no link inside a link, bold inside a link and never around it. */
function isValid(sorted: readonly Entity[]): boolean {
  const open: Entity[] = [];
  const ends = new Map<string, number>();
  for (const entity of sorted) {
    while (endOf(open.at(-1)) <= entity.offset) open.pop();
    const parent = open.at(-1);
    if (parent !== undefined && (endOf(entity) > endOf(parent) || !mayNest(entity, open))) return false;
    if (splittable.has(entity.type)) {
      if (ends.get(entity.type) === entity.offset) return false;
      ends.set(entity.type, endOf(entity));
    }
    open.push(entity);
  }
  return true;
}

function mayNest(entity: Entity, open: readonly Entity[]): boolean {
  if (open.some(({ type }) => type === entity.type || code.has(type))) return false;
  return splittable.has(entity.type) || open.every(({ type }) => quotes.has(type) && !quotes.has(entity.type));
}

/** Cuts every mark where something fixed begins or ends and where another mark begins, and keeps none inside code. */
function split(marks: readonly Entity[], fixed: readonly Entity[]): readonly Entity[] {
  const merged = [...splittable].flatMap((type) => union(marks.filter((mark) => mark.type === type)));
  const cuts = new Set([
    ...merged.map(({ offset }) => offset),
    ...fixed.flatMap((entity) => [entity.offset, endOf(entity)]),
  ]);
  const sortedCuts = [...cuts].sort((one, other) => one - other);
  const codes = fixed.filter(({ type }) => code.has(type));
  const pieces = merged.flatMap((mark) => piecesOf(mark, sortedCuts));
  return sortEntities([...fixed, ...pieces.filter((piece) => !codes.some((block) => overlaps(block, piece)))]);
}

function piecesOf(mark: Entity, cuts: readonly number[]): readonly Entity[] {
  const inside = cuts.filter((cut) => cut > mark.offset && cut < endOf(mark));
  return [mark.offset, ...inside].map((offset, index) => ({
    ...mark,
    offset,
    length: (inside[index] ?? endOf(mark)) - offset,
  }));
}

/** Of one type, sorted: what touches becomes one. */
function union(marks: readonly Entity[]): readonly Entity[] {
  const merged: Entity[] = [];
  for (const mark of marks) {
    const last = merged.at(-1);
    if (last === undefined || mark.offset > endOf(last)) merged.push(mark);
    else merged[merged.length - 1] = { ...last, length: Math.max(endOf(last), endOf(mark)) - last.offset };
  }
  return merged;
}

/** The first of those that overlap stays. */
function withoutOverlaps(sorted: readonly Entity[]): readonly Entity[] {
  let end = 0;
  return sorted.filter((entity) => {
    if (entity.offset < end) return false;
    end = endOf(entity);
    return true;
  });
}

function outsideOrInside(entities: readonly Entity[], around: readonly Entity[]): readonly Entity[] {
  return entities.filter((entity) =>
    around.every(
      (quote) => !overlaps(quote, entity) || (entity.offset >= quote.offset && endOf(entity) <= endOf(quote)),
    ),
  );
}

export function overlaps(one: Entity, other: Entity): boolean {
  return one.offset < endOf(other) && other.offset < endOf(one);
}

function wrongPlace(text: string, entity: Entity): Refusal | null {
  const { offset } = entity;
  const end = endOf(entity);
  if (cutsPair(text, offset)) return cutRefusal("begins", text, offset);
  if (offset >= text.length) return badRequest(`entity begins after the end of the text at UTF-16 offset ${offset}`);
  if (end > text.length) {
    return badRequest(
      `entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${end}`,
    );
  }
  return cutsPair(text, end) ? cutRefusal("ends", text, end) : null;
}

function cutRefusal(verb: "begins" | "ends", text: string, offset: number): Refusal {
  const bytes = Buffer.byteLength(text.slice(0, offset - 1));
  return badRequest(`entity ${verb} in a middle of a UTF-16 symbol at byte offset ${bytes}`);
}

/** Between the two halves of a character outside the basic plane. */
function cutsPair(text: string, offset: number): boolean {
  return (text.charCodeAt(offset - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(offset) & 0xfc00) === 0xdc00;
}

/** Carriage returns, signs of direction and a few marks over letters are taken out, control characters become spaces. */
const removed = /\r|[\u2028-\u202e]|\u0333|\u033f|\u030a/g;
const blanked = /[\u0000-\u0009\u000b\u000c\u000e-\u001f]/g;

function cleaned({ text, entities }: FormattedText): FormattedText {
  const spaced = text.replace(blanked, " ");
  const gone = [...spaced.matchAll(removed)].map(({ index }) => index);
  if (gone.length === 0) return { text: spaced, entities };
  const moved = (offset: number): number => offset - gone.filter((index) => index < offset).length;
  return {
    text: spaced.replace(removed, ""),
    entities: entities.map((entity) => {
      const offset = moved(entity.offset);
      return { ...entity, offset, length: moved(endOf(entity)) - offset };
    }),
  };
}

/** A mark begins with the first character that is seen; without any it is none. */
function withoutBlank({ text, entities }: FormattedText): readonly Entity[] {
  return entities.flatMap((entity) => {
    if (hidden.has(entity.type)) return entity.length > 0 ? [entity] : [];
    const marked = text.slice(entity.offset, endOf(entity));
    const blank = marked.length - marked.replace(/^[ \n]+/, "").length;
    return blank === marked.length ? [] : [{ ...entity, offset: entity.offset + blank, length: entity.length - blank }];
  });
}

/** Blank edges of the text go; a link that consists of them holds its edge. */
function trimmed({ text, entities }: FormattedText): FormattedText {
  const end = text.replace(/[ \n]+$/, "").length;
  const leading = text.length - text.replace(/^[ \n]+/, "").length;
  const start = end === 0 ? 0 : Math.min(leading, entities[0]?.offset ?? leading);
  if (start === 0 && end === text.length) return { text, entities };
  return {
    text: text.slice(start, end),
    entities: entities
      .filter(({ offset }) => offset < end)
      .map((entity) => ({
        ...entity,
        offset: entity.offset - start,
        length: Math.min(endOf(entity), end) - entity.offset,
      })),
  };
}

function endOf(entity: Entity | undefined): number {
  return entity === undefined ? Number.POSITIVE_INFINITY : entity.offset + entity.length;
}
