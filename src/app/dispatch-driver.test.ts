/** A whole gateway whose dispatch goes over Redis, as the configuration and the environment say. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";
import { readEnvironment } from "../config/environment.ts";
import { connect } from "../gateway/wire-client.fixture.ts";
import { redisMissing, testUrl } from "../queue/redis/redis.fixture.ts";
import { startGatewayServer, type RunningGateway } from "./compose.ts";

const missing = await redisMissing(process.env["OPENCLAW_TEST_SERVICES"] === "required");

let gateway: RunningGateway | undefined;
let home: string | undefined;
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  if (home !== undefined) await rm(home, { recursive: true, force: true });
});

async function start(redisUrl: string): Promise<RunningGateway> {
  home = await mkdtemp(path.join(tmpdir(), "openclaw-redis-"));
  await mkdir(path.join(home, ".openclaw"), { mode: 0o700 });
  await writeFile(path.join(home, ".openclaw", "openclaw.json"), JSON.stringify({ queue: { driver: "redis" } }));
  const environment = readEnvironment({ HOME: home, OLLAMA_HOST: "http://127.0.0.1:9", REDIS_URL: redisUrl });
  gateway = await startGatewayServer(0, { environment });
  return gateway;
}

async function answerOf({ url, stateDir }: RunningGateway): Promise<unknown> {
  const token = await tokenOf(stateDir);
  const client = await connect(url.replace("http", "ws"), { auth: { token } });
  await client.ask("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: "k1" });
  return client.ask("agent.wait", { runId: "k1", timeoutMs: 10_000 });
}

async function aloneMetric({ url, stateDir }: RunningGateway): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${await tokenOf(stateDir)}` };
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  return /^openclaw_dispatch_alone (\d)$/m.exec(text)?.[1];
}

async function tokenOf(stateDir: string): Promise<string> {
  return (await readFile(path.join(stateDir, "gateway.token"), "utf8")).trim();
}

describe("a gateway with queue.driver redis", () => {
  it.skipIf(missing !== null)(
    `M3: answers, and hears of other nodes over REDIS_URL${missing === null ? "" : ` (skipped: ${missing})`}`,
    async () => {
      const redis = new Redis(testUrl);
      try {
        const running = await start(testUrl);
        expect(await answerOf(running)).toMatchObject({ status: "ok" });
        await expect.poll(() => aloneMetric(running)).toBe("0");
        expect(await redis.keys("openclaw:dispatch-*")).not.toEqual([]);
      } finally {
        await gateway?.close();
        const left = await redis.keys("openclaw:dispatch-*");
        if (left.length > 0) await redis.del(...left);
        redis.disconnect();
      }
    },
  );

  it("M3: starts, answers and stops without Redis, and says that it is alone", async () => {
    const running = await start("redis://127.0.0.1:9/0");
    expect(await answerOf(running)).toMatchObject({ status: "ok" });
    expect(await aloneMetric(running)).toBe("1");
    const ready = await fetch(`${running.url}/readyz`);
    expect(ready.status).toBe(200);
  });
});
