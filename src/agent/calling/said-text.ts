/**
 * The text of one step as it grows, told to everybody who reads along. Where an attempt broke off and another one begins
 * to speak, what was told of the first is taken back then, and not sooner: the words of a broken answer are better than
 * none while nobody knows whether there will be another.
 */
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";

export class SaidText {
  readonly #turn: Turn;
  readonly #deps: Pick<AgentDeps, "bus" | "clock">;
  /** Of the steps before this one. */
  readonly #before: string;
  #joined: string;
  #isStale = false;

  constructor(turn: Turn, deps: Pick<AgentDeps, "bus" | "clock">) {
    this.#turn = turn;
    this.#deps = deps;
    this.#before = turn.text;
    this.#joined = turn.text;
  }

  /** What steps before this one have said. */
  get before(): string {
    return this.#before;
  }

  /** Another attempt: what the last one has said counts until this one speaks. */
  begin(): void {
    this.#isStale = this.#joined !== this.#before;
  }

  say(text: string): void {
    this.#takeBack();
    // Text of two steps is two paragraphs, for those who read along and in the final text alike.
    const piece = this.#joined === this.#before && this.#before !== "" ? `\n\n${text}` : text;
    this.#joined += piece;
    emitOf(this.#turn, this.#deps, { type: "run.text", text: piece, soFar: this.#joined });
    this.#turn.stream?.update(this.#joined);
  }

  /** The answer is whole: what an earlier attempt has said is none of it, also where this one said nothing. */
  settle(): void {
    this.#takeBack();
    this.#turn.text = this.#joined;
  }

  /** There is no answer: what was said last is kept. */
  keep(): void {
    this.#turn.text = this.#joined;
  }

  #takeBack(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#joined = this.#before;
    emitOf(this.#turn, this.#deps, { type: "run.restarted", soFar: this.#before });
    this.#turn.stream?.restart(this.#before);
  }
}
