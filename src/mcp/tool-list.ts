/**
 * Reads the list of tools that a server gives: each under a name that is its own and nobody else's, in bounds, and one that
 * cannot be used is left out with a reason instead of spoiling the rest.
 */
import { createHash } from "node:crypto";
import { hasHidden } from "../domain/visible-text.ts";
import { limits } from "../domain/limits.ts";
import { neutralised } from "../domain/external.ts";
import { oneLine, shownSchema, type ShownSchema } from "./shown-schema.ts";

export interface ListedTool {
  /** As the server calls it. */
  readonly name: string;
  /** `mcp__<server>__<tool>`, as models and rules call it. */
  readonly shownName: string;
  readonly description: string;
  readonly schema: ShownSchema;
  /** What the server says of it: repeating it does nothing more. */
  readonly saysRepeatable: boolean;
}

export interface ReadList {
  readonly tools: readonly ListedTool[];
  /** What is not used, and why; for people. */
  readonly refused: readonly string[];
}

/** `wanted`: by the server's names; null: all. */
export function readToolList(server: string, told: readonly unknown[], wanted: readonly string[] | null): ReadList {
  const tools = new Map<string, ListedTool>();
  const refused: string[] = [];
  const leaveOut = (name: string, why: string): void => {
    if (refused.length < limits.mcpToolsPerServer) refused.push(`${JSON.stringify(oneLine(name, 64))}: ${why}`);
  };
  // What the operator chose is looked for first, so that a long list cannot crowd it out.
  for (const one of told) {
    const { name, description, inputSchema, annotations } = recordOf(one);
    if (typeof name !== "string" || !isUsableName(name)) {
      leaveOut(typeof name === "string" ? name : "", "its name cannot be used");
      continue;
    }
    if (wanted !== null && !wanted.includes(name)) continue;
    const shownName = shownNameOf(server, name);
    if (tools.has(shownName)) {
      leaveOut(name, "there is another one of that name");
      continue;
    }
    if (tools.size >= limits.mcpToolsPerServer) {
      leaveOut(name, `only ${limits.mcpToolsPerServer} tools of a server are used`);
      continue;
    }
    const schema = shownSchema(inputSchema);
    if (isRefused(schema)) {
      leaveOut(name, schema.refused);
      continue;
    }
    const { readOnlyHint, idempotentHint } = recordOf(annotations);
    tools.set(shownName, {
      name,
      shownName,
      description: describe(server, description),
      schema,
      saysRepeatable: readOnlyHint === true && idempotentHint === true,
    });
  }
  return { tools: [...tools.values()], refused };
}

/** What it says of itself stands in quotation marks, on one line, with a name to it. */
function describe(server: string, told: unknown): string {
  const words = typeof told === "string" ? oneLine(told, limits.mcpDescriptionBytes).replaceAll('"', "'") : "";
  const whose = `A tool of the MCP server ${server}`;
  return words === "" ? `${whose}.` : `${whose}, which says of it: "${words}"`;
}

function isUsableName(name: string): boolean {
  return (
    name.trim() !== "" &&
    name.length <= limits.mcpToolNameChars &&
    !hasHidden(name) &&
    !/[\n\t]/.test(name) &&
    neutralised(name, "foreign") === name
  );
}

/**
 * Letters, digits, `_` and `-` stay. A name with anything else, or too long, gets a mark made from all of it, so that two
 * names never become one.
 */
export function shownNameOf(server: string, name: string): string {
  const prefix = `mcp__${server}__`;
  const plain = name.replaceAll(/[^A-Za-z0-9_-]/g, "_");
  const room = limits.mcpShownNameChars - prefix.length;
  if (plain === name && name.length <= room) return `${prefix}${name}`;
  const mark = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${prefix}${plain.slice(0, room - mark.length - 1)}_${mark}`;
}

function isRefused(schema: ReturnType<typeof shownSchema>): schema is { readonly refused: string } {
  return typeof schema["refused"] === "string";
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
