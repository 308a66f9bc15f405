/**
 * Stands between the protocol and a way to a server: an answer passes once, and only to a question that was asked; what
 * nobody asked for is counted, and a server that does not stop is hung up on.
 */
import type { Transport, TransportSendOptions } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { Clock } from "../platform/clock.ts";

export class WatchedTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #inner: Transport;
  readonly #clock: Clock;
  /** Asked and not answered. By type too: `"1"` does not answer `1`. */
  readonly #asked = new Set<string | number>();
  #unasked = 0;
  #windowFromMs = 0;

  constructor(inner: Transport, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
    inner.onclose = () => this.onclose?.();
    inner.onerror = (error) => this.onerror?.(error);
    inner.onmessage = (message: JSONRPCMessage) => this.#take(message);
  }

  get sessionId(): string | undefined {
    return this.#inner.sessionId;
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion?.(version);
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ("method" in message && "id" in message) this.#asked.add(message.id);
    await this.#inner.send(message, options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #take(message: JSONRPCMessage): void {
    const isAnswer = !("method" in message);
    if (isAnswer && message.id !== undefined && this.#asked.delete(message.id)) {
      this.onmessage?.(message);
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#windowFromMs > limits.mcpUnaskedWindowMs) {
      this.#windowFromMs = nowMs;
      this.#unasked = 0;
    }
    this.#unasked += 1;
    if (this.#unasked > limits.mcpUnaskedMessages) {
      if (this.#unasked > limits.mcpUnaskedMessages + 1) return;
      this.onerror?.(new AppError("CONN_001", "It sends more than anybody asked for."));
      void this.#inner.close();
      return;
    }
    // An answer to nothing is dropped; questions of the server are refused by the protocol, which offers none.
    if (!isAnswer) this.onmessage?.(message);
  }
}
