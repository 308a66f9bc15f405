/** Boxes for commands: what is found on this machine, and how a command that was allowed is put into one. Runs nothing itself. */
import type { ApprovedCommand } from "../domain/authority.ts";

export type SandboxKind = "bubblewrap" | "docker";

/** What a command may reach and use. */
export interface SandboxBounds {
  /** Absolute, real. */
  readonly workspace: string;
  readonly workspaceAccess: "none" | "ro" | "rw";
  readonly network: boolean;
  readonly memoryMb: number;
  /** Processes and threads at the same time. */
  readonly processes: number;
  /** One file it writes. */
  readonly fileMb: number;
  /** Further folders, real and absolute, read-only unless said otherwise. */
  readonly binds: readonly { readonly path: string; readonly access: "ro" | "rw" }[];
}

/** What is started in the command's place. */
export interface BoxedCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Ends whatever is left of it. Idempotent, never throws. */
  release(): Promise<void>;
}

export interface Sandbox {
  readonly kind: SandboxKind;
  /** For people: `bubblewrap 0.8.0`. */
  readonly version: string;
  readonly limits: SandboxLimits;
  /** Throws SEC_007 where a folder may not be mounted (a socket of docker, the state directory, the house's root). */
  box(command: ApprovedCommand, bounds: SandboxBounds): Promise<BoxedCommand>;
}

/** Which bounds hold here, as it was tried. */
export interface SandboxLimits {
  /** `box`: all that runs in one box together; `process`: each process for itself. */
  readonly memory: "box" | "process";
  /** Whether the number of processes is bounded: not where the gateway is root and has no control group. */
  readonly processes: boolean;
  /** Why a bound is weaker than it could be; null where none is. For people. */
  readonly note: string | null;
}

/** What was found when the gateway started; `none` says in one sentence why there is none. */
export type FoundSandbox =
  | { readonly found: true; readonly sandbox: Sandbox }
  | { readonly found: false; readonly why: string };

/** Where a command of a session runs. */
export type BoxChoice =
  /** No sandbox is asked for. */
  | { readonly kind: "open" }
  | { readonly kind: "box"; readonly sandbox: Sandbox; readonly bounds: SandboxBounds }
  /** A sandbox is asked for and there is none: the command does not run. */
  | { readonly kind: "refused"; readonly why: string };

/** What decides it: the session, and nothing that a call says. */
export interface BoxedSession {
  readonly agentId: string;
  readonly sessionKey: string;
}

export interface SandboxDesk {
  /** Looks for a sandbox on first use. Throws SEC_007 where the workspace or a bind may not be mounted. */
  choose(session: BoxedSession & { readonly workspace: string }): Promise<BoxChoice>;
}
