/**
 * The typed frames of protocols 3 and 4: what they are, and the fast way to read and write them. A frame is stitched
 * from strings that are JSON already, so that a payload sent to many clients is serialised once.
 */
import { z } from "zod";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { WireError } from "./error-shape.ts";

export const requestFrameSchema = z.strictObject({
  type: z.literal("req"),
  id: z.string().min(1),
  method: z.string().min(1),
  params: z.unknown().optional(),
  traceparent: z.string().max(128).optional(),
  expectedProfileId: z.string().optional(),
});
export type RequestFrame = z.infer<typeof requestFrameSchema>;

export const wireErrorSchema = z.strictObject({
  code: z.string().min(1),
  message: z.string().min(1),
  details: z.record(z.string(), z.unknown()).optional(),
  retryable: z.boolean().optional(),
  retryAfterMs: z.number().int().nonnegative().optional(),
});

export const responseFrameSchema = z.strictObject({
  type: z.literal("res"),
  id: z.string().min(1),
  ok: z.boolean(),
  payload: z.unknown().optional(),
  error: wireErrorSchema.optional(),
});
export type ResponseFrame = z.infer<typeof responseFrameSchema>;

export const stateVersionSchema = z.strictObject({
  presence: z.number().int().nonnegative(),
  health: z.number().int().nonnegative(),
});
export type StateVersion = z.infer<typeof stateVersionSchema>;

export const eventFrameSchema = z.strictObject({
  type: z.literal("event"),
  event: z.string().min(1),
  payload: z.unknown().optional(),
  seq: z.number().int().nonnegative().optional(),
  stateVersion: stateVersionSchema.optional(),
});
export type EventFrame = z.infer<typeof eventFrameSchema>;

/** A request as the dispatcher sees it, whichever dialect it came in. `params` is untrusted. */
export interface Request {
  readonly id: string;
  readonly method: string;
  readonly params: unknown;
}

export type Decoded =
  | { readonly ok: true; readonly request: Request }
  /** `id` is the sender's where one could be read, so that its caller learns of the failure. */
  | { readonly ok: false; readonly id: string; readonly error: AppError };

/** An event ready to leave. The strings are JSON. */
export interface OutgoingEvent {
  readonly name: string;
  readonly payload: string;
  /** What the tutorial's dialect calls it; null where that dialect has no such event. */
  readonly tutorialName: string | null;
  readonly stateVersion?: string;
}

/** One way of writing the same conversation. Pure; one per dialect. */
export interface Codec {
  readonly dialect: "typed" | "tutorial";
  /** Never throws. */
  decode(text: string): Decoded;
  response(id: string, payload: string): string;
  failure(id: string, error: WireError): string;
  /** Null where the dialect does not know the event. */
  event(event: OutgoingEvent, seq: number): string | null;
}

/** The id of an answer to a frame whose own id could not be read. A response id is never empty. */
export const unreadableFrameId = "invalid-frame";

export const typedCodec: Codec = Object.freeze({
  dialect: "typed",
  decode: decodeTyped,
  response: (id: string, payload: string) => `{"type":"res","id":${JSON.stringify(id)},"ok":true,"payload":${payload}}`,
  failure: (id: string, error: WireError) =>
    `{"type":"res","id":${JSON.stringify(id)},"ok":false,"error":${JSON.stringify(error)}}`,
  event: (event: OutgoingEvent, seq: number) => {
    const versions = event.stateVersion === undefined ? "" : `,"stateVersion":${event.stateVersion}`;
    return `{"type":"event","event":"${event.name}","payload":${event.payload},"seq":${seq}${versions}}`;
  },
});

/** Any JSON object of a frame, or why it is none. Shared by the dialects. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | AppError {
  // Before it is parsed: brackets that are a few megabytes of text are gigabytes of objects.
  if (isNestedDeeper(text, limits.jsonDepth))
    return new AppError("RPC_001", `invalid request frame: nested deeper than ${limits.jsonDepth} levels`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return new AppError("RPC_001", "invalid request frame: not valid JSON", { cause: error });
  }
  return isRecord(parsed) ? parsed : new AppError("RPC_001", "invalid request frame: must be object");
}

/** Counts brackets outside strings. A text that is too short to hold so many is not even looked at. */
function isNestedDeeper(text: string, maxDepth: number): boolean {
  if (text.length <= maxDepth) return false;
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit === quote) index = stringEnd(text, index);
    // [ and {, then ] and }.
    else if (unit === 0x5b || unit === 0x7b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (unit === 0x5d || unit === 0x7d) depth -= 1;
  }
  return false;
}

const quote = 0x22;
const backslash = 0x5c;

/** Index of the quote that closes the string opened at `start`. Jumps: a file in a frame is one string of megabytes. */
function stringEnd(text: string, start: number): number {
  let index = start;
  for (;;) {
    index = text.indexOf('"', index + 1);
    if (index === -1) return text.length;
    let escapes = 0;
    while (text.charCodeAt(index - 1 - escapes) === backslash) escapes += 1;
    if (escapes % 2 === 0) return index;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function decodeTyped(text: string): Decoded {
  const frame = parseObject(text);
  if (frame instanceof AppError) return { ok: false, id: unreadableFrameId, error: frame };
  const { id, method } = frame;
  if (frame["type"] === "req" && typeof id === "string" && id !== "" && typeof method === "string" && method !== "") {
    const extra = unknownKey(frame);
    if (extra === null) return { ok: true, request: { id, method, params: frame["params"] } };
  }
  return {
    ok: false,
    id: readableId(id),
    error: new AppError("RPC_001", `invalid request frame: ${frameFault(frame)}`),
  };
}

export function readableId(id: unknown): string {
  return typeof id === "string" && id !== "" ? id : unreadableFrameId;
}

function unknownKey(frame: Readonly<Record<string, unknown>>): string | null {
  for (const key in frame) if (!Object.hasOwn(requestFrameSchema.shape, key)) return key;
  return null;
}

/** The first thing that is wrong, in the words that clients of the protocol know. */
function frameFault(frame: Readonly<Record<string, unknown>>): string {
  for (const key of ["type", "id", "method"]) {
    if (frame[key] === undefined) return `must have required property '${key}'`;
  }
  if (frame["type"] !== "req") return "at /type: must be equal to constant 'req'";
  for (const key of ["id", "method"]) {
    if (typeof frame[key] !== "string") return `at /${key}: must be string`;
    if (frame[key] === "") return `at /${key}: must NOT have fewer than 1 characters`;
  }
  return `must NOT have additional properties: '${unknownKey(frame) ?? ""}'`;
}
