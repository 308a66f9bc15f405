/** Keeps the beginning and the end of what a command writes, and counts the rest: no flood fills the memory. */

export interface OutputCaps {
  readonly headBytes: number;
  readonly tailBytes: number;
}

export class CappedOutput {
  readonly #caps: OutputCaps;
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #total = 0;

  constructor(caps: OutputCaps) {
    this.#caps = caps;
  }

  get totalBytes(): number {
    return this.#total;
  }

  add(chunk: Buffer): void {
    this.#total += chunk.length;
    const room = this.#caps.headBytes - this.#headBytes;
    if (room > 0) {
      const part = chunk.subarray(0, room);
      this.#head.push(part);
      this.#headBytes += part.length;
    }
    if (chunk.length > room) this.#keepTail(chunk.subarray(Math.max(0, room)));
  }

  /** Whole pieces are dropped while what is left is still enough; what is too much of one is cut off when it is read. */
  #keepTail(chunk: Buffer): void {
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    let first = this.#tail[0];
    while (first !== undefined && this.#tailBytes - first.length >= this.#caps.tailBytes) {
      this.#tail.shift();
      this.#tailBytes -= first.length;
      first = this.#tail[0];
    }
  }

  /** What is kept: all of it where `leftOutBytes` is 0. */
  read(): { readonly head: Buffer; readonly tail: Buffer; readonly leftOutBytes: number } {
    const all = Buffer.concat(this.#tail);
    const tail = all.subarray(Math.max(0, all.length - this.#caps.tailBytes));
    return { head: Buffer.concat(this.#head), tail, leftOutBytes: this.#total - this.#headBytes - tail.length };
  }

  clear(): void {
    this.#head = [];
    this.#tail = [];
    this.#headBytes = 0;
    this.#tailBytes = 0;
    this.#total = 0;
  }
}
