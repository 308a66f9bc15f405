/**
 * Delivers a bot's updates to its webhook: one after the other within a chat, several chats at once up to
 * `max_connections`, each again and again with growing pauses until the other side says 2xx. Owns the webhook's state.
 * Talks to loopback only, over Node's own client: this is the platform's side of the line, not a request of ours.
 */
import { Agent, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { AppError } from "../../../domain/app-error.ts";
import type { Clock, Timer } from "../../../platform/clock.ts";
import { objectOf } from "../request/params.ts";
import type { Update, UpdateQueue } from "./update-queue.ts";

export interface WebhookSettings {
  readonly url: string;
  readonly secretToken: string;
  readonly maxConnections: number;
}

/** What the other side may want to be called, as its answer to a delivery. Its result goes nowhere. */
export type AnswerCall = (method: string, values: Readonly<Record<string, unknown>>) => void;

export interface WebhookOptions {
  readonly queue: UpdateQueue;
  readonly clock: Clock;
  readonly nowMs: () => number;
  readonly onAnswer: AnswerCall;
  /** Before the second attempt; doubled for each further one up to a minute. */
  readonly retryMs: number;
}

const longestPauseMs = 60_000;
const answerTimeoutMs = 60_000;
const answerBytes = 1024 * 1024;

export class Webhook {
  readonly #options: WebhookOptions;
  readonly #agent = new Agent({ keepAlive: true });
  /** Chats with a delivery under way or a pause before the next attempt. */
  readonly #busy = new Set<number | null>();
  readonly #pauses = new Set<Timer>();
  readonly #failures = new Map<number, number>();
  #inFlight = 0;
  #settings: WebhookSettings | null = null;
  /** Deliveries of an earlier setting must not count for this one. */
  #generation = 0;
  #lastError: { readonly atMs: number; readonly message: string } | null = null;

  constructor(options: WebhookOptions) {
    this.#options = options;
    options.queue.onArrival = () => this.#pump();
  }

  get settings(): WebhookSettings | null {
    return this.#settings;
  }

  get lastError(): { readonly atMs: number; readonly message: string } | null {
    return this.#lastError;
  }

  /** Null takes the webhook away. */
  set(settings: WebhookSettings | null): void {
    this.#generation += 1;
    this.#settings = settings;
    this.#lastError = null;
    this.#busy.clear();
    this.#failures.clear();
    for (const pause of this.#pauses) pause.cancel();
    this.#pauses.clear();
    this.#inFlight = 0;
    this.#pump();
  }

  close(): void {
    this.set(null);
    this.#agent.destroy();
  }

  #pump(): void {
    const settings = this.#settings;
    if (settings === null || this.#inFlight >= settings.maxConnections) return;
    const free = settings.maxConnections - this.#inFlight;
    for (const update of this.#options.queue.heads(this.#busy, free)) {
      this.#busy.add(update.chatId);
      this.#inFlight += 1;
      void this.#deliver(update, settings, this.#generation);
    }
  }

  async #deliver(update: Update, settings: WebhookSettings, generation: number): Promise<void> {
    const failure = await this.#attempt(update, settings);
    if (generation !== this.#generation) return;
    this.#inFlight -= 1;
    if (failure === null) {
      this.#options.queue.take(update.id);
      this.#failures.delete(update.id);
      this.#busy.delete(update.chatId);
    } else {
      this.#lastError = { atMs: this.#options.nowMs(), message: failure };
      this.#pause(update);
    }
    this.#pump();
  }

  #pause(update: Update): void {
    const failures = this.#failures.get(update.id) ?? 0;
    this.#failures.set(update.id, failures + 1);
    const pause = this.#options.clock.after(Math.min(longestPauseMs, this.#options.retryMs * 2 ** failures), () => {
      this.#pauses.delete(pause);
      this.#busy.delete(update.chatId);
      this.#pump();
    });
    this.#pauses.add(pause);
  }

  /** Null, or why it failed in the words of `last_error_message`. */
  async #attempt(update: Update, settings: WebhookSettings): Promise<string | null> {
    try {
      const { status, reason, body } = await this.#post(settings, JSON.stringify(update.body));
      if (status < 200 || status > 299) return `Wrong response from the webhook: ${status} ${reason}`;
      this.#callBack(body);
      return null;
    } catch (thrown) {
      const { code } = (AppError.from(thrown).cause ?? {}) as { code?: unknown };
      if (code === "ECONNREFUSED") return "Connection refused";
      return code === "ETIMEDOUT" ? "Read timeout expired" : "Connection reset by peer";
    }
  }

  /** A 2xx answer may carry one call of the bot, in place of a request of its own. */
  #callBack(body: string): void {
    const values = jsonObject(body);
    const method = values?.["method"];
    if (values !== undefined && typeof method === "string") this.#options.onAnswer(method, values);
  }

  #post(settings: WebhookSettings, body: string): Promise<{ status: number; reason: string; body: string }> {
    const url = new URL(settings.url);
    const secret = settings.secretToken === "" ? {} : { "x-telegram-bot-api-secret-token": settings.secretToken };
    const init = {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...secret },
    };
    return new Promise((resolve, reject) => {
      const outgoing =
        url.protocol === "https:" ? httpsRequest(url, init) : httpRequest(url, { ...init, agent: this.#agent });
      outgoing.setTimeout(answerTimeoutMs, () => outgoing.destroy(timedOut()));
      outgoing.on("error", (cause) => reject(new AppError("CONN_001", "The webhook cannot be reached.", { cause })));
      outgoing.on("response", (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (piece: string) => (text = text.length > answerBytes ? text : text + piece));
        incoming.on("error", (cause) => reject(new AppError("CONN_001", "The webhook's answer broke.", { cause })));
        incoming.on("end", () =>
          resolve({ status: incoming.statusCode ?? 0, reason: incoming.statusMessage ?? "", body: text }),
        );
      });
      outgoing.end(body);
    });
  }
}

/** Nothing leaves the machine: the emulator cannot be made to call anybody else. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "");
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

/** Undefined for what is none: most answers say nothing, and the real server does not mind either. */
function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function timedOut(): AppError {
  return new AppError("CONN_001", "The webhook did not answer in time.", { cause: { code: "ETIMEDOUT" } });
}
