/** `mcp`: programs and services that speak the Model Context Protocol, whose tools agents may use. */
import * as z from "zod";
import { limits } from "../../domain/limits.ts";
import { about, filePath, names, positive, record, secret } from "./leaf.ts";

export function mcpSchema() {
  return z.object({
    servers: about(
      record(serverSchema()),
      "Servers by name (a-z, 0-9 and -); their tools are called mcp__NAME__TOOL, and `tools` says who may use them.",
    ),
  });
}

function serverSchema() {
  // A list to allow tools under a misspelt name would allow all of them: here it is an error.
  return z.strictObject({
    enabled: about(z.boolean().default(true), "Whether it is used."),
    command: about(z.string().min(1).optional(), "Program that is started and spoken to; no shell reads it."),
    args: about(names().default([]), "Its arguments."),
    env: about(record(secret()).default({}), "What its environment holds beyond PATH, HOME and the locale."),
    cwd: about(filePath().optional(), "Folder it is started in; the home directory where absent."),
    url: about(
      z.url({ protocol: /^https?$/, error: "expected an http or https address" }).optional(),
      "Address of a server that runs already, in place of command.",
    ),
    headers: about(record(secret()).default({}), "Sent with every request to that address, and to no other."),
    transport: about(z.enum(["http", "sse"]).default("http"), "How the address is spoken to; sse is the older way."),
    privateNetwork: about(
      z.boolean().default(false),
      "Whether the name in url may stand for a private address; an address written in numbers and localhost need no word.",
    ),
    tools: about(names().optional(), "Tools of it that are used, by its own names; all where absent."),
    readOnly: about(
      names().default([]),
      "Tools of it that you know to change nothing; what the server itself says of that is not believed.",
    ),
    agents: about(names().optional(), "Agents that may use it; all where absent."),
    timeoutSeconds: about(positive().max(limits.mcpCallSeconds).default(60), "Longest time of one call."),
  });
}
