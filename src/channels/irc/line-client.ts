/**
 * A socket that speaks in lines: bounded in what it reads, refusing what would be two lines, and telling exactly once
 * that it is gone.
 *
 * Our own instead of `irc-framework`: that one keeps an incoming line of any length in memory, has no way to end a
 * connection attempt under way, starts timers and draws random numbers of its own, cuts text by characters rather than
 * by the bytes that the server will relay, gives no way to know that a message was taken, and installs 26 MB.
 */
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AppError } from "../../domain/app-error.ts";

/** 512 bytes of a line and 8,191 of its tags are the protocol's limits; twice that is patience enough. */
export const maxLineBytes = 16 * 1024;

export interface LineClientOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly tlsInsecure: boolean;
  readonly clientCertificate?: { readonly certificate: string; readonly privateKey: string } | undefined;
}

export interface LineListener {
  line(text: string): void;
  /** A line beyond the limit was dropped. */
  overlong(): void;
  /** Once: the connection is gone, by either side. */
  closed(error: AppError): void;
}

export interface LineClient {
  /** False where it is gone: nothing was written. `text` is one line without its end. */
  write(text: string): boolean;
  /** Stops reading, so that the server waits, and goes on. */
  pause(): void;
  resume(): void;
  /** Tells the server that we write no more; it answers by closing. */
  end(): void;
  destroy(): void;
  readonly writable: boolean;
}

/** Resolves when the transport stands, TLS included. Throws CONN_001; an aborted signal ends the attempt at once. */
export async function openLineClient(
  options: LineClientOptions,
  listener: LineListener,
  signal: AbortSignal,
): Promise<LineClient> {
  const socket = openSocket(options);
  const abort = (): void => void socket.destroy(AppError.from(signal.reason, "CONN_001"));
  try {
    await new Promise<void>((resolve, reject) => {
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort, { once: true });
      socket.once(options.tls ? "secureConnect" : "connect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new AppError("CONN_001", "The connection was closed before it stood.")));
    });
  } catch (error) {
    socket.destroy();
    throw connectError(error, options);
  } finally {
    signal.removeEventListener("abort", abort);
  }
  return lineClient(socket, listener);
}

function openSocket(options: LineClientOptions): Socket {
  const { host, port } = options;
  if (!options.tls) return connectPlain({ host, port, noDelay: true });
  return connectTls({
    host,
    port,
    // SNI names hosts only; an address in it is an error.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: !options.tlsInsecure,
    ...(options.clientCertificate === undefined
      ? {}
      : { cert: options.clientCertificate.certificate, key: options.clientCertificate.privateKey }),
  });
}

function connectError(error: unknown, { host, port, tls }: LineClientOptions): AppError {
  if (error instanceof AppError) return error;
  const cause = error instanceof Error ? error.message : String(error);
  // What a server without TLS does with a handshake: it answers in its own words, or hangs up on what it cannot read.
  const isPlain = tls && /before secure TLS|wrong version number|packet length too long/i.test(cause);
  const hint = isPlain ? " (perhaps it speaks no TLS on this port: then set channels.irc.tls to false)" : "";
  return new AppError("CONN_001", `${host}:${port} cannot be reached: ${cause}${hint}`, {
    cause: error,
    details: { host, port },
  });
}

function lineClient(socket: Socket, listener: LineListener): LineClient {
  const splitter = createLineSplitter(listener);
  let failure: Error | null = null;
  let told = false;
  socket.setKeepAlive(true, 30_000);
  socket.on("data", (chunk) => splitter.push(chunk));
  socket.on("error", (error) => {
    failure = error;
  });
  // A server that ends its side is done with us: nothing we write now is read.
  socket.on("end", () => socket.destroy());
  socket.on("close", () => {
    if (told) return;
    told = true;
    const cause = failure === null ? "The server closed the connection." : `The connection broke: ${failure.message}`;
    listener.closed(new AppError("CONN_001", cause, failure === null ? {} : { cause: failure }));
  });
  return {
    write(text) {
      if (/[\r\n\0]/.test(text)) throw new AppError("MSG_001", "A line may not hold a line break.");
      if (!socket.writable) return false;
      socket.write(`${text}\r\n`);
      return true;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    get writable() {
      return socket.writable;
    },
  };
}

export interface LineSplitter {
  push(chunk: Buffer): void;
}

/** Bytes to lines. Holds no more than one line's limit, whatever arrives. */
export function createLineSplitter(sink: Pick<LineListener, "line" | "overlong">): LineSplitter {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let dropping = false;

  function take(part: Buffer): void {
    keptBytes += part.length;
    if (dropping) return;
    if (keptBytes > maxLineBytes) {
      dropping = true;
      kept = [];
      return;
    }
    kept.push(part);
  }

  function finish(): void {
    if (dropping) sink.overlong();
    else {
      const text = decodeLine(Buffer.concat(kept));
      if (text !== "") sink.line(text);
    }
    kept = [];
    keptBytes = 0;
    dropping = false;
  }

  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
        take(chunk.subarray(start, end));
        finish();
        start = end + 1;
      }
      if (start < chunk.length) take(chunk.subarray(start));
    },
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const western = new TextDecoder("windows-1252");

/** IRC has no encoding of its own: nearly all is UTF-8 today, and what is not was nearly always Western. */
function decodeLine(bytes: Buffer): string {
  const end = bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length;
  const line = bytes.subarray(0, end);
  try {
    return utf8.decode(line);
  } catch {
    // Not UTF-8: every byte means something in the other one, so this cannot fail.
    return western.decode(line);
  }
}
