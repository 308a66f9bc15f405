/** docs/reference/rpc.md, from the method declarations. */
import { z } from "zod";
import { aliases, methodGroups } from "../../src/protocol/registry.ts";
import type { MethodDeclaration } from "../../src/protocol/method.ts";
import { code, page, table } from "./page.ts";
import { typeText, type JsonSchema } from "./schema-text.ts";

export function render(): string {
  const groups = Object.entries<readonly MethodDeclaration[]>(methodGroups);
  const all = groups.flatMap(([, methods]) => methods);
  return page(
    "Methods",
    "What a client may call over WebSocket, and the scope it needs. `hello-ok` lists what this gateway has right now.",
    [
      table(
        ["Method", "Scope", "What it does"],
        all.map((method) => [`[${code(method.name)}](#${anchor(method.name)})`, scopeOf(method), method.summary]),
      ),
      ...groups.map(([group, methods]) => [`## ${group}`, ...methods.map(methodSection)].join("\n\n")),
      "## Older names",
      table(
        ["Older name", "Means"],
        aliases.map(({ alias, canonical }) => [code(alias.name), code(canonical.name)]),
      ),
    ],
  );
}

function methodSection(method: MethodDeclaration): string {
  const facts = [
    `Scope: ${scopeOf(method)}.`,
    ...(method.idempotent === true ? ["Takes an `idempotencyKey`: the same key has one effect."] : []),
  ];
  const types = `type Params = ${schemaText(method.params, "input")};\ntype Result = ${schemaText(method.result, "output")};`;
  return `### ${method.name}\n\n${method.summary} ${facts.join(" ")}\n\n\`\`\`ts\n${types}\n\`\`\``;
}

function schemaText(schema: z.ZodType, io: "input" | "output"): string {
  return typeText(z.toJSONSchema(schema, { unrepresentable: "any", io }) as JsonSchema);
}

function scopeOf(method: MethodDeclaration): string {
  return method.scope === null ? "none" : code(method.scope);
}

function anchor(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9_-]/g, "");
}
