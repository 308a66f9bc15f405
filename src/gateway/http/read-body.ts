/**
 * Reads a JSON object from a request, within a size, a time and a depth. Refuses before it allocates: the declared
 * length, then the kind, then each chunk, then the nesting, and only then is anything parsed.
 */
import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Exchange } from "./contract.ts";

export interface JsonBody {
  readonly json: Readonly<Record<string, unknown>>;
  /** As it came, for whoever must compare two requests. */
  readonly raw: Buffer;
}

/** Throws MSG_003 (413) when it is too large, RPC_001 (400, 408, 415) when it is not a JSON object in time. */
export async function readJsonBody({ req, clock }: Exchange): Promise<JsonBody> {
  checkSize(req, limits.httpBodyBytes);
  checkKind(req);
  checkEncoding(req);
  const raw = await readInTime({ req, clock }, limits.httpBodyBytes);
  return { json: parseObject(raw), raw };
}

/** The bytes as they came, whatever they are. Throws MSG_003 (413) when they are too many, RPC_001 (400, 408, 415). */
export async function readRawBody({ req, clock }: Pick<Exchange, "req" | "clock">, maxBytes: number): Promise<Buffer> {
  checkSize(req, maxBytes);
  checkEncoding(req);
  return readInTime({ req, clock }, maxBytes);
}

function checkSize(req: IncomingMessage, maxBytes: number): void {
  const declared = req.headers["content-length"];
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes);
}

function checkKind(req: IncomingMessage): void {
  const type = (req.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  // A cross-site form can send text/plain without asking first, so the kind is part of the defence.
  if (type !== "application/json" && !/^application\/[\w.-]+\+json$/.test(type)) {
    throw refusal("Send the body as application/json.", 415);
  }
}

function checkEncoding(req: IncomingMessage): void {
  const encoding = req.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw refusal("Compressed bodies are not accepted.", 415);
}

async function readInTime({ req, clock }: Pick<Exchange, "req" | "clock">, maxBytes: number): Promise<Buffer> {
  const slow = new AbortController();
  const timer = clock.after(limits.httpBodyTimeoutMs, () => slow.abort());
  try {
    return await readBytes(req, slow.signal, maxBytes);
  } finally {
    timer.cancel();
  }
}

function readBytes(req: IncomingMessage, slow: AbortSignal, maxBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const onData = (chunk: Buffer): void => {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) reject(tooLarge(maxBytes));
    else chunks.push(chunk);
  };
  req.on("data", onData);
  req.once("end", () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
  req.once("error", (error) => reject(new AppError("RPC_001", "The request broke off.", { cause: error })));
  req.once("close", () => reject(new AppError("RPC_001", "The request broke off.")));
  slow.addEventListener("abort", () => reject(refusal("The body took too long to arrive.", 408)), { once: true });
  return promise.finally(() => {
    req.off("data", onData);
    chunks.length = 0;
  });
}

function parseObject(raw: Buffer): Readonly<Record<string, unknown>> {
  if (!isUtf8(raw)) throw refusal("The body is not valid UTF-8.");
  if (exceedsDepth(raw, limits.jsonDepth)) throw refusal(`The body is nested deeper than ${limits.jsonDepth} levels.`);
  let json: unknown;
  try {
    json = JSON.parse(raw.toString("utf8"));
  } catch (error) {
    throw new AppError("RPC_001", "The body is not valid JSON.", { cause: error });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw refusal("The body must be a JSON object.");
  }
  return json as Record<string, unknown>;
}

const quote = 0x22;
const backslash = 0x5c;

/** Counts brackets outside strings, without parsing: a few million of them would cost gigabytes once parsed. */
export function exceedsDepth(raw: Uint8Array, maxDepth: number): boolean {
  let depth = 0;
  for (let index = 0; index < raw.length; index += 1) {
    const byte = raw[index];
    if (byte === quote) index = stringEnd(raw, index);
    // [ and {, then ] and }.
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return false;
}

/** Index of the quote that closes the string opened at `start`. Jumps, because an image is one string of megabytes. */
function stringEnd(raw: Uint8Array, start: number): number {
  let index = start;
  for (;;) {
    index = raw.indexOf(quote, index + 1);
    if (index === -1) return raw.length;
    let escapes = 0;
    while (raw[index - 1 - escapes] === backslash) escapes += 1;
    if (escapes % 2 === 0) return index;
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("MSG_003", `The body is larger than ${maxBytes} bytes.`);
}

function refusal(message: string, httpStatus?: number): AppError {
  return new AppError("RPC_001", message, httpStatus === undefined ? {} : { details: { httpStatus } });
}
