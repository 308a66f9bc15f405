/**
 * What a tool call does to the world beyond answering, told before it runs: what policy judges, and what a person is
 * shown. Pure data, JSON-safe.
 */
import type { Address } from "./message.ts";

export type Act =
  /** Reads or computes; nobody outside notices. */
  | { readonly kind: "look" }
  /** Opens a file. `path` as it was resolved; `inside` the agent's workspace or not. */
  | { readonly kind: "file"; readonly path: string; readonly access: "read" | "write"; readonly inside: boolean }
  | CommandAct
  /**
   * Asks a public address for something; the address itself can carry words out. `known`: it stands word for word in what
   * people said or in what was read; absent where nobody looked.
   */
  | { readonly kind: "fetch"; readonly url: string; readonly known?: boolean }
  /** Says something in a chat. `own`: it is the chat that the turn answers anyway. */
  | { readonly kind: "message"; readonly to: Address; readonly own: boolean; readonly text: string }
  /** Writes to another session of the house, or starts one. */
  | { readonly kind: "session"; readonly sessionKey: string; readonly agentId: string; readonly text: string }
  /** Reads or changes what is remembered. */
  | { readonly kind: "memory"; readonly access: "read" | "write" }
  /** Calls a tool of another program. `server`: as it is configured; `text`: what it is called with, shown and consented to. */
  | {
      readonly kind: "server";
      readonly server: string;
      readonly tool: string;
      readonly readOnly: boolean;
      readonly text?: string;
    };

/** Runs a command. `text` is the model's, word for word: a shell's line. */
export interface CommandAct {
  readonly kind: "command";
  readonly text: string;
  /** Absolute. */
  readonly cwd: string;
  /** What the call adds to the environment; the allow-list decides what of it stays. */
  readonly env: Readonly<Record<string, string>>;
}
