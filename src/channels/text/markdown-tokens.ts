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
export function markdownTokens(text: string, elsewhere: Definitions = {}): readonly Token[] | null {
  return attempt(text, () => {
    const lexer = new Lexer({ ...getDefaults(), tokenizer: new BoundedTokenizer() });
    Object.assign(lexer.tokens.links, elsewhere);
    return lexer.lex(text);
  });
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

  override emStrong(...given: Parameters<Tokenizer["emStrong"]>): ReturnType<Tokenizer["emStrong"]> {
    if (this.#lost > maxLostMarks) return undefined;
    const found = super.emStrong(...given);
    if (found === undefined && /^[*_]/.test(given[0])) this.#lost += 1;
    return found;
  }
}
