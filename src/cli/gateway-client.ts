/**
 * The command line's connection to the gateway: protocol 4 over a WebSocket, with the token of the token file.
 * Answers and events are typed by the method's declaration; the declarations themselves are not loaded.
 */
import WebSocket from "ws";
import { AppError } from "../domain/app-error.ts";
import { isErrorCode } from "../domain/error-codes.ts";
import type { MethodDeclaration, ParamsOf, ResultOf } from "../protocol/method.ts";

export interface GatewayClient {
  /** Throws what the gateway answered, and SYS_002 where the connection is lost or no answer comes in time. */
  call<M extends MethodDeclaration>(method: string, params: InputOf<M>, options?: CallOptions): Promise<ResultOf<M>>;
  /** Events by name, payload as it came. Returns the way to stop. */
  on(event: string, listener: (payload: Record<string, unknown>) => void): () => void;
  /** What the gateway said of itself. */
  readonly hello: Readonly<Record<string, unknown>>;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Params as a caller writes them: fields with a default may be left out. */
type InputOf<M extends MethodDeclaration> = Partial<ParamsOf<M>> & Readonly<Record<string, unknown>>;

interface CallOptions {
  readonly timeoutMs?: number;
}

export interface ClientOptions {
  readonly url: string;
  readonly token: string | null;
  readonly version: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

interface Pending {
  resolve(payload: unknown): void;
  reject(error: AppError): void;
  readonly timer: NodeJS.Timeout;
}

export async function connectGateway(options: ClientOptions): Promise<GatewayClient> {
  const client = new Client(options);
  await client.open();
  return client;
}

class Client implements GatewayClient {
  readonly #options: ClientOptions;
  readonly #socket: WebSocket;
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Map<string, Set<(payload: Record<string, unknown>) => void>>();
  readonly closed: Promise<void>;
  hello: Readonly<Record<string, unknown>> = {};
  #nextId = 1;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#socket = openSocket(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#socket.on("message", (data: Buffer) => this.#receive(data.toString("utf8")));
    this.#socket.on("close", (code, reason) => {
      this.#failAll(
        new AppError(
          "SYS_002",
          `The gateway closed the connection (${code}${reason.length > 0 ? `, ${String(reason)}` : ""}).`,
        ),
      );
      resolve();
    });
    // A failed connection is told by `open`, a lost one by `close`; without a listener it would end the process.
    this.#socket.on("error", (error) => this.#failAll(unreachable(options.url, error)));
    options.signal?.addEventListener("abort", () => this.close(), { once: true });
  }

  async open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = this.on("connect.challenge", () => resolve());
    this.#socket.once("error", (error) => reject(unreachable(this.#options.url, error)));
    this.#socket.once("close", (code) => reject(unreachable(this.#options.url, new Error(`closed with ${code}`))));
    const timer = setTimeout(
      () => reject(unreachable(this.#options.url, new Error("no answer"))),
      this.#options.timeoutMs,
    );
    try {
      await promise;
      this.hello = (await this.call("connect", connectParams(this.#options))) as Record<string, unknown>;
    } catch (error) {
      this.#socket.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  call<M extends MethodDeclaration>(
    method: string,
    params: InputOf<M>,
    options: CallOptions = {},
  ): Promise<ResultOf<M>> {
    const id = String(this.#nextId++);
    const { promise, resolve, reject } = Promise.withResolvers<ResultOf<M>>();
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      reject(new AppError("SYS_002", `The gateway did not answer ${method} within ${timeoutMs / 1_000} s.`));
    }, timeoutMs);
    this.#pending.set(id, { resolve: (payload) => resolve(payload as ResultOf<M>), reject, timer });
    this.#socket.send(JSON.stringify({ type: "req", id, method, params }), (error) => {
      if (error !== undefined && error !== null) this.#settle(id)?.reject(unreachable(this.#options.url, error));
    });
    return promise;
  }

  on(event: string, listener: (payload: Record<string, unknown>) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  close(): void {
    this.#socket.close(1000);
  }

  #receive(text: string): void {
    const frame = parseFrame(text);
    if (frame === null) {
      const address = shownAddress(this.#options.url);
      this.#failAll(new AppError("SYS_002", `What answers at ${address} is no gateway: it sent what is no frame.`));
      this.#socket.terminate();
      return;
    }
    if (frame["type"] === "event") {
      for (const listener of this.#listeners.get(String(frame["event"])) ?? []) {
        listener((frame["payload"] ?? {}) as Record<string, unknown>);
      }
      return;
    }
    if (frame["type"] !== "res") return;
    const pending = this.#settle(String(frame["id"]));
    if (frame["ok"] === true) pending?.resolve(frame["payload"]);
    else pending?.reject(wireError(frame["error"]));
  }

  #settle(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    return pending;
  }

  #failAll(error: AppError): void {
    for (const id of this.#pending.keys()) this.#settle(id)?.reject(error);
  }
}

/** Throws SYS_003 for an address that no socket can have. */
function openSocket({ url, timeoutMs }: ClientOptions): WebSocket {
  try {
    return new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: timeoutMs });
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const reason = "an address is ws:// or wss://, a host and a port, without a part behind #";
    throw new AppError("SYS_003", `${shownAddress(url)} is no address of a gateway: ${reason}.`, { cause });
  }
}

/** Null for what is no JSON object: whoever sent it speaks another protocol. */
function parseFrame(text: string): Readonly<Record<string, unknown>> | null {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    // Told to the caller in the same way as any other frame that is none.
    return null;
  }
  return typeof frame === "object" && frame !== null && !Array.isArray(frame)
    ? (frame as Record<string, unknown>)
    : null;
}

/** Without what may be a credential: a user and a password, a query. */
function shownAddress(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null
    ? JSON.stringify(url)
    : `${parsed.protocol}//${parsed.host}${parsed.pathname.replace(/^\/$/, "")}`;
}

function connectParams({ token, version }: ClientOptions): Record<string, unknown> {
  return {
    minProtocol: 3,
    maxProtocol: 4,
    client: { id: "cli", version, platform: process.platform, mode: "cli" },
    role: "operator",
    scopes: ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"],
    caps: [],
    ...(token === null ? {} : { auth: { token } }),
  };
}

function unreachable(url: string, cause: Error): AppError {
  return new AppError("SYS_002", `The gateway at ${shownAddress(url)} cannot be reached: ${cause.message}.`, { cause });
}

/** The gateway's error as it was thrown there: its own code where it sent one. */
function wireError(value: unknown): AppError {
  const error = (value ?? {}) as { message?: unknown; details?: unknown; retryAfterMs?: unknown };
  const details = (typeof error.details === "object" && error.details !== null ? error.details : {}) as Record<
    string,
    unknown
  >;
  const named = details["errorCode"];
  return new AppError(
    isErrorCode(named) ? named : "SYS_001",
    typeof error.message === "string" ? error.message : "The gateway answered with an error.",
    {
      details,
      ...(typeof error.retryAfterMs === "number" ? { retryAfterMs: error.retryAfterMs } : {}),
    },
  );
}
