/**
 * A text that grows, and the marks over it. Keeps Telegram's rules, so that what is sent is what is shown: code holds no
 * other mark and no mark is around it, a link holds no link, marks like bold end where a link or a quote begins.
 */
import { firstBehind, holding } from "../../text/places.ts";
import type { OutboundEntity } from "../entities.ts";

/** Offsets and lengths in UTF-16 units. */
export interface TelegramEntity extends OutboundEntity {
  readonly url?: string;
  readonly user?: { readonly id: number };
  readonly language?: string;
}

export interface FormattedText {
  readonly text: string;
  readonly entities: readonly TelegramEntity[];
}

type Mark = Omit<TelegramEntity, "offset" | "length">;

/** Marks that may overlap each other, and are cut where others begin and end. */
const soft: ReadonlySet<string> = new Set(["bold", "italic", "underline", "strikethrough", "spoiler"]);
const links: ReadonlySet<string> = new Set(["text_link", "text_mention"]);
const code: ReadonlySet<string> = new Set(["pre", "code"]);
/** Which of two that begin and end alike is around the other. */
const order = ["blockquote", "pre", "code", "text_link", "text_mention", ...soft];

export class MarkedText {
  #text = "";
  #indent = "";
  /** Line ends that stand before whatever comes next. */
  #due = 0;
  readonly #entities: TelegramEntity[] = [];
  readonly #active: string[] = [];

  get text(): string {
    return this.#text;
  }

  /** The character right before what comes next; nothing where a line begins. */
  get before(): string {
    return this.#due > 0 ? "" : this.#text.slice(-2);
  }

  /** How many marks there are before they are brought into order. */
  get marks(): number {
    return this.#entities.length;
  }

  /** Lines are indented as far as `indented` says. */
  write(text: string): void {
    if (text === "") return;
    this.#pay();
    this.#text += text.replaceAll("\n", `\n${this.#indent}`);
  }

  /** What comes next begins behind so many line ends; those that stand there already count. */
  break(lines: number): void {
    this.#due = Math.max(this.#due, lines);
  }

  indented(by: string, act: () => void): void {
    const before = this.#indent;
    this.#indent += by;
    act();
    this.#indent = before;
  }

  /** Marks what `act` writes. A mark where none may be is none. */
  mark(mark: Mark, act: () => void): void {
    if (this.isMarked(mark.type) || (links.has(mark.type) && this.#active.some((type) => links.has(type)))) {
      act();
      return;
    }
    const offset = this.#text.length;
    this.#active.push(mark.type);
    act();
    this.#active.pop();
    this.#add(mark, offset);
  }

  isMarked(type: string): boolean {
    return this.#active.includes(type);
  }

  /** Lines of their own, as they are. */
  preformatted(text: string, language: string): void {
    if (text.trim() === "") return;
    if (this.#text !== "") this.break(1);
    this.#pay("");
    const offset = this.#text.length;
    this.#text += text;
    this.#add({ type: "pre", ...(language === "" ? {} : { language }) }, offset);
    this.break(1);
  }

  /** Without white space at its edges, which Telegram takes away. */
  finish(): FormattedText {
    const whole = this.#text;
    const text = whole.trim();
    const gone = whole.length - whole.trimStart().length;
    const entities = settled(this.#entities).flatMap((entity) => {
      const start = Math.max(entity.offset, gone);
      const end = Math.min(endOf(entity), gone + text.length);
      const blank = /^\s*/.exec(whole.slice(start, end))?.[0].length ?? 0;
      return end > start + blank ? [{ ...entity, offset: start + blank - gone, length: end - start - blank }] : [];
    });
    return { text, entities: entities.sort(outermostFirst) };
  }

  #pay(indent: string = this.#indent): void {
    const due = this.#text === "" ? 0 : this.#due;
    this.#due = 0;
    if (due === 0) return;
    const there = /\n*$/.exec(this.#text.slice(-due))?.[0].length ?? 0;
    this.#text += "\n".repeat(due - there) + indent;
  }

  #add(mark: Mark, offset: number): void {
    // What is white space before the first character that is marked is not marked, as Telegram has it.
    const written = this.#text.slice(offset);
    const blank = written.length - written.trimStart().length;
    if (blank < written.length)
      this.#entities.push({ ...mark, offset: offset + blank, length: written.length - blank });
  }
}

