/** The Redis of this machine, for tests: keys under a prefix of their own, which are removed; and a line to cut. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Redis } from "ioredis";
import { systemIds } from "../../platform/ids.ts";
import type { DriverUnderTest } from "../conformance.ts";
import { createRedisQueue } from "./dispatch-queue.ts";
import { queueName } from "./queue-name.ts";

const port = 6379;
/** Not the one that somebody's own programs use. */
export const testUrl = `redis://127.0.0.1:${port}/9`;

/** Null where Redis answers; else why the tests cannot run. Throws where they have to. */
export async function redisMissing(isRequired: boolean): Promise<string | null> {
  const redis = new Redis(testUrl, { lazyConnect: true, retryStrategy: () => null });
  redis.on("error", () => undefined);
  try {
    await redis.ping();
    return null;
  } catch {
    const reason = `There is no Redis on 127.0.0.1:${port}.`;
    if (isRequired) throw new Error(reason);
    return reason;
  } finally {
    redis.disconnect();
  }
}

export interface RedisUnderTest extends DriverUnderTest {
  readonly prefix: string;
  /** Every key of this test. */
  keys(): Promise<readonly string[]>;
  readonly redis: Redis;
}

export async function openRedisDriver(url = testUrl): Promise<RedisUnderTest> {
  const prefix = `openclaw-test-${systemIds().hex(6)}`;
  const redis = new Redis(testUrl);
  const keys = (): Promise<string[]> => redis.keys(`${prefix}:*`);
  return {
    prefix,
    redis,
    keys,
    async open(options) {
      const name = await queueName(options.store, { fresh: options.owner, atMs: 0 });
      return createRedisQueue(options, { url, name, prefix });
    },
    async close() {
      const left = await keys();
      if (left.length > 0) await redis.del(...left);
      redis.disconnect();
    },
  };
}

export interface RedisLine {
  readonly url: string;
  /** Ends every connection and takes no new one. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

/** A way to Redis that can be cut, as when its machine goes away. */
export async function openRedisLine(): Promise<RedisLine> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  const listen = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(at, "127.0.0.1", resolve);
    });
  const cut = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await listen(0);
  const own = (server.address() as AddressInfo).port;
  return {
    url: `redis://127.0.0.1:${own}/9`,
    cut,
    mend: () => listen(own),
    close: () => (server.listening ? cut() : Promise.resolve()),
  };
}
