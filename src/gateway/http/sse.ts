/**
 * A stream of server-sent events. Each event leaves in one `write`, its blank line included: clients exist that lose
 * their state at every network chunk. A reader that does not read is cut off before its buffer grows without end.
 */
import { limits } from "../../domain/limits.ts";
import type { Timer } from "../../platform/clock.ts";
import type { Exchange } from "./contract.ts";

export interface EventStream {
  readonly started: boolean;
  /** Sends the header; `send` does it too. Idempotent. */
  start(): void;
  /** `name` null: an event without a name, as `/v1/chat/completions` has them. */
  send(name: string | null, data: unknown): void;
  /** The literal `[DONE]`, then the end. */
  end(): void;
}

/** A comment line after this much silence keeps proxies from closing the line. */
const keepAliveMs = 15_000;

export function openEventStream({ res, clock }: Exchange): EventStream {
  let started = false;
  let keepAlive: Timer | null = null;
  const write = (text: string): void => {
    if (res.destroyed || res.writableEnded) return;
    res.write(text);
    if (res.writableLength > limits.socketBufferedBytes) res.destroy();
  };
  const start = (): void => {
    if (started || res.destroyed) return;
    started = true;
    res.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-content-type-options": "nosniff",
      // Proxies of the nginx family hold a stream back unless they are told.
      "x-accel-buffering": "no",
    });
    res.flushHeaders();
  };
  keepAlive = clock.every(keepAliveMs, () => {
    start();
    write(": still here\n\n");
  });
  res.once("close", () => keepAlive?.cancel());
  return {
    get started() {
      return started;
    },
    start,
    send: (name, data) => {
      start();
      write(`${name === null ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`);
    },
    end: () => {
      keepAlive?.cancel();
      write("data: [DONE]\n\n");
      res.end();
    },
  };
}
