/**
 * The HTTP side: finds the bot and the method, reads the parameters, lets faults happen, answers and writes down what
 * really happened. Decides nothing about messages.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { AppError } from "../../domain/app-error.ts";
import type { Clock } from "../../platform/clock.ts";
import { botApiLimits } from "./bot-api-limits.ts";
import type { CallLog } from "./call-log.ts";
import type { FaultRule } from "./contract.ts";
import type { FaultRules } from "./fault-rules.ts";
import type { Call, Done } from "./methods/method.ts";
import { methodNamed, type NamedMethod } from "./methods/table.ts";
import type { RateLimits } from "./rate-limits.ts";
import { Refusal } from "./refusal.ts";
import { readParams } from "./request/body.ts";
import type { Params } from "./request/params.ts";
import type { Webhook } from "./updates/webhook.ts";
import type { Bot, World } from "./world/world.ts";

export interface FrontDoorOptions {
  readonly world: World;
  readonly limits: RateLimits;
  readonly log: CallLog;
  readonly faults: FaultRules;
  readonly clock: Clock;
  readonly webhookOf: (bot: Bot) => Webhook;
}

/** One request on its way: what was asked, and where the answer goes. */
interface Visit {
  readonly bot: Bot;
  readonly method: NamedMethod;
  readonly params: Params;
  readonly atMs: number;
  readonly response: ServerResponse;
  /** Aborted when the connection has closed. */
  readonly signal: AbortSignal;
}

