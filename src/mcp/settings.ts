/** One server as it is configured, and what every server needs of the house. */
import type { Config } from "../config/schema/root.ts";
import type { Clock } from "../platform/clock.ts";
import type { Resolve } from "../platform/egress/connector.ts";
import type { Log } from "../platform/log.ts";

export type ServerSettings = Config["mcp"]["servers"][string];

export interface McpDeps {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Log;
  /** The host's environment, of which a program is given what is on a list. */
  readonly hostEnvironment: () => Readonly<Record<string, string | undefined>>;
  /** Absolute; the folder of a program where none is configured. */
  readonly homeDir: string;
  /** Takes secrets out that the house knows. */
  readonly redact: (text: string) => string;
  /** This program's, told to servers. */
  readonly version: string;
  /** Every address of a name; the system's resolver where absent. */
  readonly resolve?: Resolve;
}
