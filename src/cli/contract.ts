/** What a command is given. One object, so that a test can run any command without a terminal or a process. */
import type { Command } from "commander";
import type { Environment } from "../config/environment.ts";
import type { GatewayClient } from "./gateway-client.ts";
import type { Output } from "./output.ts";

export interface CliContext {
  readonly environment: Environment;
  readonly output: Output;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /**
   * A connection to the gateway that the options and the environment name. Throws SYS_002 where there is none. It ends with
   * `signal`, but where the command has something to say to the gateway then.
   */
  connect(options: ConnectOptions, how?: { readonly outlivesSignal: boolean }): Promise<GatewayClient>;
  /** Sets the exit code of a command that ended without an error. */
  exit(code: number): void;
}

/** Options that every command which talks to the gateway takes. */
export interface ConnectOptions {
  readonly url?: string;
  readonly token?: string;
  readonly timeout?: string;
}

/** A command's module: adds itself, with its subcommands and options, to the program. */
export interface CommandModule {
  register(program: Command, context: CliContext): void;
}
