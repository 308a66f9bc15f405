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
  /** Throws SEC_007 where a folder may not be mounted (a socket of docker, the state directory, the house's root). */
  box(command: ApprovedCommand, bounds: SandboxBounds): Promise<BoxedCommand>;
}

/** What was found when the gateway started; `none` says in one sentence why there is none. */
export type FoundSandbox =
  | { readonly found: true; readonly sandbox: Sandbox }
  | { readonly found: false; readonly why: string };
