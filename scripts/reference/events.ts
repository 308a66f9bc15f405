/** docs/reference/events.md, from the declarations of what a client can be sent. */
import { z } from "zod";
import { events } from "../../src/protocol/events.ts";
import { code, page, table } from "./page.ts";
import { typeText, type JsonSchema } from "./schema-text.ts";

export function render(): string {
  const all = Object.values(events);
  return page("Events", "What the gateway tells a connected client, and the scope it takes to hear it.", [
    table(
      ["Event", "Scope", "In the tutorial's dialect", "When"],
      all.map((event) => [
        code(event.name),
        event.scope === null ? "everyone" : code(event.scope),
        code(event.tutorialName ?? ""),
        event.summary,
      ]),
    ),
    ...all.map((event) => {
      const payload = typeText(z.toJSONSchema(event.payload, { unrepresentable: "any" }) as JsonSchema);
      return `## ${event.name}\n\n${event.summary}\n\n\`\`\`ts\ntype Payload = ${payload};\n\`\`\``;
    }),
  ]);
}
