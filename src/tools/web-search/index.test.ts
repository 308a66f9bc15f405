/** Each service is asked as its pages say, and whatever it answers becomes results or a plain word. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { createEgress, type Egress } from "../../platform/egress.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog } from "../../platform/log.ts";
import type { Tool, ToolOutput } from "../contract.ts";
import { runTool } from "../run-tool.ts";
import { toolContext } from "../tool-context.fixture.ts";
import { createWebSearchTool, serviceOf, type SearchSettings } from "./index.ts";

const servers: Server[] = [];
const opened: Egress[] = [];
afterEach(async () => {
  for (const egress of opened.splice(0)) await egress.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const fixture = (name: string): Promise<string> => readFile(path.join(import.meta.dirname, "fixtures", name), "utf8");

interface Emulator {
  readonly tool: Tool;
  readonly baseUrl: string;
  readonly requests: IncomingMessage[];
  search(input: unknown, signal?: AbortSignal): Promise<ToolOutput>;
}

async function emulate(
  provider: "searxng" | "brave",
  listener: RequestListener,
  part: Partial<SearchSettings> = {},
): Promise<Emulator> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const egress = createEgress({ allowPrivate: () => false, log: silentLog() });
  opened.push(egress);
  const settings: SearchSettings = { enabled: true, provider, baseUrl, apiKey: "key-1", maxResults: 5, ...part };
  const tool = createWebSearchTool({ egress, settings: () => settings }) as Tool | null;
  if (tool === null) throw new Error("there is no tool");
  return {
    tool,
    baseUrl,
    requests,
    search: (input, signal) =>
      runTool(tool, input, toolContext({ clock: new FakeClock(), ...(signal === undefined ? {} : { signal }) })),
  };
}

const json =
  (body: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(200, { "content-type": "application/json" }).end(body);

describe("web_search", () => {
  it("R8: asks SearXNG by its address and shows what it found, as words from there", async () => {
    const { search, tool, requests, baseUrl } = await emulate("searxng", json(await fixture("searxng.json")));
    expect(await search({ query: " rain & snow " })).toEqual({
      text: [
        "1. Rain & shine (2026-05-01T00:00:00)",
        "   https://example.org/rain",
        "   It rains often.",
        "2. (no title)",
        "   https://example.org/coat",
        "3. Third",
        "   https://example.org/third",
        "   c",
      ].join("\n"),
      from: { class: "foreign", source: "web search (searxng)" },
    });
    expect(requests[0]?.url).toBe("/search?q=rain+%26+snow&format=json");
    expect(requests[0]?.headers).not.toHaveProperty("x-subscription-token");
    expect(await tool.plan?.({ query: "rain" }, toolContext())).toEqual({
      kind: "fetch",
      url: `${baseUrl}/search?q=rain&format=json`,
    });
    expect((await search({ query: "rain", count: 1 })).text).not.toContain("2.");
  });

  it("R8: asks Brave with its key in a header, and never shows the key", async () => {
    const { search, tool, requests } = await emulate("brave", json(await fixture("brave.json")));
    const found = await search({ query: "rain", count: 2 });
    expect(found).toEqual({
      text: [
        "1. Rain (May 1, 2026)",
        "   https://example.org/rain",
        "   It rains 'often'.",
        "2. Coat",
        "   https://example.org/coat",
        "   warm",
      ].join("\n"),
      from: { class: "foreign", source: "web search (brave)" },
    });
    expect(requests[0]?.url).toBe("/res/v1/web/search?q=rain&count=2&text_decorations=false");
    expect(requests[0]?.headers["x-subscription-token"]).toBe("key-1");
    expect(JSON.stringify([found, await tool.plan?.({ query: "rain" }, toolContext())])).not.toContain("key-1");
  });

  it("R8: a service below a path is asked there", async () => {
    expect(
      serviceOf({ enabled: true, provider: "searxng", baseUrl: "https://a.example/searx", maxResults: 5 })?.request({
        query: "x",
        count: 1,
      }).url.href,
    ).toBe("https://a.example/searx/search?q=x&format=json");
  });

  it.each<[string, Partial<SearchSettings> | undefined]>([
    ["nothing", undefined],
    ["no service", {}],
    ["SearXNG without an address", { provider: "searxng" }],
    ["Brave without a key", { provider: "brave" }],
    ["switched off", { provider: "brave", apiKey: "k", enabled: false }],
  ])("R8: with %s configured there is no such tool", (_name, part) => {
    const settings = part === undefined ? undefined : { enabled: true, maxResults: 5, ...part };
    const egress = { trustedFetch: () => fetch };
    expect(createWebSearchTool({ egress, settings: () => settings })).toBeNull();
  });

  it.each<[string, RequestListener, string]>([
    ["401", (_request, response) => void response.writeHead(401).end("EVIL"), "refused the key"],
    ["403", (_request, response) => void response.writeHead(403).end("EVIL"), "refused the key"],
    ["422", (_request, response) => void response.writeHead(422).end('{"error":{"code":"EVIL"}}'), "refused the key"],
    ["429", (_request, response) => void response.writeHead(429).end("EVIL"), "asked too often"],
    ["500", (_request, response) => void response.writeHead(500).end("EVIL"), "failed with status 500"],
    ["a page", (_request, response) => void response.writeHead(200).end("<html>EVIL"), "not in JSON"],
    ["other JSON", json('{"EVIL": 1}'), "not in JSON"],
    ["no JSON object", json("null"), "not in JSON"],
    [
      "a redirect elsewhere",
      (_request, response) => void response.writeHead(302, { location: "http://127.0.0.2/EVIL" }).end(),
      "could not be reached",
    ],
    ["a broken line", (request) => void request.socket.destroy(), "could not be reached"],
    [
      "too much",
      json(JSON.stringify({ results: [], x: "x".repeat(limits.webSearchBytes) })),
      "more than anybody can read",
    ],
  ])("R8: %s is said in our words", async (_name, listener, words) => {
    const { search } = await emulate("searxng", listener);
    const failure = await search({ query: "x" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "RUN_003", message: expect.stringContaining(words) });
    expect(String(failure)).not.toContain("EVIL");
  });

  it("R8: Brave's answer without results is nothing found, and another shape is said to be none", async () => {
    const empty = await emulate("brave", json('{"type":"search","query":{"original":"x"}}'));
    expect((await empty.search({ query: "x" })).text).toBe("Nothing was found.");
    const other = await emulate("brave", json('{"type":"ErrorResponse","error":{"code":"EVIL"}}'));
    await expect(other.search({ query: "x" })).rejects.toMatchObject({ message: expect.stringContaining("no result") });
  });

  it("R8: a slow service is left when the call's time is over, and ended with the turn", async () => {
    const { tool } = await emulate("searxng", () => undefined);
    const clock = new FakeClock();
    const slow = runTool(tool, { query: "x" }, toolContext({ clock })).catch((error: unknown) => error);
    await clock.advance(limits.webSearchTimeoutMs);
    expect(await slow).toMatchObject({
      code: "RUN_003",
      message: expect.stringContaining("did not answer within 15 s"),
    });
    const turn = new AbortController();
    const ended = runTool(tool, { query: "x" }, toolContext({ signal: turn.signal })).catch((error: unknown) => error);
    turn.abort();
    expect(await ended).toMatchObject({ code: "RUN_001" });
  });

  it("a question has its length, results have theirs", async () => {
    const long = JSON.stringify({
      results: Array.from({ length: 40 }, () => ({
        url: "https://a.example/",
        title: "t".repeat(9_999),
        content: "c".repeat(9_999),
      })),
    });
    const { search } = await emulate("searxng", json(long), { maxResults: 20 });
    const { text } = await search({ query: "x".repeat(limits.webSearchQueryChars) });
    expect(text.match(/^\d+\. /gm)).toHaveLength(20);
    expect(text.length).toBeLessThan(20 * (limits.webSearchSnippetBytes + 300));
    expect(text).toContain(`   ${"c".repeat(limits.webSearchSnippetBytes)}\n`);
    for (const input of [
      { query: "x".repeat(limits.webSearchQueryChars + 1) },
      { query: " " },
      { query: "x", count: 21 },
      {},
    ]) {
      await expect(search(input)).rejects.toMatchObject({ code: "RUN_003" });
    }
  });
});
