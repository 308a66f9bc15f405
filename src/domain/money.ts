/**
 * Money is counted in whole micro-dollars (1 USD = 1,000,000). Prices are USD per million tokens,
 * so a price times a token count is already in micro-dollars.
 */

/** Token counts of one model call. `cacheRead` and `cacheWrite` are not part of `input`. */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** USD per million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** Of what is known to cost nothing. */
export const freePrice: ModelPrice = Object.freeze({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 });

/** What the tokens of each kind cost, micro-dollars. */
export interface TokenCosts {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export const noUsage: TokenUsage = Object.freeze({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 });

/** Cost in micro-dollars, rounded up to a whole one. `undefined` where the price is unknown: unknown is never free. */
export function costMicros(usage: TokenUsage, price: ModelPrice | undefined): number | undefined {
  if (price === undefined) return undefined;
  return wholeMicros(
    usage.input * price.input +
      usage.output * price.output +
      usage.cacheRead * price.cacheRead +
      usage.cacheWrite * price.cacheWrite,
  );
}

/**
 * A call's cost by kind of token: the total, shared out as the prices weigh the kinds, in whole micro-dollars that add up
 * to it. Where the provider told the total, the shares are an estimate. Null where no price is known, or where a price of
 * zero meets a cost that is none.
 */
export function splitCost(
  usage: TokenUsage,
  price: ModelPrice | undefined,
  totalMicros: number | null | undefined,
): TokenCosts | null {
  if (price === undefined || totalMicros === null || totalMicros === undefined) return null;
  const kinds = ["input", "output", "cacheRead", "cacheWrite"] as const;
  const weights = kinds.map((kind) => usage[kind] * price[kind]);
  const weight = weights.reduce((sum, one) => sum + one, 0);
  if (weight === 0) return totalMicros === 0 ? { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } : null;
  const shares = weights.map((one) => Math.floor((totalMicros * one) / weight));
  // What rounding left over goes to the heaviest kind, where it is seen least.
  const heaviest = weights.indexOf(Math.max(...weights));
  const left = totalMicros - shares.reduce((sum, one) => sum + one, 0);
  const [input = 0, output = 0, cacheRead = 0, cacheWrite = 0] = shares.with(heaviest, (shares[heaviest] ?? 0) + left);
  return { input, output, cacheRead, cacheWrite };
}

/**
 * Rounded up, but for what is left of an inexact sum: the same amount added in another order differs in its last bits,
 * and must not become a micro-dollar more.
 */
function wholeMicros(micros: number): number {
  return Math.ceil(micros - micros * 1e-14);
}

/** What a call costs at most: read and write in micro-dollars, before they are rounded to whole ones. */
export interface WorstCase {
  /** All that is read, at the dearest way of reading it. */
  readonly inputMicros: number;
  /** Per token that is written. */
  readonly outputMicrosPerToken: number;
}

/** Reading costs the same few tokens as plain input, as a cache hit or as what fills the cache: the dearest is taken. */
export function worstCase(inputTokens: number, price: ModelPrice): WorstCase {
  return {
    inputMicros: inputTokens * Math.max(price.input, price.cacheRead, price.cacheWrite),
    outputMicrosPerToken: price.output,
  };
}

/** In whole micro-dollars, and never less than `costMicros` of what was used within these bounds. */
export function worstCaseMicros({ inputMicros, outputMicrosPerToken }: WorstCase, outputTokens: number): number {
  return wholeMicros(inputMicros + outputTokens * outputMicrosPerToken);
}

export function addUsage(left: TokenUsage, right: TokenUsage): TokenUsage {
  return {
    input: left.input + right.input,
    output: left.output + right.output,
    cacheRead: left.cacheRead + right.cacheRead,
    cacheWrite: left.cacheWrite + right.cacheWrite,
  };
}

/** More than any model reads or writes in one call; a count beyond it is a mistake of whoever counted. */
const mostTokens = 1_000_000_000;

/** The counts as they may be added up: whole and not negative. Null where they are no counts at all. */
export function soundUsage(usage: TokenUsage): TokenUsage | null {
  const counts = [usage.input, usage.output, usage.cacheRead, usage.cacheWrite];
  // Of servers in the field, some send fractions, and some get below zero where they take the cached part off.
  if (!counts.every((count) => count <= mostTokens && count >= -mostTokens)) return null;
  const [input = 0, output = 0, cacheRead = 0, cacheWrite = 0] = counts.map((count) => Math.max(0, Math.round(count)));
  return { input, output, cacheRead, cacheWrite };
}

export function totalTokens(usage: TokenUsage): number {
  return usage.input + usage.output + usage.cacheRead + usage.cacheWrite;
}

/** `$4.98`; four digits where two would say nothing. */
export function dollarsOf(micros: number): string {
  const usd = Math.abs(micros) / 1_000_000;
  const digits = micros !== 0 && Math.abs(micros) < 100_000 ? 4 : 2;
  return `${micros < 0 ? "-" : ""}$${usd.toFixed(digits)}`;
}
