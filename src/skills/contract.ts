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
