/**
 * What an agent's folder says to it: workspace files (AGENTS.md, SOUL.md, …) and skills (`SKILL.md` packs), read once a turn.
 * What is changed meanwhile counts from the next turn.
 */

export interface SkillInfo {
  readonly name: string;
  readonly description: string;
  /** Where it lies: absolute folder. */
  readonly folder: string;
  readonly source: "bundled" | "managed" | "workspace" | "extra";
  readonly eligible: boolean;
  /** Why not, for people: a missing program, variable, setting or system. Empty where it may be used. */
  readonly missing: readonly string[];
  readonly emoji: string | null;
  readonly homepage: string | null;
}

/** What one turn is told of its folder. */
export interface Surroundings {
  /** SHA-256 of everything below; in the trace of the turn. */
  readonly hash: string;
  /** Parts of the system prompt, in order, each within its bound. */
  readonly sections: readonly { readonly name: string; readonly text: string }[];
  /** Skills the turn may use, as they were then. */
  readonly skills: readonly SkillInfo[];
}

export interface SurroundingsReader {
  /** Cheap where nothing changed. Never throws: what cannot be read is left out and logged. */
  read(turn: {
    readonly agentId: string;
    readonly isMain: boolean;
    readonly isFirstOfSession: boolean;
  }): Promise<Surroundings>;
}

/** One of the files of a workspace that have a name of their own. */
export interface AgentFile {
  readonly name: string;
  readonly missing: boolean;
  readonly sizeBytes: number;
  readonly updatedMs: number | null;
}

/** The files of a workspace that people edit from afar: known names alone, no paths. Throws RPC_007 for any other name or agent. */
export interface AgentFiles {
  list(agentId: string): Promise<{ readonly workspace: string; readonly files: readonly AgentFile[] }>;
  get(agentId: string, name: string): Promise<AgentFile & { readonly content: string }>;
  /** Whole or not at all, also when the process dies. Throws MSG_003 where it is too large, STORE_… as a write does. */
  set(agentId: string, name: string, content: string): Promise<AgentFile>;
}

export interface SkillDesk {
  list(agentId: string): Promise<readonly SkillInfo[]>;
  /** Programs that any pack of any agent asks for. */
  bins(): Promise<readonly string[]>;
  /** What a person can run to get what a pack needs; the gateway installs no programs. Throws RPC_007 for unknown ones. */
  installHint(agentId: string, name: string, installId: string): Promise<string>;
  /**
   * Puts a pack that came as a zip file on the shelf of all agents, whole or not at all; one of the same name is replaced.
   * Returns its name. Throws RPC_003 in plain words for what is no pack, MSG_003 for one that is or unpacks too large.
   */
  install(zip: Uint8Array): Promise<string>;
}
