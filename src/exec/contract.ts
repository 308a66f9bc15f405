/**
 * Commands: what a line would run, whether it may, and the one way to make it runnable. The store holds what was allowed
 * for good; `exec-approvals.json` is its import and export. Runs nothing itself.
 */
import type { CommandAct } from "../domain/act.ts";
import type { ApprovedCommand } from "../domain/authority.ts";
import type { Taint } from "../domain/taint.ts";

export type ExecSecurity = "deny" | "allowlist" | "full";
export type ExecAsk = "off" | "on-miss" | "always";

/** What runs, as it was seen when it was judged. JSON-safe. */
export interface PlannedCommand {
  /** The line, whole: what a person is shown. */
  readonly text: string;
  /** Words without a shell where the line is one plain command, else the shell with the line as its script. */
  readonly argv: readonly string[];
  readonly usesShell: boolean;
  readonly cwd: string;
  /** Complete: nothing else is in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The programs the line names, by real path; one that was not found is not among them. */
  readonly programs: readonly PinnedFile[];
  /** Files that it would execute as scripts. */
  readonly scripts: readonly PinnedScript[];
  /** SHA-256 over all of the above. */
  readonly binding: string;
}

export interface PinnedFile {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

export interface PinnedScript {
  readonly path: string;
  readonly sha256: string;
}

/** What "always" would write down. */
export interface GrantProposal {
  /** Glob on the program's real path. */
  readonly pattern: string;
  /** Words behind the program that must be the same; null: any. */
  readonly argv: readonly string[] | null;
  /** For people: `git status, in any folder`. */
  readonly says: string;
}

export interface CommandFacts {
  readonly agentId: string;
  readonly act: CommandAct;
  readonly taint: readonly Taint[];
  readonly sandboxed: boolean;
  /** The workspace: what can be written there can be changed by the agent itself. */
  readonly workspace: string;
}

export type CommandVerdict =
  | { readonly effect: "allow"; readonly where: string; readonly says: string; readonly command: PlannedCommand }
  | {
      readonly effect: "ask";
      readonly where: string;
      readonly says: string;
      readonly command: PlannedCommand;
      readonly reasons: readonly string[];
      readonly always: GrantProposal | null;
      readonly fallback: "deny" | "allow";
    }
  | { readonly effect: "deny"; readonly where: string; readonly says: string; readonly message: string };

export interface CommandDesk {
  /** Looks at files, runs nothing. Never throws for a line, however broken. */
  judge(facts: CommandFacts): Promise<CommandVerdict>;
  /**
   * Looks again and makes it runnable. Throws SEC_012 where what would run now is not what was judged (a script changed, a
   * program was exchanged, the folder is gone).
   */
  approve(command: PlannedCommand): Promise<ApprovedCommand>;
  /** Writes down what a person allowed for good; durable when it resolves. */
  grant(agentId: string, proposal: GrantProposal, context: GrantContext): Promise<void>;
  /** A grant was used: its last use is kept, written behind. */
  used(agentId: string, command: PlannedCommand): void;
}

export interface GrantContext {
  readonly by: string;
  readonly atMs: number;
  /** Null: until it is taken back. */
  readonly expiresMs: number | null;
}

/** What was allowed for good, for those who keep the list: `exec.approvals.*`, `openclaw approvals allowlist`. */
export interface ExecApprovals {
  get(): Promise<ApprovalsSnapshot>;
  /**
   * Replaces it. `baseHash`: of what the caller read; null only where nothing is stored yet. Throws RPC_003 for a bad shape,
   * CFG_005 where somebody changed it meanwhile.
   */
  set(file: unknown, baseHash: string | null): Promise<ApprovalsSnapshot>;
  /** Writes `exec-approvals.json`, 0600; resolves with its path. */
  export(): Promise<string>;
}

export interface ApprovalsSnapshot {
  /** Where an export goes and an import came from. */
  readonly path: string;
  /** Whether the store has one. */
  readonly exists: boolean;
  /** Of what was decided; a last use does not change it. */
  readonly hash: string;
  /** Without the socket's token. */
  readonly file: unknown;
}
