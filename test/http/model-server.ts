/** A model provider on a real port that speaks OpenAI's chat protocol, as slow or broken as a test wants it. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ModelServer {
  /** What `baseUrl` of the configuration must be. */
  readonly baseUrl: string;
  /** Bodies of the calls so far. */
  readonly calls: Record<string, unknown>[];
  /** Calls whose caller went away before they were answered. */
  readonly dropped: () => number;
  answer(how: ModelAnswer): void;
  close(): Promise<void>;
}

export type ModelAnswer = (call: ModelCall) => void | Promise<void>;

export interface ModelCall {
  readonly body: Record<string, unknown>;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** One streamed piece of text. */
  say(text: string): void;
  end(): void;
}

export async function startModelServer(): Promise<ModelServer> {
  const calls: Record<string, unknown>[] = [];
  let dropped = 0;
  let answer: ModelAnswer = ({ say, end }) => {
    say("Hello from the model.");
    end();
  };
  const server = createServer((req, res) => {
    res.on("close", () => {
      if (!res.writableFinished) dropped += 1;
    });
    let text = "";
    req.setEncoding("utf8");
    req.on("data", (chunk: string) => {
      text += chunk;
    });
    req.on("end", () => {
      const body = JSON.parse(text) as Record<string, unknown>;
      calls.push(body);
      void answer({ body, req, res, ...speech(res) });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    calls,
    dropped: () => dropped,
    answer: (how) => {
      answer = how;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function speech(res: ServerResponse): Pick<ModelCall, "say" | "end"> {
  const head = { id: "c", object: "chat.completion.chunk", created: 1, model: "mock-1" };
  const send = (fields: object): void => void res.write(`data: ${JSON.stringify({ ...head, ...fields })}\n\n`);
  const begin = (): void => {
    if (!res.headersSent) res.writeHead(200, { "content-type": "text/event-stream" });
  };
  return {
    say: (content) => {
      begin();
      send({ choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: null }] });
    },
    end: () => {
      begin();
      send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
      send({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 } });
      res.end("data: [DONE]\n\n");
    },
  };
}
