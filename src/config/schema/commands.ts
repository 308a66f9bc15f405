/** `commands`: what a chat message that begins with a slash may do. */
import * as z from "zod";
import { names } from "./leaf.ts";

export function commandsSchema() {
  return z.object({
    text: z.boolean().describe("Whether commands are read from plain messages."),
    native: z
      .boolean()
      .meta({ alsoAccepts: { const: "auto" } })
      .describe("Whether they are registered with platforms that have commands."),
    config: z.boolean().describe("Whether /config may change settings."),
    restart: z.boolean().describe("Whether /restart may restart the gateway."),
    bash: z.boolean().describe("Whether an owner may run a shell command by message."),
    ownerAllowFrom: names().describe("Sender ids, channel first, that are owners; a wildcard makes nobody one."),
  });
}
