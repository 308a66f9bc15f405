/**
 * A model server that speaks six wire protocols from one script: for `openclaw drill`, for end-to-end tests and for
 * the benchmark. It thinks nothing; what it can do is fail, in every way that real ones do.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { AppError } from "../../domain/app-error.ts";
import { systemClock, type Clock } from "../../platform/clock.ts";
import { planOf, type EmulatedProtocol, type Reply, type Script, type SeenRequest } from "./script.ts";
import { bedrockConverseStream } from "./wire-bedrock-converse-stream.ts";
import { anthropicMessages } from "./wire-anthropic-messages.ts";
import { googleGenerativeAi } from "./wire-google-generative-ai.ts";
import { ollama } from "./wire-ollama.ts";
import { openaiCompletions } from "./wire-openai-completions.ts";
import { openaiResponses } from "./wire-openai-responses.ts";
import { opening, type Frame, type Wire, type WireError } from "./wire.ts";

export interface ModelEmulatorOptions {
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly script?: Script;
  /** A request with another key is refused with 401. */
  readonly apiKey?: string;
  /** What `/models` and `/api/tags` list. */
  readonly models?: readonly string[];
  /** How many requests are remembered, the newest; all are counted. */
  readonly remember?: number;
  readonly clock?: Clock;
}

export interface ModelEmulator {
  /** Root, e.g. `http://127.0.0.1:29100`. OpenAI's and Anthropic's protocols live under `/v1`, Gemini's under `/v1beta`, Bedrock's under `/model`, Ollama's under `/api`. */
  readonly url: string;
  readonly port: number;
  /** Oldest first. */
  readonly requests: readonly SeenRequest[];
  /** Of all requests to a model since the start. */
  count(): number;
  /** Answers from now on by another script. */
  play(script: Script): void;
  /** Resolves when the next request (or the `number`th from the start) has come in. */
  arrived(number?: number): Promise<SeenRequest>;
  /** Breaks every connection and frees the port. Idempotent. */
  close(): Promise<void>;
}

export async function startModelEmulator(options: ModelEmulatorOptions = {}): Promise<ModelEmulator> {
  const emulator = new Emulator(options);
  await emulator.listen(options.port ?? 0);
  return emulator;
}

/** The emulator may write to what the outside sees as fixed. */
type Remembered = { -readonly [K in keyof SeenRequest]: SeenRequest[K] };

const wires: Readonly<Record<EmulatedProtocol, Wire>> = {
  "openai-completions": openaiCompletions,
  "openai-responses": openaiResponses,
  "anthropic-messages": anthropicMessages,
  "google-generative-ai": googleGenerativeAi,
  "bedrock-converse-stream": bedrockConverseStream,
  ollama,
};

class Emulator implements ModelEmulator {
  readonly requests: Remembered[] = [];
  readonly #options: ModelEmulatorOptions;
  readonly #clock: Clock;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #waiting: { readonly number: number; readonly tell: (request: SeenRequest) => void }[] = [];
  readonly #sockets = new Set<Socket>();
  #script: Script;
  #scriptStep = 0;
  #count = 0;

