/** What a drill with real processes is given by those who know the program, its configuration and its store. */
import type { Evidence } from "../simulation/house.ts";
import type { SaidMessage } from "../truth.ts";

export interface DrillPort {
  /** The program and its first words, e.g. `node bin/openclaw.mjs`. */
  readonly program: readonly [string, ...string[]];
  /** For finding programs; nothing else of the caller's environment reaches a child. */
  readonly path: string;
  readonly version: string;
  /** What stands in front of a message that may be a repetition. */
  readonly repeatLabel: string;
  /** What is written in the user's configuration, and every secret in it: none of these may be in the copy. */
  readonly written: unknown;
  readonly secrets: readonly string[];
  /** What the store of a gateway that has ended tells. */
  evidence(stateDir: string, said: readonly SaidMessage[]): Promise<Evidence>;
}
