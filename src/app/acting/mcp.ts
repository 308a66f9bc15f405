/** The MCP servers of the configuration, with what they need of the house. */
import type { ConfigHandle } from "../../config/access.ts";
import { createMcpClients } from "../../mcp/clients.ts";
import type { McpClients } from "../../mcp/contract.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { Redactor } from "../../platform/redact.ts";
import { version } from "../version.ts";

export interface McpOptions {
  readonly config: Pick<ConfigHandle, "current" | "environment" | "subscribe">;
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Pick<Redactor, "known">;
}

/** Loads and starts nothing; the caller closes it. */
export function openMcp({ config, clock, log, redactor }: McpOptions): McpClients {
  const clients = createMcpClients({
    config: () => config.current().config,
    clock,
    log: log.child("mcp"),
    hostEnvironment: () => config.environment().variables,
    homeDir: config.environment().homeDir,
    redact: (text) => redactor.known(text),
    version,
  });
  // What was taken out of the configuration ends now, and not when a turn comes by.
  const unsubscribe = config.subscribe(() => void clients.states());
  return {
    ...clients,
    async close() {
      unsubscribe();
      await clients.close();
    },
  };
}
