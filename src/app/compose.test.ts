/** A whole gateway within this process: how soon it stands, what it takes from its environment, what it says of itself. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { readEnvironment } from "../config/environment.ts";
import { connect, tryConnect, type WireClient } from "../gateway/wire-client.fixture.ts";
import { listenOn } from "../gateway/listen.ts";
import { startGatewayServer, type RunningGateway } from "./compose.ts";

const folders: string[] = [];
const running: RunningGateway[] = [];
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function emptyHome(): Promise<string> {
  const home = await mkdtemp(path.join(tmpdir(), "openclaw-home-"));
  folders.push(home);
  return home;
}

/** Nothing of this machine gets in: no keys, no home, no Ollama. */
async function start(home: string, variables: Record<string, string> = {}, port: number | null = 0) {
  const environment = readEnvironment({ HOME: home, OLLAMA_HOST: "http://127.0.0.1:9", ...variables });
  const gateway = await startGatewayServer(port, { environment });
  running.push(gateway);
  return gateway;
}

async function client(gateway: RunningGateway): Promise<WireClient> {
  const token = (await readFile(path.join(gateway.stateDir, "gateway.token"), "utf8")).trim();
  return connect(gateway.url.replace("http", "ws"), { auth: { token } });
}

async function withConfig(config: object): Promise<string> {
  const home = await emptyHome();
  await mkdir(path.join(home, ".openclaw"), { mode: 0o700 });
  await writeFile(path.join(home, ".openclaw", "openclaw.json"), JSON.stringify(config));
  return home;
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map(async (server) => (await listenOn(server, 0, ["127.0.0.1"])).port));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