  constructor(options: ModelEmulatorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    this.#script = options.script ?? {};
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(new AppError("CONN_001", `The model emulator cannot listen on port ${port}.`, { cause })),
      );
      this.#server.listen(port, "127.0.0.1", resolve);
    });
  }

  count(): number {
    return this.#count;
  }

  play(script: Script): void {
    this.#script = script;
    this.#scriptStep = 0;
  }

  arrived(number = this.#count + 1): Promise<SeenRequest> {
    const known = this.requests[this.requests.length - 1 - (this.#count - number)];
    if (number <= this.#count && known !== undefined) return Promise.resolve(known);
    return new Promise((tell) => void this.#waiting.push({ number, tell }));
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(incoming.url ?? "/", "http://emulator");
      const protocol = incoming.method === "POST" ? protocolOf(url.pathname) : undefined;
      if (protocol === undefined) this.#list(url.pathname, response);
      else await this.#answer(protocol, url.pathname, incoming, response);
    } catch (thrown) {
      // A script that throws is a bug of the test: the client must not wait for it.
      const error = AppError.from(thrown);
      if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      response.end(`emulator: ${error.message}`);
    }
  }

  #list(path: string, response: ServerResponse): void {
    const models = this.#options.models ?? ["emulated"];
    if (path.endsWith("/models"))
      json(response, 200, { object: "list", data: models.map((id) => ({ id, object: "model" })) });
    else if (path === "/api/tags") json(response, 200, { models: models.map((name) => ({ name, model: name })) });
    else
      json(response, 404, {
        error: { message: `The emulator does not know ${path}.`, type: "invalid_request_error", code: null },
      });
  }

  async #answer(
    protocol: EmulatedProtocol,
    path: string,
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const wire = wires[protocol];
    const body = await bodyOf(incoming);
    const request: Remembered = {
      protocol,
      path,
      headers: incoming.headers,
      body,
      abandoned: false,
      atMs: this.#clock.nowMs(),
      endMs: null,
      outcome: "pending",
      charged: null,
      ...wire.prompt(body, path),
    };
    const number = this.#remember(request);
    response.once("close", () => {
      request.abandoned = !response.writableFinished;
      if (request.outcome === "pending" || request.abandoned) request.outcome = "broken";
    });
    const reply = this.#isKeyRight(incoming)
      ? await this.#nextReply(request)
      : { status: 401, error: { message: "Wrong API key." } };
    if (reply.delayMs !== undefined) await this.#clock.sleep(reply.delayMs);
    if (reply.fault?.kind === "silence") return;
    if (reply.fault?.kind === "hang-up") {
      incoming.socket.destroy();
      return;
    }
    if (reply.recorded !== undefined) {
      const { status, headers, body: words } = reply.recorded;
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(typeof words === "string" ? words : JSON.stringify(words));
      return;
    }
    if (reply.status !== undefined && reply.status !== 200) {
      const retry = reply.retryAfterS === undefined ? {} : { "retry-after": String(reply.retryAfterS) };
      const error = wireError(reply);
      json(response, reply.status, wire.errorBody(error), { ...retry, ...wire.errorHeaders?.(error) });
      return;
    }
    const plan = planOf(reply, request, number, this.#clock.nowMs());
    request.charged = plan.usage;
    response.once("finish", () => {
      request.endMs = this.#clock.nowMs();
      request.outcome = reply.fault === undefined ? "whole" : "broken";
    });
    response.writeHead(200, { "content-type": wire.contentType, "cache-control": "no-cache" });
    await this.#write(withFault(wire.frames(plan, body), reply, wire), reply, response);
  }

  #remember(request: Remembered): number {
    this.#count += 1;
    const number = this.#count;
    this.requests.push(request);
    if (this.requests.length > (this.#options.remember ?? 1_000)) this.requests.shift();
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.number <= number) waiting.tell(request);
      else this.#waiting.push(waiting);
    }
    return number;
  }

  async #nextReply(request: SeenRequest): Promise<Reply> {
    const script = this.#script;
    if (typeof script === "function") return script(request);
    if (!isList(script)) return script;
    const reply = script[Math.min(this.#scriptStep, script.length - 1)] ?? {};
    this.#scriptStep += 1;
    return reply;
  }

  #isKeyRight({ headers }: IncomingMessage): boolean {
    const { apiKey } = this.#options;
    if (apiKey === undefined) return true;
    return [headers["x-api-key"], headers["x-goog-api-key"], headers.authorization?.replace(/^Bearer /, "")].includes(
      apiKey,
    );
  }

  async #write(frames: readonly (Frame | Ending)[], reply: Reply, response: ServerResponse): Promise<void> {
    response.flushHeaders();
    for (const frame of frames) {
      if (response.destroyed) return;
      if (typeof frame === "string") {
        // What was written must be on the wire before it breaks.
        if (frame === "cut") response.write("", () => response.destroy());
        if (frame === "end") response.end();
        return;
      }
      if (frame.isDelta && reply.deltaDelayMs !== undefined) await this.#clock.sleep(reply.deltaDelayMs);
      response.write(frame.text);
    }
    response.end();
  }
}

/** How the body stops where the script says so. */
type Ending = "cut" | "end" | "hang";

function withFault(frames: readonly Frame[], reply: Reply, wire: Wire): readonly (Frame | Ending)[] {
  const { fault } = reply;
  if (fault === undefined) return frames;
  const kept = upToDelta(frames, fault.afterDeltas ?? 0);
  switch (fault.kind) {
    case "garbage":
      return [...kept, opening(wire.garbage), "end"];
    case "error":
      return [...kept, opening(wire.errorFrame(wireError({ status: 500, ...reply }))), "end"];
    case "cut":
    case "end":
    case "hang":
      return [...kept, fault.kind];
    default:
      return frames;
  }
}

function upToDelta(frames: readonly Frame[], deltas: number): readonly Frame[] {
  let left = deltas;
  const end = frames.findIndex((frame) => frame.isDelta && left-- === 0);
  // Behind the last delta the closing frames are held back too.
  return end === -1 ? frames.slice(0, frames.findLastIndex((frame) => frame.isDelta) + 1) : frames.slice(0, end);
}

function wireError({ status = 500, error = {} }: Reply): WireError {
  return {
    status,
    message: error.message ?? `Emulated failure ${status}.`,
    code: error.code ?? null,
    type: error.type ?? null,
  };
}

function protocolOf(path: string): EmulatedProtocol | undefined {
  if (path.endsWith("/chat/completions")) return "openai-completions";
  if (path.endsWith("/responses")) return "openai-responses";
  if (path.endsWith("/messages")) return "anthropic-messages";
  if (path.endsWith(":streamGenerateContent")) return "google-generative-ai";
  if (path.endsWith("/converse-stream")) return "bedrock-converse-stream";
  return path === "/api/chat" ? "ollama" : undefined;
}

async function bodyOf(incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function isList(script: Script): script is readonly Reply[] {
  return Array.isArray(script);
}
