/** What a server answered to a call, as text for a model: words as they are, everything else by its kind and size. */
import { limits } from "../domain/limits.ts";
import { oneLine } from "./shown-schema.ts";

/** Never empty. `failed`: the server says that the tool failed. */
export function resultText(result: Readonly<Record<string, unknown>>): { readonly text: string; failed: boolean } {
  const { content, structuredContent, isError } = result;
  const told: readonly unknown[] = Array.isArray(content) ? content : [];
  const pieces = told.slice(0, limits.mcpContentPieces).map(pieceText);
  if (told.length > limits.mcpContentPieces) pieces.push(`[${told.length - limits.mcpContentPieces} more pieces]`);
  const json = structuredContent === undefined ? null : JSON.stringify(structuredContent);
  // Servers give the same as text for clients that know no other.
  if (json !== null && !pieces.some((piece) => saysTheSame(piece, json))) pieces.push(json);
  const text = pieces.filter((piece) => piece !== "").join("\n");
  return { text: text === "" ? "[nothing]" : text, failed: isError === true };
}

function pieceText(piece: unknown): string {
  const { type, text, data, mimeType, uri, name, resource } = recordOf(piece);
  switch (type) {
    case "text":
      return typeof text === "string" ? text : "";
    case "image":
    case "audio":
      return `[${type}, ${shown(mimeType)}, ${decodedBytes(data)} bytes, not shown]`;
    case "resource_link":
      return `[link to a resource of the server: ${shown(name)} ${shown(uri)}]`;
    case "resource":
      return resourceText(recordOf(resource));
    default:
      return `[a piece of another kind: ${shown(type)}]`;
  }
}

function resourceText({ uri, text, blob, mimeType }: Readonly<Record<string, unknown>>): string {
  const head = `resource ${shown(uri)}`;
  return typeof text === "string" ? `[${head}]\n${text}` : `[${head}, ${shown(mimeType)}, ${decodedBytes(blob)} bytes]`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? oneLine(value, 256) : "unknown";
}

/** Of base64, without decoding it. */
function decodedBytes(data: unknown): number {
  return typeof data === "string" ? Math.floor((data.length * 3) / 4) : 0;
}

function saysTheSame(text: string, json: string): boolean {
  if (text === json) return true;
  try {
    return JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
