/** What is said of servers that speak MCP: each has a name that its tools can carry, one way to it, and agents that there are. */
import { limits } from "../../domain/limits.ts";
import type { KeyPath } from "../dot-path.ts";
import type { Config } from "../schema/root.ts";
import type { Finding } from "./finding.ts";

type Server = Config["mcp"]["servers"][string];

export function mcpFindings({ mcp, agents }: Config): Finding[] {
  const entries = Object.entries(mcp.servers);
  const known = agents.list.length > 0 ? agents.list.map(({ id }) => id) : ["main"];
  const surplus = entries.length - limits.mcpServers;
  return [
    ...(surplus > 0 ? [broken(["mcp", "servers"], `names more than ${limits.mcpServers} servers`)] : []),
    ...entries.flatMap(([name, server]) => serverFindings(["mcp", "servers", name], { name, server, known })),
  ];
}

interface Named {
  readonly name: string;
  readonly server: Server;
  readonly known: readonly string[];
}

function serverFindings(base: KeyPath, { name, server, known }: Named): Finding[] {
  const findings: Finding[] = [];
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name.length > limits.mcpServerNameChars) {
    findings.push(
      broken(base, `is no name of a server: a-z, 0-9 and single -, at most ${limits.mcpServerNameChars} characters`),
    );
  }
  if ((server.command === undefined) === (server.url === undefined)) {
    findings.push(broken(base, "needs either command or url"));
  }
  const ofOther = server.command === undefined ? ofProgram : ofAddress;
  for (const key of ofOther.filter((one) => isSaid(server[one]))) {
    findings.push(broken([...base, key], server.command === undefined ? "goes with command" : "goes with url"));
  }
  for (const [index, agent] of (server.agents ?? []).entries()) {
    if (!known.includes(agent)) findings.push(broken([...base, "agents", index], `${agent} is not an agent`));
  }
  if (server.url !== undefined && /^https?:\/\/[^/?#]*@/i.test(server.url)) {
    findings.push(broken([...base, "url"], "holds credentials; say them in headers"));
  }
  for (const [header, value] of Object.entries(server.headers)) {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(header) || /[\r\n\0]/.test(value)) {
      findings.push(broken([...base, "headers", header], "is no header"));
    }
  }
  for (const [variable, value] of Object.entries(server.env)) {
    if (/[=\0]/.test(variable) || variable === "" || value.includes("\0")) {
      findings.push(broken([...base, "env", variable], "is no variable"));
    }
  }
  return findings;
}

const ofProgram = ["args", "env", "cwd"] as const;
const ofAddress = ["headers", "privateNetwork"] as const;

function isSaid(value: unknown): boolean {
  if (value === undefined || value === false) return false;
  return typeof value !== "object" || value === null || Object.keys(value).length > 0;
}

function broken(path: KeyPath, message: string): Finding {
  return { path, message, weight: "broken" };
}
