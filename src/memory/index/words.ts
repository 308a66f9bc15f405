/** The words' side of a search: what is looked for of a question, and which pieces have it, by BM25. */
import type { DatabaseSync } from "node:sqlite";
import { limits } from "../../domain/limits.ts";
import type { Candidate } from "./merge.ts";

/** Letters of scripts that put no spaces between words: each is a word of its own. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/gu;

/** The text as it is split into words; null where it is the text itself. */
export function spacedText(text: string): string | null {
  const spaced = text.replaceAll(unspaced, " $& ");
  return spaced === text ? null : spaced;
}

/** The words that are looked for, each once, in their order. */
export function termsOf(query: string): readonly string[] {
  const words = (spacedText(query) ?? query).toLowerCase().match(/[\p{L}\p{N}\p{M}\p{Co}]+/gu) ?? [];
  return [...new Set(words)].slice(0, limits.memoryQueryTerms);
}

/**
 * The best pieces by any of the terms, best first, `score` as BM25 with k1 = 1.2 and b = 0.75 has it. In a large memory,
 * terms that stand nearly everywhere are left out while a rarer one is there: they cost time and say nothing.
 */
export function searchWords(
  db: DatabaseSync,
  terms: readonly string[],
  audience: number,
  count: number,
): readonly Candidate[] {
  const sought = tellingTerms(db, terms);
  if (sought.length === 0) return [];
  const match = sought.map((term) => `"${term}"`).join(" OR ");
  const ranked = db.prepare("SELECT rowid AS id, rank FROM words WHERE words MATCH ? ORDER BY rank, rowid LIMIT ?");
  const audienceOf = db.prepare("SELECT audience FROM chunks WHERE id = ?");
  // Most of what is found may be for other eyes: asked for more, until there is enough or nothing more.
  for (let asked = count; ; asked *= 8) {
    const rows = ranked.all(match, asked);
    const seen = rows.filter(({ id }) => Number(audienceOf.get(Number(id))?.["audience"] ?? 99) <= audience);
    if (seen.length >= count || rows.length < asked) {
      return seen.slice(0, count).map(({ id, rank }) => ({ id: Number(id), score: -Number(rank) }));
    }
  }
}

function tellingTerms(db: DatabaseSync, terms: readonly string[]): readonly string[] {
  const total = Number(db.prepare("SELECT count(*) AS n FROM files").get()?.["n"] ?? 0);
  if (terms.length < 2 || total === 0) return terms;
  const chunks = Number(db.prepare("SELECT max(id) AS n FROM chunks").get()?.["n"] ?? 0);
  if (chunks < largeMemoryChunks) return terms;
  const lookUp = db.prepare("SELECT doc FROM terms WHERE term = ?");
  const known = terms
    .map((term) => ({ term, documents: Number(lookUp.get(folded(term))?.["doc"] ?? 0) }))
    .filter(({ documents }) => documents > 0)
    .toSorted((left, right) => left.documents - right.documents);
  const rare = known.filter(({ documents }) => documents <= chunks / commonShare);
  return (rare.length > 0 ? rare : known.slice(0, 1)).map(({ term }) => term);
}

/** As the tokeniser folds a term: without its marks. */
function folded(term: string): string {
  return term.normalize("NFD").replaceAll(/\p{M}/gu, "");
}

const largeMemoryChunks = 5_000;
/** A term of more than a tenth of all pieces is a common one. */
const commonShare = 10;
