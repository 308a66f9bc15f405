/**
 * One client's socket as the gateway uses it: frames out, in batches; how much waits to leave; and its end. Knows no
 * protocol. What is written within one turn of the event loop leaves in one system call.
 */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { limits } from "../../domain/limits.ts";
import type { Clock, Timer } from "../../platform/clock.ts";

export interface ClientSocket {
  /** Ignored once the socket is closing. Never throws. */
  send(text: string): void;
  /** Bytes written that the system has not taken yet. */
  bufferedBytes(): number;
  /** Sends a close frame behind what was sent; cuts the socket where the client does not answer it. Idempotent. */
  close(code: number, reason: string): void;
  /** Cuts it now. */
  terminate(): void;
  ping(): void;
  /** Frames of the protocol's full size are taken from now on. */
  allowLargeFrames(): void;
  isOpen(): boolean;
}

/** How long a client may take to answer our close frame. */
const closeGraceMs = 2_000;
/** A close reason is at most 123 bytes of UTF-8. */
const closeReasonBytes = 123;

export function createClientSocket(ws: WebSocket, raw: Duplex, clock: Clock): ClientSocket {
  let corked = false;
  let grace: Timer | undefined;
  ws.on("close", () => grace?.cancel());

  function cork(): void {
    if (corked) return;
    corked = true;
    raw.cork();
    process.nextTick(() => {
      corked = false;
      raw.uncork();
    });
  }

  return {
    send(text) {
      if (ws.readyState !== ws.OPEN) return;
      cork();
      ws.send(text);
    },
    bufferedBytes: () => ws.bufferedAmount,
    close(code, reason) {
      if (ws.readyState !== ws.OPEN) return;
      ws.close(code, shorten(reason));
      grace = clock.after(closeGraceMs, () => ws.terminate());
    },
    terminate: () => ws.terminate(),
    ping() {
      if (ws.readyState === ws.OPEN) ws.ping();
    },
    allowLargeFrames() {
      // `ws` takes its limit once, for the whole server; the receiver of one socket reads it again for each frame.
      const receiver: unknown = Reflect.get(ws, "_receiver");
      if (typeof receiver === "object" && receiver !== null) {
        Reflect.set(receiver, "_maxPayload", limits.framePayloadBytes);
      }
    },
    isOpen: () => ws.readyState === ws.OPEN,
  };
}

function shorten(reason: string): string {
  if (Buffer.byteLength(reason) <= closeReasonBytes) return reason;
  return new TextDecoder().decode(Buffer.from(reason).subarray(0, closeReasonBytes - 3)).replace(/\uFFFD$/u, "");
}
