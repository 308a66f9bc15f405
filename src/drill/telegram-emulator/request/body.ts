/**
 * From an HTTP request to `Params`: query, JSON, form and multipart, where the query wins. Refuses
 * bodies that are too large, of an unknown type or malformed; a body it cannot read never throws.
 */
import type { IncomingMessage } from "node:http";
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, Refusal } from "../refusal.ts";
import { multipartParts } from "./multipart.ts";
import { objectOf, Params, type UploadedFile } from "./params.ts";

/** Rejects where the connection breaks before the end of the body; breaks it itself where there is no end. */
export async function readParams(incoming: IncomingMessage, query: URLSearchParams): Promise<Params | Refusal> {
  const body = await readBody(incoming);
  if (body instanceof Refusal) return body;
  const asked = Object.fromEntries(query);
  if (body.byteLength === 0) return new Params(asked, new Map());
  const type = incoming.headers["content-type"] ?? "";
  const read = readersByType.find(({ begins }) => type.toLowerCase().startsWith(begins))?.read;
  // The real server ignores a body of a type that it does not know.
  if (read === undefined) return new Params(asked, new Map());
  const parsed = read(body, type);
  if (parsed instanceof Refusal) return parsed;
  return new Params({ ...parsed.values, ...asked }, parsed.files);
}

interface ParsedBody {
  readonly values: Readonly<Record<string, unknown>>;
  readonly files: ReadonlyMap<string, UploadedFile>;
}

type Reader = (body: Buffer, type: string) => ParsedBody | Refusal;

const readersByType: readonly { readonly begins: string; readonly read: Reader }[] = [
  { begins: "application/json", read: readJson },
  { begins: "application/x-www-form-urlencoded", read: readForm },
  { begins: "multipart/form-data", read: readMultipart },
];

function readJson(body: Buffer): ParsedBody | Refusal {
  try {
    const values = objectOf(JSON.parse(body.toString("utf8")));
    return values === undefined ? badRequest("JSON object expected") : { values, files: new Map() };
  } catch {
    return badRequest("expected next field or object end");
  }
}

function readForm(body: Buffer): ParsedBody {
  return { values: Object.fromEntries(new URLSearchParams(body.toString("utf8"))), files: new Map() };
}

function readMultipart(body: Buffer, type: string): ParsedBody | Refusal {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  const parts = multipartParts(body, boundary?.[1] ?? boundary?.[2] ?? "");
  if (typeof parts === "string") return badRequest(parts);
  const values: Record<string, unknown> = {};
  const files = new Map<string, UploadedFile>();
  for (const { name, fileName, mimeType, bytes } of parts) {
    if (fileName === null) values[name] = Buffer.from(bytes).toString("utf8");
    else files.set(name, { fileName, mimeType: mimeType ?? "application/octet-stream", bytes });
  }
  return { values, files };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | Refusal> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    // The rest is read and thrown away, so that the client hears the refusal and not a broken pipe.
    if (sizeBytes <= botApiLimits.requestBytes) chunks.push(chunk);
    else chunks.length = 0;
    if (sizeBytes > 2 * botApiLimits.requestBytes) {
      incoming.destroy();
      break;
    }
  }
  if (sizeBytes > botApiLimits.requestBytes) return new Refusal(413, "Request Entity Too Large");
  return Buffer.concat(chunks);
}
