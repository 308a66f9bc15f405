/**
 * The conversation with one server: lines in and out, who listens to them, and round trips. It answers the server's
 * own PINGs, and nothing else.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Ids } from "../../platform/ids.ts";
import { formatLine, parseLine, type IrcLine } from "./line.ts";
import { openLineClient, type LineClient, type LineClientOptions } from "./line-client.ts";

/** `text` is the line as it came. */
export type LineHandler = (line: IrcLine, text: string) => void;

export interface Wire {
  /** False where the connection is gone: provably not written. Throws MSG_001 on what a line cannot carry. */
  send(command: string, params: readonly string[], tags?: Readonly<Record<string, string>>): boolean;
  /** Handlers are called in the order they were added. Returns the way to stop. */
  onLine(handler: LineHandler): () => void;
  onClosed(handler: (error: AppError) => void): () => void;
  /** The server has dealt with everything written before it when this resolves. */
  roundTrip(signal: AbortSignal): Promise<void>;
  pause(): void;
  resume(): void;
  end(): void;
  destroy(): void;
  /** Why the connection is gone; null while it stands. */
  readonly closedBy: AppError | null;
}

export interface WireOptions extends LineClientOptions {
  readonly ids: Ids;
  /** Something came that is not IRC; for the log. */
  readonly onOddity: (what: string) => void;
}

export async function openWire(options: WireOptions, signal: AbortSignal): Promise<Wire> {
  // Lines may come as soon as the socket stands; the wire is there before the first of them is read.
  const wire = new SocketWire(options);
  wire.attach(await openLineClient(options, wire, signal));
  return wire;
}

interface Waiter {
  resolve(): void;
  reject(error: AppError): void;
}

class SocketWire implements Wire {
  readonly #options: WireOptions;
  readonly #lineHandlers = new Set<LineHandler>();
  readonly #closedHandlers = new Set<(error: AppError) => void>();
  readonly #pings = new Map<string, Waiter>();
  #client: LineClient | null = null;
  #serverError: string | null = null;
  closedBy: AppError | null = null;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  attach(client: LineClient): void {
    this.#client = client;
  }

  send(command: string, params: readonly string[], tags: Readonly<Record<string, string>> = {}): boolean {
    return this.#client?.write(formatLine(command, params, tags)) ?? false;
  }

  onLine(handler: LineHandler): () => void {
    this.#lineHandlers.add(handler);
    return () => this.#lineHandlers.delete(handler);
  }

  onClosed(handler: (error: AppError) => void): () => void {
    this.#closedHandlers.add(handler);
    return () => this.#closedHandlers.delete(handler);
  }

  roundTrip(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const token = this.#options.ids.hex(8);
      const onAbort = (): void => {
        this.#pings.delete(token);
        reject(AppError.from(signal.reason, "CONN_001"));
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      if (!this.send("PING", [token])) {
        reject(this.closedBy ?? new AppError("CONN_001", "The connection is gone."));
        return;
      }
      signal.addEventListener("abort", onAbort, { once: true });
      this.#pings.set(token, {
        resolve() {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
        reject(error) {
          signal.removeEventListener("abort", onAbort);
          reject(error);
        },
      });
    });
  }

  pause(): void {
    this.#client?.pause();
  }

  resume(): void {
    this.#client?.resume();
  }

  end(): void {
    this.#client?.end();
  }

  destroy(): void {
    this.#client?.destroy();
  }

  line(text: string): void {
    const line = parseLine(text);
    if (line === null) {
      this.#options.onOddity("a line that is not IRC");
      return;
    }
    try {
      this.#handle(line, text);
    } catch (error) {
      // Such as a PING whose token holds what no line may: what a server sends must never end the process.
      this.#options.onOddity(`a ${line.command} that cannot be dealt with: ${AppError.from(error).message}`);
    }
  }

  #handle(line: IrcLine, text: string): void {
    if (line.command === "PING") this.send("PONG", line.params.slice(0, 2));
    if (line.command === "ERROR") this.#serverError = line.params.at(-1) ?? null;
    for (const handler of this.#lineHandlers) handler(line, text);
    // After the handlers: what came before the answer belongs to what was asked before the question.
    if (line.command === "PONG") this.#answered(line.params.at(-1) ?? "");
  }

  overlong(): void {
    this.#options.onOddity("a line beyond the limit");
  }

  closed(error: AppError): void {
    const reason = this.#serverError;
    this.closedBy =
      reason === null
        ? error
        : new AppError("CONN_001", `The server closed the connection: ${reason}`, { details: { reason } });
    for (const waiter of this.#pings.values()) waiter.reject(this.closedBy);
    this.#pings.clear();
    for (const handler of this.#closedHandlers) handler(this.closedBy);
  }

  #answered(token: string): void {
    this.#pings.get(token)?.resolve();
    this.#pings.delete(token);
  }
}
