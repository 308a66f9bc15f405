/** What a gateway without MCP servers pays for them. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

/** Names what is loaded of the protocol's library, first without a server and then with one. */
const program = `
  import { registerHooks } from "node:module";
  let loaded = 0;
  registerHooks({
    resolve(name, context, next) {
      if (name.startsWith("@modelcontextprotocol/")) loaded += 1;
      return next(name, context);
    },
  });
  const { createMcpClients } = await import(process.argv[1]);
  const log = { child: () => log, warn() {}, debug() {} };
  const clock = { monotonicMs: () => 0, after: () => ({ cancel() {} }) };
  let servers = {};
  const config = () => ({ mcp: { servers } });
  const clients = createMcpClients({ config, clock, log, hostEnvironment: () => ({}), homeDir: "/", redact: String, version: "0" });
  await clients.tools("main");
  clients.states();
  const before = loaded;
  servers = { s: { enabled: true, command: "/nowhere", args: [], env: {}, readOnly: [], timeoutSeconds: 1 } };
  clients.states();
  const configured = loaded;
  await clients.tools("main");
  console.log(JSON.stringify({ before, configured, wanted: loaded > 0 }));
`;

describe("the protocol's library", () => {
  it("W13: is loaded when a turn wants a server, and not before", async () => {
    const clients = new URL("clients.ts", import.meta.url).href;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program, clients]);
    expect(JSON.parse(stdout)).toEqual({ before: 0, configured: 0, wanted: true });
  });
});
