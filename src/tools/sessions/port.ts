/**
 * What the tools about sessions need of the house. Whoever asks is known from its turn and never from the model's words;
 * what it may not see is to it as if it were not there.
 */
import type { BornRights } from "../../domain/turn-origin.ts";
import type { ToolContext } from "../contract.ts";

/** Whose turn asks. */
export type Asker = Pick<ToolContext, "sessionKey" | "agentId" | "isOwner">;

export interface ShownSession {
  readonly sessionKey: string;
  readonly agentId: string;
  readonly label: string | null;
  readonly updatedMs: number;
  readonly messageCount: number;
  /** The session whose turn started it; null where a person's message did. */
  readonly spawnedBy: string | null;
}

export interface ShownLine {
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly atMs: number;
}

export interface SessionsPort {
  /** Those that it may see, last changed first. */
  list(asker: Asker, options: { readonly limit: number; readonly search?: string }): Promise<readonly ShownSession[]>;
  /** Null where there is no such session for it. `named` is text of the model: any way of writing a key. */
  find(asker: Asker, named: string): Promise<ShownSession | null>;
  /** What was said, oldest first, the newest `limit`. Only of what `find` gave. */
  lines(sessionKey: string, limit: number): Promise<readonly ShownLine[]>;
}

/** A turn that another turn asks for. The same `runId` is the same order: it is carried out once. */
export interface Errand {
  /** Made of the asking run and call. */
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly text: string;
  readonly born: BornRights;
  readonly model?: string;
  readonly label?: string;
  /** True: its end is told to the session that asks, as a message, once. */
  readonly announce: boolean;
}

export type ErrandEnd =
  | { readonly state: "ended"; readonly outcome: "final" | "aborted" | "error"; readonly text: string }
  /** It goes on; its end is told to the session that asked. */
  | { readonly state: "running" };

export interface ErrandPort {
  /** A helper: counts among those that run at once. Throws RUN_003 with words for the model where it cannot begin. */
  spawn(errand: Errand): Promise<void>;
  /** A message to a session that is there. The same throws. */
  send(errand: Errand): Promise<void>;
  /** How it ended, or that it goes on when the time is over. Rejects with the signal's reason. */
  wait(runId: string, timeoutMs: number, signal: AbortSignal): Promise<ErrandEnd>;
}
