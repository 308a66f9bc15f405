import { afterEach, describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog, type Log } from "../../platform/log.ts";
import { dispatchConformance } from "../conformance.ts";
import { entryOf, eventually, openWorld, sweepMs, type World } from "../conformance/world.ts";
import { openRedisDriver, openRedisLine, redisMissing, type RedisLine, type RedisUnderTest } from "./redis.fixture.ts";

const missing = await redisMissing(process.env["OPENCLAW_TEST_SERVICES"] === "required");

dispatchConformance("Redis", { spansNodes: true, skip: missing, open: () => openRedisDriver() });

describe.skipIf(missing !== null)(`tickets on Redis${missing === null ? "" : ` (skipped: ${missing})`}`, () => {
  let world: World | undefined;
  let line: RedisLine | undefined;
  afterEach(async () => {
    await world?.close();
    await line?.close();
    line = undefined;
  });

  /** A world whose driver a test can look into; with `line`, its way to Redis can be cut. */
  async function open(url?: string): Promise<{ world: World; driver: RedisUnderTest }> {
    const driver = await openRedisDriver(url);
    world = await openWorld(() => Promise.resolve(driver));
    return { world, driver };
  }

  async function openOnLine(): Promise<{ world: World; line: RedisLine }> {
    line = await openRedisLine();
    return { world: (await open(line.url)).world, line };
  }

  it("M3: a ticket holds the message's id and nothing of what it says or in which session", async () => {
    const { world, driver } = await open();
    const node = await world.node({ capacity: 1 });
    await node.add("running");
    await node.add("waits", { sessionKey: "a-private-session" });
    await node.add("later", { dueMs: world.clock.nowMs() + 600_000, sessionKey: "a-private-session" });
    await eventually(async () => (await driver.keys()).filter((key) => /:m-m-/.test(key)).length).toBe(2);
    const kept: string[] = [];
    for (const key of await driver.keys()) kept.push(key, JSON.stringify(await contentOf(driver, key)));
    const all = kept.join("\n");
    expect(all).toContain("m-m-waits");
    expect(all).not.toContain("private");
    expect(all).not.toContain("business");
    expect(all).not.toContain("webchat");
  });

  it("M3: leaves nothing of a ticket behind once it is redeemed", async () => {
    const { world, driver } = await open();
    const node = await world.node({ capacity: 1 });
    for (const runId of ["a", "b", "c"]) await node.add(runId);
    for (const count of [1, 2, 3]) {
      await eventually(() => node.begun.length).toBe(count);
      await node.end();
    }
    await eventually(async () =>
      (await driver.keys()).filter((key) => /:(m-|all-|active|wait|completed)/.test(key)),
    ).toEqual([]);
  });

  it("M3: what Redis has lost is found by the sweep, and scheduled messages by each node's own clock", async () => {
    const { world, driver } = await open();
    const node = await world.node({ capacity: 1 });
    await node.add("running");
    await node.add("waits", { priority: "critical" });
    await node.add("scheduled", { dueMs: world.clock.nowMs() + 5_000 });
    await driver.redis.flushdb();
    await node.end();
    await eventually(() => node.begun).toEqual(["running", "waits"]);
    await node.end();
    await eventually(() => node.queue.load().running).toBe(0);
    await eventually(() => world.clock.nextDueMs).toBeLessThan(sweepMs - 1);
    await world.clock.advance(6_000);
    await eventually(() => node.begun).toEqual(["running", "waits", "scheduled"]);
    // Nobody was called for this one at all.
    await world.store().inbox.admit(entryOf("unheard", world.clock.nowMs()), { atMs: world.clock.nowMs() });
    await node.end();
    await world.clock.advance(sweepMs);
    await eventually(() => node.begun).toContain("unheard");
  });

  it("M3: a node whose sweep finds more than it has workers for calls the others", async () => {
    const { world } = await open();
    const still = new FakeClock(world.clock.nowMs());
    const idle = await world.node({ capacity: 2, clock: still });
    const node = await world.node({ capacity: 1 });
    for (const runId of ["a", "b", "c"]) {
      await world.store().inbox.admit(entryOf(runId, world.clock.nowMs()), { atMs: world.clock.nowMs() });
    }
    await world.clock.advance(sweepMs);
    await eventually(() => world.begun.toSorted()).toEqual(["a", "b", "c"]);
    expect([node.begun.length, idle.begun.length]).toEqual([1, 2]);
  });

  it("M3: goes on by itself while Redis is gone, says so once, and hears of others when it is back", async () => {
    const { world, line } = await openOnLine();
    const { log, lines } = listening();
    const node = await world.node({ capacity: 1, log });
    const other = await world.node({ capacity: 1 });
    await node.add("a");
    await line.cut();
    await eventually(() => node.queue.trouble()).toMatch(/Redis/);
    await eventually(() => other.queue.trouble()).toMatch(/Redis/);
    await node.add("b");
    await node.add("c", { dueMs: world.clock.nowMs() + 5_000 });
    await node.end();
    await eventually(() => node.begun).toEqual(["a", "b"]);
    await node.end();
    await eventually(() => world.clock.nextDueMs).toBeLessThanOrEqual(5_000);
    await world.clock.advance(5_000);
    await eventually(() => world.begun).toEqual(["a", "b", "c"]);
    expect(lines).toEqual(["warn: Redis cannot be used; this node goes on by itself"]);

    await line.mend();
    for (const one of [node, other]) await eventually(() => one.queue.trouble()).toBeNull();
    expect(lines.at(-1)).toBe("info: Redis is back");
    const busy = node.begun.includes("c") ? node : other;
    const idle = busy === node ? other : node;
    await busy.add("d");
    await eventually(() => idle.begun).toContain("d");
    expect(lines).toHaveLength(2);
  });

  it("M3: looks for itself the moment Redis goes, for what it may have been called for just then", async () => {
    const { world, line } = await openOnLine();
    const node = await world.node();
    await world.store().inbox.admit(entryOf("unheard", world.clock.nowMs()), { atMs: world.clock.nowMs() });
    await line.cut();
    await eventually(() => node.begun).toEqual(["unheard"]);
  });

  it("M3: what a busy node could call nobody for is found when Redis is back", async () => {
    const { world, line } = await openOnLine();
    const busy = await world.node({ capacity: 1 });
    const idle = await world.node({ capacity: 1 });
    await busy.add("running");
    await line.cut();
    for (const node of [busy, idle]) await eventually(() => node.queue.trouble()).toMatch(/Redis/);
    await busy.add("waits");
    await world.store().probe();
    expect(world.begun).toEqual(["running"]);
    await line.mend();
    await eventually(() => idle.begun).toEqual(["waits"]);
  });

  it("M3: starts, works and closes without Redis", async () => {
    const { world, line } = await openOnLine();
    await line.cut();
    const node = await world.node({ capacity: 1, isAlone: true });
    await node.add("a");
    await node.add("b");
    await node.end();
    await eventually(() => node.begun).toEqual(["a", "b"]);
    expect(node.queue.trouble()).toMatch(/Redis/);
    await node.end();
    await node.queue.close();
  });

  it("M3: two installations on one Redis do not take each other's tickets", async () => {
    const { driver } = await open();
    const stranger = await openWorld(() => Promise.resolve({ ...driver, close: () => Promise.resolve() }));
    try {
      const theirs = await stranger.node({ capacity: 8, owner: "stranger" });
      const busy = await (world as World).node({ capacity: 1 });
      const idle = await (world as World).node({ capacity: 8 });
      await busy.add("running");
      for (let count = 0; count < 8; count += 1) await busy.add(`waits-${count}`);
      await eventually(() => idle.begun.length).toBe(8);
      expect(theirs.begun).toEqual([]);
    } finally {
      await stranger.close();
    }
  });
});

async function contentOf({ redis }: RedisUnderTest, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case "hash":
      return redis.hgetall(key);
    case "list":
      return redis.lrange(key, 0, -1);
    case "zset":
      return redis.zrange(key, 0, -1);
    case "stream":
      return redis.xrange(key, "-", "+");
    default:
      return redis.get(key);
  }
}

function listening(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log: Log = {
    ...silentLog(),
    info: (message) => lines.push(`info: ${message}`),
    warn: (message) => lines.push(`warn: ${message}`),
    error: (message) => lines.push(`error: ${message}`),
  };
  return { log, lines };
}
