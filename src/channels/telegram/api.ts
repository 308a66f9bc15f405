/**
 * The Bot API over HTTP: one call, one answer, nothing repeated. Owns the token, which is part of every address and
 * therefore appears in none that leaves this file, in no error and in no line of the log.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Clock } from "../../platform/clock.ts";
import { createEgress, type Egress } from "../../platform/egress.ts";
import type { Log } from "../../platform/log.ts";
import { abortFailure, answerFailure, networkFailure, type ApiFailure } from "./api-failure.ts";

export type ApiAnswer = { readonly ok: true; readonly result: unknown } | ApiFailure;

export type ApiParams = Readonly<Record<string, unknown>>;

export interface ApiFile {
  /** The parameter that it is. */
  readonly field: string;
  readonly bytes: Uint8Array;
  readonly fileName: string;
  readonly mimeType: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  readonly file?: ApiFile | undefined;
}

export interface BotApiOptions {
  readonly token: string;
  readonly apiRoot: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long an answer may take that the server does not hold back on purpose. */
export const callTimeoutMs = 30_000;
/** The same for a file on its way, which may be 50 MB on a slow line. */
export const fileTimeoutMs = 180_000;
/** A hundred updates, each with a long text and the message that it answers. */
const maxAnswerBytes = 16 * 1024 * 1024;

export class BotApi {
  readonly #options: BotApiOptions;
  readonly #egress: Egress;
  readonly #fetch: typeof fetch;
  readonly #closing = new AbortController();

  constructor(options: BotApiOptions) {
    this.#options = options;
    // Nothing but the configured address is asked, so no address of anybody else's is ever judged.
    this.#egress = createEgress({ allowPrivate: () => false, log: options.log, clock: options.clock });
    this.#fetch = this.#egress.trustedFetch([options.apiRoot]);
  }

  /** Never throws; after `close` nothing is sent. */
  async call(method: string, params: ApiParams, options: CallOptions = {}): Promise<ApiAnswer> {
    const { file, timeoutMs = file === undefined ? callTimeoutMs : fileTimeoutMs } = options;
    const { apiRoot, token } = this.#options;
    return this.#within(timeoutMs, options.signal, method, async (signal) => {
      const body = file === undefined ? JSON.stringify(params) : formOf(params, file);
      const headers = file === undefined ? { "content-type": "application/json" } : {};
      const url = `${apiRoot}/bot${token}/${method}`;
      const response = await this.#fetch(url, { method: "POST", headers, body, signal });
      const answer = readJson(await readBounded(response, maxAnswerBytes));
      if (response.ok && isOk(answer)) return { ok: true, result: answer.result };
      return answerFailure({ method, httpStatus: response.status, body: this.#withoutToken(answer) });
    });
  }

  /** The result, or the failure's error thrown. */
  async ask(method: string, params: ApiParams = {}, options: CallOptions = {}): Promise<unknown> {
    const answer = await this.call(method, params, options);
    if (answer.ok) return answer.result;
    throw answer.error;
  }

  /** The bytes behind a `file_path`. Throws AppError; MSG_003 over `maxBytes`. */
  async file(
    filePath: string,
    options: { readonly maxBytes: number; readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    const segments = filePath.split("/");
    if (segments.includes("..")) throw new AppError("MSG_001", "Telegram named a file that cannot be.");
    const { apiRoot, token } = this.#options;
    const url = `${apiRoot}/file/bot${token}/${segments.map(encodeURIComponent).join("/")}`;
    const answer = await this.#within(fileTimeoutMs, options.signal, "file", async (signal) => {
      const response = await this.#fetch(url, { signal });
      if (response.ok) return { ok: true, result: await readBounded(response, options.maxBytes) };
      await response.body?.cancel();
      return answerFailure({ method: "file", httpStatus: response.status, body: undefined });
    });
    if (!answer.ok) throw answer.error;
    return answer.result as Uint8Array;
  }

  /** Ends every call under way. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new AppError("CONN_001", "The connection is closed."));
    await this.#egress.close();
  }

  // oxlint-disable-next-line eslint/max-params -- one place that bounds a call: how long, for whom, what, and how.
  async #within(
    timeoutMs: number,
    outer: AbortSignal | undefined,
    method: string,
    act: (signal: AbortSignal) => Promise<ApiAnswer>,
  ): Promise<ApiAnswer> {
    const patience = new AbortController();
    const signal = AbortSignal.any([patience.signal, this.#closing.signal, ...(outer === undefined ? [] : [outer])]);
    if (signal.aborted) return abortFailure(signal.reason, false);
    const timer = this.#options.clock.after(timeoutMs, () =>
      patience.abort(new AppError("CONN_001", "Telegram did not answer in time.", { details: { method } })),
    );
    try {
      return await act(signal);
    } catch (error) {
      if (error instanceof AppError && error.code === "MSG_003") return abortFailure(error, true);
      return signal.aborted ? abortFailure(signal.reason, true) : networkFailure(method, error);
    } finally {
      timer.cancel();
    }
  }

  /** A server that repeats the address it was asked at must not carry the token into an error's sentence. */
  #withoutToken(answer: unknown): unknown {
    if (!isRecord(answer) || typeof answer["description"] !== "string") return answer;
    return { ...answer, description: answer["description"].replaceAll(this.#options.token, "[redacted]") };
  }
}

function formOf(params: ApiParams, file: ApiFile): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) form.append(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  const bytes = new Blob([Uint8Array.from(file.bytes)], { type: file.mimeType });
  form.append(file.field, bytes, file.fileName);
  return form;
}

/** Counted after decompression. What is over is not read. */
async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes)
      throw new AppError("MSG_003", `Telegram's answer is larger than ${maxBytes} bytes.`, { details: { maxBytes } });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")) as unknown;
  } catch {
    // Not the Bot API's words: judged by the status alone.
    return undefined;
  }
}

function isOk(answer: unknown): answer is { readonly ok: true; readonly result: unknown } {
  return isRecord(answer) && answer["ok"] === true && "result" in answer;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