export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #sockets = new Set<Socket>();

  constructor(options: FrontDoorOptions) {
    this.#options = options;
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo | null)?.port ?? 0}`;
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(new AppError("SYS_005", `The Telegram emulator cannot listen on port ${port}.`, { cause })),
      );
      this.#server.listen(port, "127.0.0.1", resolve);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** A call that came as the answer of a webhook: nobody hears what becomes of it. */
  callBack(bot: Bot, name: string, params: Params): void {
    const method = methodNamed(name);
    if (method === undefined) return;
    const atMs = this.#options.world.nowMs();
    const outcome = method.run(this.#call(bot, params, AbortSignal.abort()));
    if (outcome instanceof Promise) return;
    this.#record({ bot, method, params, atMs }, outcome);
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      await this.#route(incoming, response, gone.signal);
    } catch (thrown) {
      // A client that breaks off while it sends has nobody left to hear an answer.
      if (response.destroyed || gone.signal.aborted) return;
      const { message } = AppError.from(thrown);
      answer(response, new Refusal(500, `Internal Server Error: emulator: ${message}`));
    }
  }

  async #route(incoming: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const atMs = this.#options.world.nowMs();
    const target = URL.parse(incoming.url ?? "/", "http://emulator");
    const params = await readParams(incoming, target?.searchParams ?? new URLSearchParams());
    const route = /^\/(file\/)?bot([^/]+)\/(.+)$/.exec(decoded(target?.pathname ?? "/"));
    if (incoming.method !== "GET" && incoming.method !== "POST") return answer(response, notImplemented);
    if (route === null) return answer(response, notFound);
    const [, isFile, token = "", rest = ""] = route;
    const bot = this.#options.world.botByToken(token);
    if (bot === undefined) return answer(response, unauthorized);
    if (isFile !== undefined) return this.#sendFile(rest, response);
    const method = methodNamed(rest);
    if (method === undefined) return answer(response, new Refusal(404, "Not Found: method not found"));
    if (params instanceof Refusal) return answer(response, params);
    await this.#perform({ bot, method, params, atMs, response, signal });
  }

  #sendFile(path: string, response: ServerResponse): void {
    const bytes = this.#options.world.files.byPath(path);
    if (bytes === undefined || bytes.byteLength > botApiLimits.downloadBytes) return answer(response, notFound);
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes.byteLength });
    response.end(bytes);
  }

  async #perform(visit: Visit): Promise<void> {
    const fault = this.#options.faults.take(visit.method.name, chatIdIn(visit.params));
    if (fault !== null && !(await this.#mayStart(visit, fault))) return;
    const call = this.#call(visit.bot, visit.params, visit.signal);
    const running = visit.method.run(call);
    // Whoever decides at once is written down at once: an `await` would let a later call overtake it in the log.
    const outcome = running instanceof Promise ? await running : running;
    if (fault === null || fault.kind === "delay") {
      this.#record(visit, outcome, visit.signal.aborted ? 0 : undefined);
      answer(visit.response, outcome);
    } else this.#finish(visit, fault, outcome);
  }

  /** What a fault does before the call has its effect. False: the call has none. */
  async #mayStart(visit: Visit, fault: FaultRule["what"]): Promise<boolean> {
    const { response } = visit;
    switch (fault.kind) {
      case "drop":
        this.#record(visit, null, 0);
        response.socket?.destroy();
        return false;
      case "status": {
        const retry = fault.retryAfterS === undefined ? undefined : { retry_after: fault.retryAfterS };
        const refusal = new Refusal(fault.status, fault.description ?? reasons[fault.status] ?? "Emulated", retry);
        this.#record(visit, refusal);
        answer(response, refusal);
        return false;
      }
      case "delay":
        await this.#options.clock.sleep(fault.ms);
        return true;
      case "hang":
        if (!fault.effective) this.#record(visit, null, 0);
        return fault.effective;
      case "garbage":
        if (fault.effective !== false) return true;
        this.#record(visit, null, 200);
        response.end(garbage);
        return false;
      case "accept-then-drop":
        return true;
    }
  }

  /** What a fault does instead of the answer. */
  #finish(visit: Visit, fault: FaultRule["what"], outcome: Done | Refusal): void {
    if (fault.kind === "garbage") {
      this.#record(visit, outcome, 200);
      visit.response.end(garbage);
      return;
    }
    this.#record(visit, outcome, 0);
    if (fault.kind === "accept-then-drop") visit.response.socket?.destroy();
  }

  #call(bot: Bot, params: Params, signal: AbortSignal): Call {
    const { world, limits, webhookOf } = this.#options;
    return { world, bot, params, limits, webhook: webhookOf(bot), signal };
  }

  /** `outcome` null: the call was never looked at. */
  #record(
    visit: Pick<Visit, "bot" | "method" | "params" | "atMs">,
    outcome: Done | Refusal | null,
    status?: number,
  ): void {
    const done = outcome === null || outcome instanceof Refusal ? null : outcome;
    this.#options.log.add({
      bot: visit.bot.id,
      method: visit.method.name,
      params: visit.params.summary(),
      atMs: visit.atMs,
      status: status ?? (outcome instanceof Refusal ? outcome.status : 200),
      effective: done !== null,
      messageId: done?.messageId ?? null,
    });
  }
}

const garbage = "<html><body>502 Bad Gateway</body></html>";
const notFound = new Refusal(404, "Not Found");
const notImplemented = new Refusal(501, "Not Implemented");
const unauthorized = new Refusal(401, "Unauthorized");

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

function answer(response: ServerResponse, outcome: Done | Refusal): void {
  if (response.destroyed) return;
  const isRefused = outcome instanceof Refusal;
  const body = isRefused
    ? {
        ok: false,
        error_code: outcome.status,
        description: outcome.description,
        ...(outcome.parameters === undefined ? {} : { parameters: outcome.parameters }),
      }
    : {
        ok: true,
        result: outcome.result,
        ...(outcome.description === undefined ? {} : { description: outcome.description }),
      };
  const text = JSON.stringify(body);
  const retryAfterS = isRefused ? outcome.parameters?.retry_after : undefined;
  response.writeHead(isRefused ? outcome.status : 200, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...(retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) }),
  });
  response.end(text);
}

/** For fault rules: a chat that is named by number. */
function chatIdIn(params: Params): number | null {
  const id = params.integer("chat_id");
  return id === 0 ? null : id;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