describe("a gateway", () => {
  it("A1: from an empty home it is alive and takes clients within a second, ten times over, and leaves its port free", async () => {
    const tookMs: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const home = await emptyHome();
      const began = performance.now();
      const gateway = await start(home);
      const health = await fetch(`${gateway.url}/health`);
      const connected = await client(gateway);
      tookMs.push(performance.now() - began);
      expect([health.status, (await connected.call("health")).ok]).toEqual([200, true]);
      await gateway.close();
      const next = createServer();
      expect((await listenOn(next, gateway.port, ["127.0.0.1"])).port).toBe(gateway.port);
      await new Promise((resolve) => next.close(resolve));
    }
    const median = tookMs.toSorted((left, right) => left - right)[5] ?? Infinity;
    expect(median).toBeLessThan(1_000);
  }, 60_000);

  it("A2: its parts start once each, in their order, and a channel that cannot start leaves it ready", async () => {
    const irc = { host: "127.0.0.1", port: 9, tls: false, nick: "claw" };
    const gateway = await start(await withConfig({ channels: { irc: { ...irc, accounts: { odd: { port: "no" } } } } }));
    expect(gateway.started).toEqual([
      "lock",
      "config",
      "store",
      "models",
      "model desk",
      "command desk",
      "memory",
      "speech",
      "running commands",
      "mcp",
      "loop delay",
      "port",
      "trace",
      "decisions",
      "maintenance",
      "approvals",
      "local approvals",
      "helpers",
      "way",
      "reload",
    ]);
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    const { channelAccounts } = (await (await client(gateway)).ask("channels.status")) as {
      channelAccounts: Record<string, { accountId: string; healthState: string }[]>;
    };
    const states = Object.fromEntries(channelAccounts["irc"]?.map((one) => [one.accountId, one.healthState]) ?? []);
    expect(states["odd"]).toBe("PERMANENTLY_FAILED");
    expect(states["default"]).not.toBe("CONNECTED");
  });

  it("F5: it tells that it started, once a start, and that it stops, once a stop, also to those who ask later", async () => {
    const home = await emptyHome();
    const told = async (gateway: RunningGateway): Promise<string[]> => {
      const { events } = (await (await client(gateway)).ask("system-events", { limit: 1_000 })) as {
        events: { type: string }[];
      };
      return events.map(({ type }) => type).filter((type) => type.startsWith("gateway."));
    };
    const first = await start(home);
    expect(await told(first)).toEqual(["gateway.started"]);
    await first.close("moving house");
    expect(await told(await start(home))).toEqual(["gateway.started", "gateway.stopping", "gateway.started"]);
  });

  it("F15: the delay of its loop and its memory are sampled, and shown", async () => {
    const gateway = await start(await emptyHome());
    const ready = (await (await fetch(`${gateway.url}/readyz`)).json()) as { eventLoop: Record<string, number> };
    expect(Object.keys(ready.eventLoop)).toEqual(["delayP50Ms", "delayP99Ms", "delayMaxMs"]);
    const token = (await readFile(path.join(gateway.stateDir, "gateway.token"), "utf8")).trim();
    const metrics = await (
      await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    ).text();
    const bytes = Number(/^process_resident_memory_bytes (\d+)$/m.exec(metrics)?.[1]);
    expect(bytes / process.memoryUsage().rss).toBeGreaterThan(0.5);
    expect(bytes / process.memoryUsage().rss).toBeLessThan(2);
    expect(metrics).toMatch(/^openclaw_event_loop_delay_seconds\{quantile="0\.99"\} [\d.e-]+$/m);
  });

  it("A15 Z1: the environment names port, token, bind, state directory and configuration, and wins over the file", async () => {
    const [inFile = 0, older = 0, own = 0] = await freePorts(3);
    const home = await emptyHome();
    const configPath = path.join(home, "elsewhere.json");
    await writeFile(
      configPath,
      JSON.stringify({ gateway: { port: inFile, auth: { token: "the-token-of-the-file" } } }),
    );
    const places = { OPENCLAW_STATE_DIR: path.join(home, "state"), OPENCLAW_CONFIG_PATH: configPath };
    const byFile = await start(home, places, null);
    expect([byFile.port, byFile.stateDir]).toEqual([inFile, path.join(home, "state")]);
    await byFile.close();
    const byOlderName = await start(home, { ...places, GATEWAY_PORT: String(older) }, null);
    expect(byOlderName.port).toBe(older);
    await byOlderName.close();
    const token = "the-token-of-the-environment";
    const variables = {
      OPENCLAW_GATEWAY_PORT: String(own),
      GATEWAY_PORT: String(older),
      OPENCLAW_GATEWAY_TOKEN: token,
    };
    const byOwnName = await start(home, { ...places, ...variables, OPENCLAW_GATEWAY_BIND: "lan" }, null);
    const url = byOwnName.url.replace("http", "ws");
    expect(byOwnName.port).toBe(own);
    const { hello } = await connect(url, { auth: { token } });
    expect(JSON.stringify(hello)).toContain(configPath);
    expect((await tryConnect(url, { auth: { token: "the-token-of-the-file" } })).answer.ok).toBe(false);
    const listening = (await readFile("/proc/net/tcp", "utf8")).toUpperCase();
    expect(listening).toContain(` 00000000:${own.toString(16).toUpperCase().padStart(4, "0")} `);
    await byOwnName.close();
    // A value that is no port is told, and the next best one counts.
    const byMistake = await start(home, { ...places, OPENCLAW_GATEWAY_PORT: "80 80" }, null);
    expect(byMistake.port).toBe(inFile);
    expect(byMistake.configIssues.join("\n")).toContain("OPENCLAW_GATEWAY_PORT");
  });

  it("C10: the schema that it publishes accepts the configuration that it runs with, and refuses a wrong one", async () => {
    const gateway = await start(await withConfig({ session: { mainKey: "hall" } }));
    const owner = await client(gateway);
    const { schema } = await owner.ask("config.schema");
    const { config } = (await owner.ask("config.get")) as { config: Record<string, object> };
    const check = z.fromJSONSchema(schema as never);
    expect(check.safeParse(config).error?.issues ?? []).toEqual([]);
    expect(config["session"]).toMatchObject({ mainKey: "hall" });
    expect(check.safeParse({ ...config, session: { ...config["session"], mainKey: 5 } }).success).toBe(false);
  });

  it("C11: models are told with provider, window, price and whether they can be used; an unknown price is null", async () => {
    const cost = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 };
    const provider = { baseUrl: "http://127.0.0.1:9/v1", api: "openai-completions" };
    const home = await withConfig({
      models: {
        providers: {
          keyed: {
            ...provider,
            apiKey: "k",
            models: [{ id: "priced", contextWindow: 9_000, cost }, { id: "unpriced" }],
          },
          keyless: { api: provider.api, models: [{ id: "locked" }] },
          local: { ...provider, models: [{ id: "open" }] },
        },
      },
    });
    const { models } = (await (await client(await start(home))).ask("models.list")) as { models: { id: string }[] };
    const told = Object.fromEntries(models.map((model) => [model.id, model]));
    const usable = { available: true, authState: "ok" };
    expect(told["priced"]).toMatchObject({
      provider: "keyed",
      contextWindow: 9_000,
      cost,
      priceKnown: true,
      ...usable,
    });
    expect(told["unpriced"]).toMatchObject({ provider: "keyed", cost: null, priceKnown: false, ...usable });
    expect(told["locked"]).toMatchObject({ provider: "keyless", available: false, authState: "missing" });
    expect(told["open"]).toMatchObject({ provider: "local", available: true, authState: "not-needed" });
  });

  it("A17 C3: the log over the wire, by the scope of a channel, holds that channel's lines and no other", async () => {
    const irc = { host: "127.0.0.1", port: 9, tls: false, nick: "claw" };
    const gateway = await start(await withConfig({ channels: { irc }, gateway: { prot: 1 } }));
    const owner = await client(gateway);
    const scopes = async (params: object): Promise<string[]> => {
      const { lines } = (await owner.ask("logs.tail", { limit: 500, ...params })) as { lines: string[] };
      return lines.map((line) => (JSON.parse(line) as { scope: string }).scope);
    };
    await expect.poll(() => scopes({ scope: "channels.irc" })).not.toEqual([]);
    for (const scope of await scopes({ scope: "channels.irc" })) expect(scope).toMatch(/^channels\.irc(\.|$)/);
    expect((await scopes({})).some((scope) => !scope.startsWith("channels.irc"))).toBe(true);
    expect(await scopes({ scope: "channels.ir" })).toEqual([]);
  });

  it("Q10 Q18 F5: an edit of the file is in force within a second, and the sockets stay; one that changes nothing is not told", async () => {
    const home = await withConfig({ messages: { responsePrefix: "one" } });
    const gateway = await start(home);
    const owner = await client(gateway);
    const before = await owner.ask("config.get", { path: "messages.responsePrefix" });
    const file = path.join(gateway.stateDir, "openclaw.json");
    const edited = performance.now();
    await writeFile(file, JSON.stringify({ messages: { responsePrefix: "two" } }));
    const told = await owner.event("config.changed");
    expect(performance.now() - edited).toBeLessThan(1_000);
    expect(told["payload"]).toMatchObject({ changedPaths: ["messages.responsePrefix"] });
    const after = await owner.ask("config.get", { path: "messages.responsePrefix" });
    expect(before["hash"]).not.toBe(after["hash"]);
    expect(JSON.stringify(after)).toContain("two");
    // The same again is no change, and nobody is told.
    await writeFile(file, `// saved again\n${JSON.stringify({ messages: { responsePrefix: "two" } })}`);
    await expect.poll(async () => (await owner.ask("config.get"))["hash"]).not.toBe(after["hash"]);
    await writeFile(file, JSON.stringify({ messages: { responsePrefix: "three" } }));
    await owner.until(({ event, payload }) => event === "config.changed" && JSON.stringify(payload).includes("three"));
    expect(owner.events("config.changed")).toHaveLength(2);
    expect(owner.socket.readyState).toBe(owner.socket.OPEN);
  });
});
