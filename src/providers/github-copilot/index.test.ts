import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../drill/model-emulator/server.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import {
  collect,
  failureOf,
  modelInfo,
  modelRequest,
  providerConformance,
  providerDeps,
  textOf,
  tinyPng,
  userSays,
} from "../conformance.ts";
import type { ModelEvent, ModelRequest, ProviderDeps, ProviderEndpoint, ProviderModule } from "../contract.ts";
import { provider } from "./index.ts";

/** The provider with GitHub beside it: every login is exchanged for a token that has it in it. */
const withGitHub: ProviderModule = {
  api: provider.api,
  open: (endpoint, deps) => {
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (!(input as string).endsWith("/copilot_internal/v2/token")) return deps.fetch(input, init);
      const [, login = ""] = new Headers(init?.headers).get("authorization")?.split(" ") ?? [];
      return Response.json({ token: `short-${login}`, refresh_in: 1500, endpoints: { api: endpoint.baseUrl } });
    };
    return provider.open(endpoint, { ...deps, fetch });
  },
};

providerConformance(withGitHub, {
  row: "H5",
  path: "/v1",
  mockUsage: { prompt_tokens: 21, completion_tokens: 9 },
  lengthFinish: "length",
  renewsToken: true,
});

const forever = new AbortController().signal;
const login = "gho_login-of-somebody-0123";

