/** The servers of the configuration, as they are configured at this moment. Nothing is loaded or started before a turn wants it. */
import { AppError } from "../domain/app-error.ts";
import type { Tool } from "../tools/contract.ts";
import type { McpClients } from "./contract.ts";
import { McpServer } from "./server.ts";
import { serverTool } from "./server-tool.ts";
import type { McpDeps, ServerSettings } from "./settings.ts";

export function createMcpClients(deps: McpDeps): McpClients {
  const servers = new Map<string, McpServer>();
  const ending = new Set<Promise<void>>();
  let isClosed = false;

  /** What was changed or removed is ended; what is new is known, and started when it is wanted. */
  function sync(): void {
    const wanted = isClosed ? {} : deps.config().mcp.servers;
    for (const [name, server] of servers) {
      if (Object.hasOwn(wanted, name) && isSame(server.settings, wanted[name])) continue;
      servers.delete(name);
      const end = server.close();
      ending.add(end);
      void end.finally(() => ending.delete(end));
    }
    for (const [name, settings] of Object.entries(wanted)) {
      if (!servers.has(name)) servers.set(name, new McpServer(name, settings, deps));
    }
  }

  function find(name: string, tool: string, agentId: string): McpServer {
    sync();
    const server = servers.get(name);
    const settings = server?.settings;
    if (server === undefined || settings === undefined || !mayUse(settings, agentId) || !isWanted(settings, tool)) {
      throw new AppError(
        "RUN_003",
        `The tool ${tool} of the MCP server ${name} is not there any more. Go on without it.`,
      );
    }
    return server;
  }

  return {
    async tools(agentId) {
      sync();
      const usable = [...servers.values()].filter(({ settings }) => mayUse(settings, agentId));
      const lists = await Promise.all(
        usable.map(async (server) =>
          (await server.listed()).map((listed) =>
            serverTool(server, listed, {
              find: (asking) => find(server.name, listed.name, asking),
              redact: deps.redact,
            }),
          ),
        ),
      );
      return lists.flat() as readonly Tool[];
    },
    states() {
      sync();
      return [...servers.values()].map((server) => server.state());
    },
    async close() {
      isClosed = true;
      sync();
      await Promise.all(ending);
    },
  };
}

function mayUse({ enabled, agents }: ServerSettings, agentId: string): boolean {
  return enabled && (agents === undefined || agents.includes(agentId));
}

function isWanted({ tools }: ServerSettings, tool: string): boolean {
  return tools === undefined || tools.includes(tool);
}

function isSame(left: ServerSettings, right: ServerSettings | undefined): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
