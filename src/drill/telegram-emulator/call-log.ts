/**
 * Every call and what became of it, in the order of decision. Bounded: the oldest are forgotten, never the newest,
 * and how many there were is known for ever.
 */
import type { SeenCall } from "./contract.ts";

export class CallLog {
  readonly #remember: number;
  readonly #calls: SeenCall[] = [];

  constructor(remember: number) {
    this.#remember = remember;
  }

  get calls(): readonly SeenCall[] {
    return this.#calls;
  }

  add(call: SeenCall): void {
    this.#calls.push(call);
    // In steps of a tenth, so that a full log does not move every entry with each call.
    if (this.#calls.length > this.#remember * 1.1) this.#calls.splice(0, this.#calls.length - this.#remember);
  }

  forget(): void {
    this.#calls.length = 0;
  }
}
