/**
 * The wire between the gateway and a program of the same user: lines of JSON over a socket, each request proven with the
 * token and good once. The token itself never crosses.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { z } from "zod";
import { limits } from "../../domain/limits.ts";
import type { ApprovalView } from "../contract.ts";

/** First words of the gateway: what every request of this connection is bound to. */
export const helloSchema = z.strictObject({ type: z.literal("hello"), nonce: z.string().min(16).max(128) });

/** `seq` counts from 1 without a gap; `body` is JSON as it was signed. */
export const requestSchema = z.strictObject({
  seq: z.number().int().positive(),
  body: z.string().max(limits.approvalLineBytes),
  mac: z.string().regex(/^[0-9a-f]{64}$/),
});
export type SignedRequest = z.infer<typeof requestSchema>;

export const wishSchema = z.discriminatedUnion("do", [
  /** Everything that is open, and from then on everything that is asked and decided. */
  z.strictObject({ do: z.literal("watch") }),
  z.strictObject({
    do: z.literal("answer"),
    id: z.string().min(1).max(64),
    decision: z.enum(["allow-once", "allow-always", "deny"]),
  }),
]);
export type Wish = z.infer<typeof wishSchema>;

export type GatewayLine =
  | { readonly type: "hello"; readonly nonce: string }
  | { readonly type: "asked"; readonly approval: ApprovalView }
  | { readonly type: "resolved"; readonly id: string; readonly state: string; readonly by: string | null }
  /** `outcome` of an answer; `watching` for a watch. */
  | { readonly type: "reply"; readonly seq: number; readonly outcome: string; readonly state: string | null }
  | { readonly type: "refused"; readonly why: string };

export function sign(token: string, nonce: string, { seq, body }: Pick<SignedRequest, "seq" | "body">): string {
  return createHmac("sha256", token)
    .update(JSON.stringify([nonce, seq, body]))
    .digest("hex");
}

export function isSigned(token: string, nonce: string, request: SignedRequest): boolean {
  const expected = Buffer.from(sign(token, nonce, request), "hex");
  const given = Buffer.from(request.mac, "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export function writeLine(socket: Socket, value: unknown): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(value)}\n`);
}

/** Whole lines in order; `onTooLong` once, where one is longer than the limit, and nothing after it. */
export function readLines(socket: Socket, onLine: (line: string) => void, onTooLong: () => void): void {
  let rest = "";
  let ended = false;
  socket.setEncoding("utf8");
  socket.on("data", (data: string) => {
    if (ended) return;
    const lines = `${rest}${data}`.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > limits.approvalLineBytes || lines.some((line) => line.length > limits.approvalLineBytes)) {
      ended = true;
      onTooLong();
      return;
    }
    for (const line of lines) if (line.trim() !== "") onLine(line);
  });
}

/** Undefined for what is no JSON. */
export function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Told like any other line of the wrong shape.
    return undefined;
  }
}
