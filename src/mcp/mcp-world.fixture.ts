/** Clients of scripted servers, closed with the test. */
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { mcpSchema } from "../config/schema/mcp.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import type { Resolve } from "../platform/egress/connector.ts";
import type { Log, LogFields } from "../platform/log.ts";
import type { Tool, ToolOutput } from "../tools/contract.ts";
import { runTool } from "../tools/run-tool.ts";
import { toolContext } from "../tools/tool-context.fixture.ts";
import { createMcpClients } from "./clients.ts";
import type { McpClients } from "./contract.ts";

export interface McpWorld {
  readonly clients: McpClients;
  /** Messages of the log with their fields, as JSON. */
  readonly logged: string[];
  /** Another configuration from now on. */
  configure(servers: object): void;
  tool(name: string): Promise<Tool>;
  /** What a call of `mcp__s__echo`, or of another tool, gives, as a turn would have it. */
  call(input?: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<string>;
}

export interface CallOptions {
  readonly name?: string;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

export interface McpWorldOptions {
  readonly clock?: Clock;
  readonly resolve?: Resolve;
  readonly environment?: Readonly<Record<string, string>>;
  readonly redact?: (text: string) => string;
}

export const scriptedServer = fileURLToPath(new URL("scripted-server.fixture.ts", import.meta.url));
/** Of the package, not of this one: what other people run. */
export const everythingServer = fileURLToPath(
  new URL("../../node_modules/@modelcontextprotocol/server-everything/dist/index.js", import.meta.url),
);

export function scripted(mode: string, ...words: readonly string[]): object {
  return { command: process.execPath, args: [scriptedServer, mode, ...words] };
}

export function configWithServers(servers: object, config: Config = defaultConfig()): Config {
  return { ...config, mcp: mcpSchema().parse({ servers }) };
}

export function openMcpWorld(servers: object, options: McpWorldOptions = {}): McpWorld {
  const clock = options.clock ?? systemClock();
  let config = configWithServers(servers);
  const logged: string[] = [];
  const clients = createMcpClients({
    config: () => config,
    clock,
    log: recordingLog(logged),
    hostEnvironment: () => options.environment ?? { PATH: process.env["PATH"] ?? "", HOME: tmpdir() },
    homeDir: tmpdir(),
    redact: options.redact ?? ((text) => text),
    version: "0.0.0",
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
  });
  onTestFinished(() => clients.close());
  const world: McpWorld = {
    clients,
    logged,
    configure(next) {
      config = configWithServers(next);
    },
    async tool(name) {
      const found = (await toolsOf(clients)).find((tool) => tool.name === name);
      if (found === undefined) throw new Error(`no ${name}: ${JSON.stringify(clients.states())}`);
      return found;
    },
    async call(input = {}, { name = "mcp__s__echo", signal, clock: timed } = {}) {
      const output = await runTool(
        await world.tool(name),
        input,
        toolContext({ clock: timed ?? clock, ...(signal === undefined ? {} : { signal }) }),
      );
      return textOf(output);
    },
  };
  return world;
}

/** All there will be: a machine that is busy takes longer than a turn would wait. */
export async function toolsOf(clients: McpClients): Promise<readonly Tool[]> {
  await clients.tools("main");
  const isStarting = () => clients.states().some(({ state }) => state === "starting");
  await expect.poll(isStarting, { timeout: 20_000 }).toBe(false);
  return await clients.tools("main");
}

function textOf(output: ToolOutput): string {
  return output.from === undefined ? output.text : `${output.from.class} ${output.from.source}: ${output.text}`;
}

function recordingLog(lines: string[]): Log {
  const write = (message: string, fields?: LogFields): void =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log: Log = {
    trace: write,
    debug: write,
    info: write,
    warn: write,
    error: write,
    fatal: write,
    child: () => log,
  };
  return log;
}
