/** What the rest of the house may ask of the agent: its turns, by run id, and the models it can use. */
import type { TurnRow } from "../store/port.ts";
import type { ModelInfo } from "../domain/conversation.ts";

export interface Turns {
  /** Stops a running or waiting turn; its text so far is kept. False where nothing of that id runs. */
  abort(runId: string, reason: string): boolean;
  /** Aborts every turn of a session. Returns the run ids. */
  abortSession(sessionKey: string, reason: string): readonly string[];
  /** The terminal row: at once when it has ended, else when it ends; null after the time-out. Works over a restart. */
  wait(runId: string, timeoutMs: number): Promise<TurnRow | null>;
  /** Turns that run now. */
  active(): readonly {
    readonly runId: string;
    readonly sessionKey: string;
    readonly agentId: string;
    readonly startedMs: number;
  }[];
}

export interface ModelCatalogue {
  list(): readonly ModelInfo[];
  /** By reference, alias or bare id. Undefined where unknown. */
  find(name: string): ModelInfo | undefined;
  /** The model an agent uses when nobody says otherwise. */
  primary(agentId: string): ModelInfo | undefined;
}

export interface AgentInfo {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
  readonly model: string | null;
}