/** The same without marks: each address is written behind its words. */
export function withAddresses({ text, entities }: FormattedText): string {
  let shown = "";
  let at = 0;
  for (const entity of entities) {
    if (entity.url === undefined || text.slice(entity.offset, endOf(entity)) === entity.url) continue;
    shown += `${text.slice(at, endOf(entity))} (${entity.url})`;
    at = endOf(entity);
  }
  return shown + text.slice(at);
}

function settled(entities: readonly TelegramEntity[]): readonly TelegramEntity[] {
  const hard = entities.filter(({ type }) => !soft.has(type));
  const edges = hard.flatMap((entity) => [entity.offset, endOf(entity)]);
  // Code holds no code, so these are in order and without overlaps once they are sorted.
  const blocks = hard
    .filter(({ type }) => code.has(type))
    .map((entity) => ({ start: entity.offset, end: endOf(entity) }))
    .sort((one, other) => one.start - other.start);
  const merged = [...soft].flatMap((type) => united(entities.filter((entity) => entity.type === type)));
  const cut = (places: readonly number[]): readonly TelegramEntity[] => {
    const inOrder = [...new Set(places)].sort((one, other) => one - other);
    // A piece is cut at the edges of every block, so it is inside of one or beside all.
    return merged.flatMap((entity) => cutAt(entity, inOrder)).filter((piece) => holding(blocks, piece.offset) === null);
  };
  const nested = cut(edges);
  // As Telegram does it: where they are not simply one inside the other, each begins anew where another one begins.
  return [...hard, ...(isSimple(nested) ? nested : cut([...edges, ...merged.map(({ offset }) => offset)]))];
}

/** Whether each two are apart or one inside the other, and none goes on where one of its kind ends. One look at each. */
function isSimple(entities: readonly TelegramEntity[]): boolean {
  const starts = new Set(entities.map(({ type, offset }) => `${type} ${offset}`));
  if (entities.some((entity) => starts.has(`${entity.type} ${endOf(entity)}`))) return false;
  const around: TelegramEntity[] = [];
  for (const entity of entities.toSorted(outermostFirst)) {
    while (around.length > 0 && endOf(around.at(-1) as TelegramEntity) <= entity.offset) around.pop();
    const closest = around.at(-1);
    if (closest !== undefined && endOf(closest) < endOf(entity)) return false;
    around.push(entity);
  }
  return true;
}

/** Of one type: what touches or overlaps becomes one. */
function united(entities: readonly TelegramEntity[]): readonly TelegramEntity[] {
  const merged: TelegramEntity[] = [];
  for (const entity of entities.toSorted((one, other) => one.offset - other.offset)) {
    const last = merged.at(-1);
    if (last === undefined || entity.offset > endOf(last)) merged.push(entity);
    else merged[merged.length - 1] = { ...last, length: Math.max(endOf(last), endOf(entity)) - last.offset };
  }
  return merged;
}

/** `places` are in order, each of them once. */
function cutAt(entity: TelegramEntity, places: readonly number[]): readonly TelegramEntity[] {
  const starts = [entity.offset];
  for (let at = firstBehind(places, entity.offset); (places[at] ?? Infinity) < endOf(entity); at += 1)
    starts.push(places[at] as number);
  return starts.map((offset, index) => ({
    ...entity,
    offset,
    length: (starts[index + 1] ?? endOf(entity)) - offset,
  }));
}

function endOf({ offset, length }: TelegramEntity): number {
  return offset + length;
}

function outermostFirst(one: TelegramEntity, other: TelegramEntity): number {
  return one.offset - other.offset || other.length - one.length || order.indexOf(one.type) - order.indexOf(other.type);
}
