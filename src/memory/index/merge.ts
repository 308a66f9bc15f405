/** What words found and what vectors found, as one list. Owns the weights. Pure. */

export const vectorWeight = 0.7;
export const wordsWeight = 0.3;

/** Vectors that stand about at a right angle have nothing in common. */
const leastCosine = 0.01;

/** A piece that one side found, the better the larger; `id` within one index. */
export interface Candidate {
  readonly id: number;
  readonly score: number;
}

export interface Ranked extends Candidate {
  readonly path: string;
  readonly startLine: number;
}

/**
 * The vectors' scores are cosines and count from 0 to 1; the words' are BM25 and count by the best of them. What one side
 * did not find has 0 of it. `vectors` null: there were none to ask, and the words' part is all.
 */
export function mergeScores(
  vectors: readonly Candidate[] | null,
  words: readonly Candidate[],
): ReadonlyMap<number, number> {
  const best = words.reduce((most, { score }) => Math.max(most, score), 0);
  const scores = new Map<number, number>();
  for (const { id, score } of vectors ?? []) {
    // The nearest of what is not near at all is no find.
    if (score >= leastCosine) scores.set(id, vectorWeight * Math.min(1, score));
  }
  const weight = vectors === null ? 1 : wordsWeight;
  for (const { id, score } of words) {
    scores.set(id, (scores.get(id) ?? 0) + weight * (best === 0 ? 0 : Math.max(0, score) / best));
  }
  return scores;
}

/** Best first; what scores alike stands by its place in the files, so that the same question has the same answer. */
export function byScore(left: Ranked, right: Ranked): number {
  if (left.score !== right.score) return right.score - left.score;
  if (left.path !== right.path) return left.path < right.path ? -1 : 1;
  return left.startLine - right.startLine || left.id - right.id;
}
