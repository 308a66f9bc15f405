/**
 * A model provider, a Bot API and an IRC server on this machine that quote every secret they are shown wherever they can:
 * in messages, bodies, headers, redirects, streams and reasons. They write down what they got.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";

export interface SeenCall {
  readonly path: string;
  readonly headers: string;
  readonly body: string;
}

export interface HostileWorld {
  /** The address of a provider that always answers this way. */
  modelUrl(how: HostileAnswer): string;
  readonly botApiUrl: string;
  readonly ircPort: number;
  /** What the model was asked; its headers hold the key, and nothing else may. */
  readonly prompts: SeenCall[];
  /** What came where a redirect led to: nobody's business. */
  readonly led: SeenCall[];
  close(): Promise<void>;
}

export const hostileAnswers = [
  "well",
  "401",
  "400",
  "403",
  "404",
  "429",
  "500",
  "page",
  "redirect",
  "in the stream",
  "garbage",
  "hang-up",
] as const;
export type HostileAnswer = (typeof hostileAnswers)[number];

export async function startHostileWorld(): Promise<HostileWorld> {
  const prompts: SeenCall[] = [];
  const led: SeenCall[] = [];
  const elsewhere = await listen(
    createHttpServer((req, res) => void read(req).then((call) => (led.push(call), quote(res, 401, call)))),
  );
  const model = await listen(
    createHttpServer((req, res) => {
      void read(req).then((call) => {
        prompts.push(call);
        respond(hostileAnswers[Number(call.path.split("/")[1])] ?? "well", call, { res, elsewhere: elsewhere.port });
      });
    }),
  );
  const botApi = await listen(createHttpServer((req, res) => void read(req).then((call) => quote(res, 401, call))));
  const irc = await listen(quotingIrc());
  return {
    modelUrl: (how) => `http://127.0.0.1:${model.port}/${hostileAnswers.indexOf(how)}/v1`,
    botApiUrl: `http://127.0.0.1:${botApi.port}`,
    ircPort: irc.port,
    prompts,
    led,
    close: async () => void (await Promise.all([model, elsewhere, botApi, irc].map((server) => server.close()))),
  };
}

/** Everything that was shown, as one text: path, headers, body. */
function shownIn({ path, headers }: SeenCall): string {
  return `Incorrect API key provided: ${path} ${headers}`;
}

function quote(res: ServerResponse, status: number, call: SeenCall): void {
  const message = shownIn(call);
  const safe = message.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 8_000);
  res.writeHead(status, {
    "content-type": "application/json",
    "x-request-id": safe,
    "www-authenticate": `Bearer realm="${safe.replaceAll('"', "'")}"`,
  });
  res.end(
    JSON.stringify({
      ok: false,
      error_code: status,
      description: message,
      error: { message, type: message, code: message, param: message },
    }),
  );
}

function respond(
  how: HostileAnswer,
  call: SeenCall,
  { res, elsewhere }: { res: ServerResponse; elsewhere: number },
): void {
  const message = shownIn(call);
  switch (how) {
    case "well":
      return stream(res, ["Hello", " from the model."]);
    case "page":
      res.writeHead(502, { "content-type": "text/html" });
      return void res.end(`<html><body>${message}</body></html>`);
    case "redirect":
      res.writeHead(307, { location: `http://127.0.0.1:${elsewhere}/?leak=${encodeURIComponent(message)}` });
      return void res.end();
    case "in the stream":
      return stream(res, ["Half", { error: { message, type: message, code: message } }]);
    case "garbage":
      res.writeHead(200, { "content-type": "text/event-stream" });
      return void res.end(`data: {"choices": ${message}\n\n`);
    case "hang-up":
      return void res.destroy();
    default:
      return quote(res, Number(how), call);
  }
}

function stream(res: ServerResponse, pieces: readonly (string | object)[]): void {
  res.writeHead(200, { "content-type": "text/event-stream" });
  const head = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
  for (const piece of pieces) {
    const frame =
      typeof piece === "string"
        ? { ...head, choices: [{ index: 0, delta: { role: "assistant", content: piece }, finish_reason: null }] }
        : piece;
    res.write(`data: ${JSON.stringify(frame)}\n\n`);
  }
  const end = { ...head, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
  const usage = { ...head, choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } };
  res.end(`data: ${JSON.stringify(end)}\n\ndata: ${JSON.stringify(usage)}\n\ndata: [DONE]\n\n`);
}

/** Refuses everybody, in the words that it was given. */
function quotingIrc(): Server {
  return createTcpServer((socket) => {
    let told = "";
    socket.setEncoding("utf8").on("error", () => undefined);
    socket.on("data", (text: string) => {
      told += text.replaceAll(/[\r\n]+/g, " ");
      if (!told.includes("NICK")) return;
      socket.write(`:irc.test NOTICE * :you said ${told}\r\n:irc.test 464 * :Password incorrect: ${told}\r\n`);
      socket.end(`ERROR :Closing link: ${told}\r\n`);
    });
  });
}

async function read(req: IncomingMessage): Promise<SeenCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return {
    path: req.url ?? "",
    headers: req.rawHeaders.join(" "),
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

async function listen(server: Server & { closeAllConnections?(): void }): Promise<Listening> {
  const open = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
