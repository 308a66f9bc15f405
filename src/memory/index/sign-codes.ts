/**
 * A rough picture of many vectors, small enough to be held in memory: of each number its sign, and one factor. What it
 * says of the likeness to a question is off by little, so that the best few hundred of a hundred thousand hold the best
 * ten; those few are then compared exactly. Pure.
 */

/** One bit a number, the lowest first, padded to whole bytes; `factor` makes of signs an estimate of the vector. */
export function signCode(vector: Float32Array): { readonly code: Uint8Array; readonly factor: number } {
  const code = new Uint8Array(Math.ceil(vector.length / 8));
  let sum = 0;
  let squares = 0;
  for (let index = 0; index < vector.length; index += 1) {
    const value = vector[index] ?? 0;
    sum += Math.abs(value);
    squares += value * value;
    if (value > 0) code[index >> 3] = (code[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return { code, factor: sum === 0 ? 0 : squares / sum };
}

export interface CodeRow {
  readonly id: number;
  readonly audience: number;
  readonly factor: number;
  readonly code: Uint8Array;
}

export class SignCodes {
  readonly #bytes: number;
  #capacity = 0;
  #count = 0;
  #codes: Uint8Array = new Uint8Array(0);
  #factors: Float32Array = new Float32Array(0);
  #audiences: Uint8Array = new Uint8Array(0);
  #ids: Float64Array = new Float64Array(0);
  readonly #slots = new Map<number, number>();

  constructor(dimensions: number) {
    this.#bytes = Math.ceil(dimensions / 8);
  }

  get size(): number {
    return this.#count;
  }

  /** Adds it, or takes the place of the one of the same id. */
  set({ id, audience, factor, code }: CodeRow): void {
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = this.#count;
      this.#count += 1;
      if (this.#count > this.#capacity) this.#grow();
      this.#slots.set(id, slot);
      this.#ids[slot] = id;
    }
    this.#codes.set(code.subarray(0, this.#bytes), slot * this.#bytes);
    this.#factors[slot] = factor;
    this.#audiences[slot] = audience;
  }

  /** The last one takes its place. */
  delete(id: number): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#count -= 1;
    const last = this.#count;
    this.#slots.delete(id);
    if (slot === last) return;
    const moved = this.#ids[last] ?? 0;
    this.#codes.copyWithin(slot * this.#bytes, last * this.#bytes, (last + 1) * this.#bytes);
    this.#factors[slot] = this.#factors[last] ?? 0;
    this.#audiences[slot] = this.#audiences[last] ?? 0;
    this.#ids[slot] = moved;
    this.#slots.set(moved, slot);
  }

  /** Ids of those most like `query` by the rough picture, in no order. */
  nearest(query: Float32Array, audience: number, count: number): readonly number[] {
    const scores = this.#scores(query, audience);
    const floor = floorOf(scores, count);
    const found: number[] = [];
    for (let slot = 0; slot < scores.length && found.length < count; slot += 1) {
      if ((scores[slot] ?? 0) > floor) found.push(this.#ids[slot] ?? 0);
    }
    for (let slot = 0; slot < scores.length && found.length < count; slot += 1) {
      if (scores[slot] === floor && floor !== unseen) found.push(this.#ids[slot] ?? 0);
    }
    return found;
  }

  #scores(query: Float32Array, audience: number): Float32Array {
    const table = sumsByByte(query, this.#bytes);
    const codes = this.#codes;
    const scores = new Float32Array(this.#count);
    const end = this.#bytes * 256;
    let at = 0;
    for (let slot = 0; slot < scores.length; slot += 1) {
      if ((this.#audiences[slot] ?? 0) > audience) {
        scores[slot] = unseen;
        at += this.#bytes;
        continue;
      }
      let sum = 0;
      for (let base = 0; base < end; base += 256, at += 1) sum += table[base + (codes[at] ?? 0)] ?? 0;
      scores[slot] = sum * (this.#factors[slot] ?? 0);
    }
    return scores;
  }

  #grow(): void {
    this.#capacity = Math.max(1_024, this.#capacity * 2);
    this.#codes = enlarged(new Uint8Array(this.#capacity * this.#bytes), this.#codes);
    this.#factors = enlarged(new Float32Array(this.#capacity), this.#factors);
    this.#audiences = enlarged(new Uint8Array(this.#capacity), this.#audiences);
    this.#ids = enlarged(new Float64Array(this.#capacity), this.#ids);
  }
}

const unseen = Number.NEGATIVE_INFINITY;

/** What each byte of a code adds: the sum of the query's eight numbers with the signs that the byte says. */
function sumsByByte(query: Float32Array, bytes: number): Float32Array {
  const table = new Float32Array(bytes * 256);
  for (let byte = 0; byte < bytes; byte += 1) {
    const base = byte * 256;
    let none = 0;
    for (let bit = 0; bit < 8; bit += 1) none -= query[byte * 8 + bit] ?? 0;
    table[base] = none;
    for (let value = 1; value < 256; value += 1) {
      const lowest = value & -value;
      const bit = 31 - Math.clz32(lowest);
      table[base + value] = (table[base + (value ^ lowest)] ?? 0) + 2 * (query[byte * 8 + bit] ?? 0);
    }
  }
  return table;
}

/** The score of the last one that is among the best `count`. */
function floorOf(scores: Float32Array, count: number): number {
  if (scores.length <= count) return scores.length === 0 ? unseen : scores.reduce((low, one) => Math.min(low, one));
  // A heap of the best so far, the least of them on top.
  const heap = scores.slice(0, count).toSorted();
  for (let index = count; index < scores.length; index += 1) {
    const score = scores[index] ?? unseen;
    if (score > (heap[0] ?? unseen)) sink(heap, score);
  }
  return heap[0] ?? unseen;
}

function sink(heap: Float32Array, score: number): void {
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child += 1;
    if ((heap[child] ?? 0) >= score) break;
    heap[at] = heap[child] ?? 0;
    at = child;
  }
  heap[at] = score;
}

function enlarged<Numbers extends Uint8Array | Float32Array | Float64Array>(into: Numbers, from: Numbers): Numbers {
  into.set(from);
  return into;
}
