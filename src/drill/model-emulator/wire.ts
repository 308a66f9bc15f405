/** What one protocol is on the wire: how a request is read and an answer is framed. Frames leave in the order given, one write each. */
import type { Plan, SeenRequest } from "./script.ts";

export interface Frame {
  /** Bytes where the protocol is a binary one. */
  readonly text: string | Uint8Array;
  /** Delays and faults are counted in deltas. */
  readonly isDelta: boolean;
}

export interface WireError {
  readonly status: number;
  readonly message: string;
  readonly code: string | null;
  readonly type: string | null;
}

export type Prompt = Pick<SeenRequest, "model" | "lastText" | "lastRole" | "promptChars">;

export interface Wire {
  readonly contentType: string;
  prompt(body: Readonly<Record<string, unknown>>, path: string): Prompt;
  frames(plan: Plan, body: Readonly<Record<string, unknown>>): readonly Frame[];
  /** Body of a refusal. */
  errorBody(error: WireError): unknown;
  /** What stands in the head of a refusal besides, where the protocol tells the kind of an error there. */
  errorHeaders?(error: WireError): Readonly<Record<string, string>>;
  /** The same inside a stream that began well. */
  errorFrame(error: WireError): string | Uint8Array;
  /** Bytes that are no frame of this protocol. */
  readonly garbage: string | Uint8Array;
}

export function sse(data: unknown, event?: string): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

/** What is no JSON, where lines of it are awaited, and where events of it are. */
export const garbageLine = "}oops\n";
export const garbageEvent = 'data: {"choices": [}oops\n\n';

export function opening(text: string | Uint8Array): Frame {
  return { text, isDelta: false };
}

export function delta(text: string | Uint8Array): Frame {
  return { text, isDelta: true };
}

/** The text in a message of any protocol: strings, and the `text`, `content` and `output` of nested parts. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(textOf).join("");
  if (typeof value !== "object" || value === null) return "";
  const { text, content, output, parts, functionResponse, response } = value as Record<string, unknown>;
  return textOf(text ?? content ?? output ?? parts ?? functionResponse ?? response);
}

export function items(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value)
    ? value.filter((item): item is Record<string, unknown> => typeof item === "object" && item !== null)
    : [];
}

/** Two pieces, because that is how arguments arrive. */
export function halves(input: unknown): readonly [string, string] {
  const json = typeof input === "string" ? input : JSON.stringify(input);
  const middle = Math.ceil(json.length / 2);
  return [json.slice(0, middle), json.slice(middle)];
}
