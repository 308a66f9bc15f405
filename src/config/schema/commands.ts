/** `commands`: what a chat message that begins with a slash may do. */
import * as z from "zod";
import { about, names } from "./leaf.ts";

export function commandsSchema() {
  return z.object({
    text: about(z.boolean(), "Whether commands are read from plain messages."),
    native: about(
      z.boolean().meta({ alsoAccepts: { const: "auto" } }),
      "Whether they are registered with platforms that have commands.",
    ),
    config: about(z.boolean(), "Whether /config may change settings."),
    restart: about(z.boolean(), "Whether /restart may restart the gateway."),
    bash: about(z.boolean(), "Whether an owner may run a shell command by message."),
    ownerAllowFrom: about(names(), "Sender ids, channel first, that are owners; a wildcard makes nobody one."),
  });
}