interface Exchange {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

describe("github-copilot", () => {
  let models: ModelEmulator;
  let github: Server;
  let exchanges: IncomingMessage[];
  let answer: (number: number) => Exchange | Promise<Exchange>;
  const clock = new FakeClock(Date.UTC(2026, 10, 1));
  let endpoint: ProviderEndpoint;

  /** As GitHub answers: half an hour, to be asked again after 25 minutes. */
  const token = (number: number, more: object = {}): Exchange => ({
    body: {
      token: `tid=${number};exp=1`,
      expires_at: Math.floor(clock.nowMs() / 1000) + 1800,
      refresh_in: 1500,
      endpoints: { api: url() },
      ...more,
    },
  });
  const url = (): string => `http://127.0.0.1:${(github.address() as AddressInfo).port}`;

  beforeEach(async () => {
    models = await startModelEmulator();
    exchanges = [];
    answer = (number) => token(number);
    // One server for both, as the address of a test: the exchange is answered here, the rest is the models'.
    github = createServer((request, response) => {
      void (async () => {
        if (request.url !== "/copilot_internal/v2/token") {
          const chunks: Buffer[] = [];
          for await (const chunk of request) chunks.push(chunk as Buffer);
          const headers = Object.entries(request.headers).filter(
            ([name]) => !/^(host|connection|content-length|transfer-encoding)$/.test(name),
          );
          const passed = await fetch(models.url + request.url, {
            method: "POST",
            headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
            body: Buffer.concat(chunks),
          });
          response.writeHead(passed.status, { "content-type": passed.headers.get("content-type") ?? "" });
          response.end(Buffer.from(await passed.arrayBuffer()));
          return;
        }
        exchanges.push(request);
        const { status = 200, body = {}, headers = {} } = await answer(exchanges.length);
        response.writeHead(status, { "content-type": "application/json", ...headers });
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      })();
    });
    await new Promise<void>((resolve) => github.listen(0, "127.0.0.1", resolve));
    endpoint = { id: "github-copilot", api: "github-copilot", baseUrl: url(), apiKey: login, headers: {} };
  });
  afterEach(async () => {
    await models.close();
    github.closeAllConnections();
    await new Promise((resolve) => github.close(resolve));
  });

  const open = (deps: Partial<ProviderDeps> = {}) => provider.open(endpoint, providerDeps({ clock, ...deps }));
  const ask = (copilot: ReturnType<typeof open>, request: ModelRequest = modelRequest("hi")): Promise<ModelEvent[]> =>
    collect(copilot.stream(request, forever));
  const sent = (): unknown[] => models.requests.map(({ headers }) => headers["authorization"]);

  it("H5: the login is exchanged for a token, and the models are asked with it at the address it names", async () => {
    expect(textOf(await ask(open()))).toBe("You said: hi");
    expect(exchanges[0]?.headers).toMatchObject({ authorization: `token ${login}`, "editor-version": /^vscode\// });
    const [seen] = models.requests;
    expect(seen?.path).toBe("/chat/completions");
    expect(seen?.headers).toMatchObject({
      authorization: "Bearer tid=1;exp=1",
      "editor-version": expect.stringContaining("vscode/"),
      "copilot-integration-id": "vscode-chat",
      "x-initiator": "user",
    });
    expect(JSON.stringify(seen)).not.toContain(login);
  });

  it("H5: many calls at once make one exchange, and all later ones none until it is time", async () => {
    const held = Promise.withResolvers<void>();
    answer = async (number) => {
      await held.promise;
      return token(number);
    };
    const copilot = open();
    const running = Array.from({ length: 20 }, () => ask(copilot));
    await expect.poll(() => exchanges.length).toBe(1);
    held.resolve();
    await Promise.all(running);
    expect(exchanges).toHaveLength(1);
    await clock.advance(1_499_000);
    await ask(copilot);
    expect(exchanges).toHaveLength(1);
    await clock.advance(1_000);
    await Promise.all([ask(copilot), ask(copilot)]);
    expect(exchanges).toHaveLength(2);
    expect(sent().at(-1)).toBe("Bearer tid=2;exp=1");
  });

  it("H5: five minutes before the end is time too, whatever GitHub says of when to ask again", async () => {
    answer = (number) => token(number, { refresh_in: 86_400 });
    const copilot = open();
    await ask(copilot);
    await clock.advance(1_499_000);
    await ask(copilot);
    expect(exchanges).toHaveLength(1);
    await clock.advance(1_000);
    await ask(copilot);
    expect(exchanges).toHaveLength(2);
  });

  it.each([{ expires_at: "soon", refresh_in: null }, { expires_at: 1, refresh_in: -5 }, {}])(
    "a token that says nothing of its life (%j) holds for a minute at least",
    async (life) => {
      answer = (number) => ({ body: { token: `t${number}`, endpoints: { api: url() }, ...life } });
      const copilot = open();
      await ask(copilot);
      await clock.advance(59_000);
      await ask(copilot);
      expect(exchanges).toHaveLength(1);
      await clock.advance(2_000);
      await ask(copilot);
      expect(exchanges).toHaveLength(2);
    },
  );

  it("H5: while the old token holds, an exchange that fails is nobody's trouble", async () => {
    answer = (number) => (number === 1 ? token(1) : { status: 503, body: { message: "busy" } });
    const copilot = open();
    await ask(copilot);
    await clock.advance(1_600_000);
    expect(textOf(await ask(copilot))).toBe("You said: hi");
    await clock.advance(300_000);
    expect(failureOf(await ask(copilot))).toMatchObject({ code: "MODEL_004" });
  });

  it("H5: a refused token is exchanged once and the call sent once more, and that is the end of it", async () => {
    const copilot = open();
    await ask(copilot);
    models.play([{ status: 401, error: { message: "token expired" } }, {}]);
    expect(textOf(await ask(copilot))).toBe("You said: hi");
    expect(exchanges).toHaveLength(2);
    expect(sent()).toEqual(["Bearer tid=1;exp=1", "Bearer tid=1;exp=1", "Bearer tid=2;exp=1"]);
    models.play({ status: 401, error: { message: "tid=3;exp=1 is not liked" } });
    const error = failureOf(await ask(copilot));
    expect(error).toMatchObject({ code: "MODEL_002", details: { reason: "auth" } });
    expect(error.message).not.toContain("tid=3");
    expect(exchanges).toHaveLength(3);
    expect(models.count()).toBe(5);
  });

  it("H5: ten calls refused at once share one new token", async () => {
    const copilot = open();
    await ask(copilot);
    models.play((request) => (request.headers["authorization"] === "Bearer tid=1;exp=1" ? { status: 401 } : {}));
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(copilot)));
    for (const events of answers) expect(textOf(events)).toBe("You said: hi");
    expect(exchanges).toHaveLength(2);
  });

  it.each([
    [{ status: 401, body: { message: "Bad credentials" } }, "MODEL_002", "Bad credentials"],
    [
      { status: 403, body: { error_details: { message: "Sign up for Copilot" } } },
      "MODEL_002",
      "no access to Copilot: Sign up",
    ],
    [{ status: 404, body: { message: "Not Found" } }, "MODEL_002", "no access to Copilot"],
    [
      { status: 403, headers: { "retry-after": "60" }, body: { message: "secondary rate limit" } },
      "MODEL_003",
      "secondary",
    ],
    [{ status: 429, body: {} }, "MODEL_003", ""],
    [{ status: 502, body: "<html>" }, "MODEL_004", ""],
    [{ body: "<html>Sign in</html>" }, "MODEL_005", "no token"],
    [{ body: { token: "" } }, "MODEL_005", "no token"],
    [{ body: { token: 7 } }, "MODEL_005", "no token"],
    [{ body: JSON.stringify({ token: "x".repeat(300_000) }) }, "MODEL_005", "no token"],
  ])("H5: an exchange that fails is a typed error, and no model is asked: %j", async (exchange, code, words) => {
    answer = () => exchange;
    const error = failureOf(await ask(open()));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(JSON.stringify(error)).not.toContain(login);
    expect(models.count()).toBe(0);
    // The next call may fare better.
    answer = (number) => token(number);
    expect(textOf(await ask(open()))).toBe("You said: hi");
  });

  it("H5: a server that is not known as GitHub's gets no token", async () => {
    for (const api of [
      "https://evil.example.org",
      "https://api.githubcopilot.com.evil.org",
      "http://127.0.0.1:1",
      "nowhere",
    ]) {
      answer = (number) => token(number, { endpoints: { api } });
      const error = failureOf(await ask(open()));
      expect(error.code).toBe("MODEL_005");
      expect(error.message).toContain("not known as GitHub's");
    }
    expect(models.count()).toBe(0);
  });

  it("H5: without an address GitHub itself is asked, and the server it names, and nobody else", async () => {
    const asked: string[] = [];
    const fetch = (input: unknown): Promise<Response> => {
      asked.push(String(input));
      const named = { api: "https://api.individual.githubcopilot.com/" };
      return Promise.resolve(Response.json({ token: "t", refresh_in: 1500, endpoints: named }));
    };
    const copilot = provider.open({ ...endpoint, baseUrl: null }, providerDeps({ clock, fetch }));
    await collect(copilot.stream(modelRequest("x"), forever));
    expect(asked).toEqual([
      "https://api.github.com/copilot_internal/v2/token",
      "https://api.individual.githubcopilot.com/chat/completions",
    ]);
  });

  it("H5: an exchange that hangs is given up, and no call that gives up takes it from the others", async () => {
    const held = Promise.withResolvers<void>();
    answer = async (number) => {
      await held.promise;
      return token(number);
    };
    const copilot = open();
    const leaving = new AbortController();
    const left = collect(copilot.stream(modelRequest("x"), leaving.signal));
    const stays = ask(copilot);
    await expect.poll(() => exchanges.length).toBe(1);
    leaving.abort();
    expect(failureOf(await left).code).toBe("RUN_001");
    held.resolve();
    expect(textOf(await stays)).toBe("You said: hi");
    answer = () => new Promise(() => undefined);
    const late = ask(open());
    await expect.poll(() => exchanges.length).toBe(2);
    await clock.advance(60_000);
    expect(failureOf(await late)).toMatchObject({ code: "MODEL_004", details: { reason: "network" } });
  });

  it("a model that has moved to the other protocol is found there, and remembered", async () => {
    const copilot = open();
    const model = modelInfo({ id: "gpt-5.2" });
    models.play((request) =>
      request.protocol === "openai-completions"
        ? {
            status: 400,
            error: { message: "not accessible via the /chat/completions endpoint", code: "unsupported_api_for_model" },
          }
        : { text: "over responses" },
    );
    expect(textOf(await ask(copilot, modelRequest("x", { model })))).toBe("over responses");
    expect(textOf(await ask(copilot, modelRequest("x", { model })))).toBe("over responses");
    expect(models.requests.map(({ path }) => path)).toEqual(["/chat/completions", "/responses", "/responses"]);
    expect(textOf(await ask(copilot, modelRequest("x", { model: modelInfo({ id: "gpt-5.3-codex" }) })))).toBe(
      "over responses",
    );
    expect(models.count()).toBe(4);
    models.play({ status: 400, error: { code: "unsupported_api_for_model" } });
    expect(failureOf(await ask(copilot, modelRequest("x", { model }))).code).toBe("MODEL_008");
    expect(models.count()).toBe(6);
  });

  it("a person's question, a step after it and a picture say what they are", async () => {
    const image = { type: "file", attachment: { type: "image", mimeType: "image/png", data: tinyPng } } as const;
    const copilot = open();
    await ask(
      copilot,
      modelRequest("", {
        messages: [
          { role: "user", content: [{ type: "text", text: "what is it?" }, image] },
          { role: "assistant", content: [{ type: "tool-call", callId: "c1", tool: "time", input: {} }] },
          { role: "tool", results: [{ callId: "c1", tool: "time", output: "noon", isError: false }] },
        ],
      }),
    );
    await ask(copilot, modelRequest("", { messages: [userSays("hi")] }));
    expect(models.requests.map(({ headers }) => [headers["x-initiator"], headers["copilot-vision-request"]])).toEqual([
      ["agent", "true"],
      ["user", undefined],
    ]);
  });
});
