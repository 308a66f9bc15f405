/**
 * The tree of a Markdown text, as `marked` sees it, in a time that a text cannot choose: the parser looks for the other
 * end of every mark of emphasis, and into every quote in a quote, so that some thousands of them would keep it busy
 * for seconds, or exhaust its stack.
 */
import { getDefaults, Lexer, Tokenizer, type Token, type TokensList } from "marked";

/** So many marks without another end are no emphasis any more, nor are those behind them. */
const maxLostMarks = 100;
/** So many quotes and lists inside of each other have no structure that a reader could see. */
const tooDeep = /^(?:[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])){64}/m;

/** What links may refer to by name: `[name]: https://example.org`. */
export type Definitions = TokensList["links"];

/** Blocks with what is inside of them; null where they are nested too deep to be read. */
export function markdownTokens(text: string): readonly Token[] | null {
  return new MarkdownReader().tokens(text);
}

/**
 * Reads texts that have much in common, as parts of one document have: what is inside of a paragraph is read once, and
 * costs the most by far.
 */
export class MarkdownReader {
  readonly #elsewhere: Definitions;
  readonly #paragraphs = new Map<string, readonly Token[]>();

  /** `elsewhere`: what the document defines, wherever in it. */
  constructor(elsewhere: Definitions = {}) {
    this.#elsewhere = elsewhere;
  }

  /** The tokens may be shared with those of another text, and are not to be changed. */
  tokens(text: string): readonly Token[] | null {
    return attempt(text, () => {
      const tokenizer = new BoundedTokenizer();
      const lexer = new Lexer({ ...getDefaults(), tokenizer });
      Object.assign(lexer.tokens.links, this.#elsewhere);
      const tokens = lexer.blockTokens(text.replaceAll(/\r\n|\r/g, "\n"), []);
      // What a part defines by itself alone changes what is inside of its paragraphs, and of no other part's.
      const isAlike = Object.keys(lexer.tokens.links).length === Object.keys(this.#elsewhere).length;
      const known = isAlike ? this.#paragraphs : new Map<string, readonly Token[]>();
      for (const { src, tokens: inside } of lexer.inlineQueue) {
        const read = known.get(src) ?? tokenizer.bounded(() => lexer.inlineTokens(src));
        known.set(src, read);
        inside.push(...read);
      }
      return tokens;
    });
  }
}

/** What a text defines, for parts of it that are read by themselves. */
export function markdownDefinitions(text: string): Definitions {
  if (!text.includes("]:")) return {};
  const lexer = new Lexer();
  attempt(text, () => lexer.blockTokens(withUnixLines(text), []));
  return lexer.tokens.links;
}

/** The same without what is inside of paragraphs, which is ten times as fast. The `raw` of all joined is the text. */
export function markdownBlocks(text: string): readonly Token[] | null {
  return attempt(text, () => new Lexer().blockTokens(withUnixLines(text), []));
}

/** Of the same length, so that a place in one is the place in the other; `marked` itself would change it. */
export function withUnixLines(text: string): string {
  return text.replaceAll("\r\n", " \n").replaceAll("\r", "\n");
}

function attempt(text: string, read: () => readonly Token[]): readonly Token[] | null {
  if (tooDeep.test(text)) return null;
  try {
    return read();
  } catch {
    // The stack can be exhausted line by line as well.
    return null;
  }
}

class BoundedTokenizer extends Tokenizer {
  #lost = 0;

  /** Each paragraph has its own lost marks, and nothing else of the one before it. */
  bounded(read: () => Token[]): readonly Token[] {
    this.#lost = 0;
    this.lexer.state.inLink = false;
    this.lexer.state.inRawBlock = false;
    return read();
  }

  override emStrong(...given: Parameters<Tokenizer["emStrong"]>): ReturnType<Tokenizer["emStrong"]> {
    if (this.#lost > maxLostMarks) return undefined;
    const found = super.emStrong(...given);
    if (found === undefined && /^[*_]/.test(given[0])) this.#lost += 1;
    return found;
  }
}
