/** The vectors of a memory cost money: in a whole gateway they are in its sums, and are not asked for without money. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readEnvironment } from "../../config/environment.ts";
import { connect, type WireClient } from "../../gateway/wire-client.fixture.ts";
import { vectorOf } from "../../memory/memory.fixture.ts";
import { startGatewayServer, type RunningGateway } from "../compose.ts";

let home: string;
let server: Server;
let asked: string[][];
let running: RunningGateway | undefined;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "openclaw-home-"));
  await mkdir(path.join(home, ".openclaw"), { mode: 0o700 });
  asked = [];
  server = createServer((req, res) => {
    const pieces: Buffer[] = [];
    req.on("data", (piece: Buffer) => void pieces.push(piece));
    req.on("end", () => {
      const { input } = JSON.parse(Buffer.concat(pieces).toString()) as { input: string[] };
      asked.push(input);
      const data = input.map((text) => ({ embedding: vectorOf(text, 8) }));
      res.end(JSON.stringify({ data, usage: { prompt_tokens: 10 } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  await rm(home, { recursive: true, force: true });
});

async function start(price: object | null, budgets: object): Promise<WireClient> {
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const models = [{ id: "v", ...(price === null ? {} : { cost: price }) }];
  const config = {
    models: { providers: { vec: { api: "openai-completions", baseUrl, apiKey: "k", models } } },
    memory: { search: { model: "vec/v" } },
    budgets,
  };
  await writeFile(path.join(home, ".openclaw", "openclaw.json"), JSON.stringify(config));
  const environment = readEnvironment({ HOME: home, PATH: "/usr/bin:/bin", OLLAMA_HOST: "http://127.0.0.1:9" });
  running = await startGatewayServer(0, { environment });
  const token = (await readFile(path.join(running.stateDir, "gateway.token"), "utf8")).trim();
  return connect(running.url.replace("http", "ws"), { auth: { token } });
}

/** A hundredth of a dollar per token. */
const price = { input: 10_000, output: 1, cacheRead: 0, cacheWrite: 0 };
const search = (client: WireClient, query = "kettle") => client.ask("memory.search", { query });

it("T5: vectors are booked to the agent, at the price of their model, and made no more while spending is paused", async () => {
  const client = await start(price, {});
  await client.ask("memory.add", { text: "The kettle is green." });
  expect(await client.ask("memory.index", {})).toMatchObject({ embedded: 1, trouble: null });
  expect(await client.ask("usage.cost", { by: "origin" })).toMatchObject({
    groups: [{ key: "memory", calls: asked.length, costUsd: 0.1 * asked.length, inputTokens: 10 * asked.length }],
  });
  expect(await search(client)).toMatchObject({ notice: null, hits: [{ text: "The kettle is green." }] });
  await client.ask("budget.pause", {});
  const before = asked.length;
  expect(await search(client)).toMatchObject({
    notice: expect.stringMatching(/^Words alone were searched: .*paused/) as string,
    hits: [{ text: "The kettle is green." }],
  });
  expect(asked).toHaveLength(before);
  await client.ask("budget.resume", {});
  expect(await search(client)).toMatchObject({ notice: null });
});

it("T5: where a budget is used up, words alone are searched, and it says so", async () => {
  // Enough for the worst case of one short note, and not for that of the question behind it.
  const client = await start(price, { global: { day: 0.6 } });
  await client.ask("memory.add", { text: "The kettle is green." });
  expect(await client.ask("memory.index", {})).toMatchObject({ embedded: 1 });
  expect(await search(client, `kettle ${"green ".repeat(12)}`)).toMatchObject({
    notice: expect.stringMatching(/^Words alone were searched: .*budget/i) as string,
    hits: [{ text: "The kettle is green." }],
  });
  expect(asked).toHaveLength(1);
});

it("T5: under a budget no vectors are made at a price that nobody knows", async () => {
  const client = await start(null, { global: { day: 5 } });
  await client.ask("memory.add", { text: "The kettle is green." });
  expect(await client.ask("memory.index", {})).toMatchObject({
    embedded: 0,
    trouble: expect.stringContaining("vec/v") as string,
  });
  expect(asked).toEqual([]);
});
