import { afterAll, beforeAll, describe, it } from "vitest";
import { channelConformance, type ChannelHarness, type ConformanceCase, type InboundFixture } from "../conformance.ts";
import type { IrcConfig } from "./manifest.ts";
import { FakeIrcServer } from "./fake-server.fixture.ts";
import recorded from "./fixtures/inbound.json" with { type: "json" };
import { irc } from "./index.ts";
import { Ngircd, ngircdMissing } from "./ngircd.fixture.ts";
import { ircHarness, password } from "./platform.fixture.ts";

const fixtures = recorded as unknown as readonly InboundFixture[];
const missing = ngircdMissing(process.env["OPENCLAW_TEST_SERVICES"] === "required");

/** What is read and rendered is the same whatever the server. */
const onTheWire = /^(life|sending|inbound):/;

interface Server {
  readonly port: number;
  stop(): Promise<void>;
}

/** A server that is asked for more connections at once than it queues lets the rest wait in vain. */
const lanes = 8;

/**
 * Cases stand side by side: each has a nick, a room and a person of its own. A real server makes everybody who signs
 * on wait for seconds, so several of them run at once; each test then tells how its own case went.
 */
function conforms(start: () => Promise<Server>, areas: RegExp = /./): void {
  let server: Server | undefined;
  const outcomes = new Map<string, PromiseWithResolvers<unknown>>();
  const harness: ChannelHarness<IrcConfig> = ircHarness(() => server?.port ?? 0, fixtures);
  const cases = channelConformance(irc, harness).filter(({ name }) => areas.test(name));
  const due = cases.filter(({ exempt }) => exempt === null);
  for (const { name } of due) outcomes.set(name, Promise.withResolvers());

  async function lane(waiting: ConformanceCase[]): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      // Cases that only compute would otherwise let no other lane hear its server for as long as they all take.
      await new Promise((resolve) => setImmediate(resolve));
      const failure: unknown = await next.run().then(
        () => null,
        (error: unknown) => error,
      );
      outcomes.get(next.name)?.resolve(failure);
    }
  }

  beforeAll(async () => {
    server = await start();
    const waiting = [...due];
    for (let count = 0; count < lanes; count += 1) void lane(waiting);
  });
  afterAll(async () => {
    await server?.stop();
  });
  for (const { name, exempt } of cases) {
    if (exempt !== null) it.skip(`K21: ${name} (exempt: ${exempt})`);
    else {
      it(`${rows(name)}: ${name}`, async () => {
        const failure = await outcomes.get(name)?.promise;
        if (failure !== null) throw failure;
      }, 60_000);
    }
  }
}

function rows(name: string): string {
  if (name.startsWith("parsing")) return "K21 J3 J7";
  return name.includes("content type") || name.includes("kind of file") ? "K21 J4" : "K21";
}

describe("irc against a small server with every extension", () => {
  conforms(async () => {
    const capabilities = ["server-time", "message-tags", "account-tag", "echo-message", "batch", "labeled-response"];
    const server = await FakeIrcServer.start({ password, capabilities });
    return { port: server.port, stop: () => server.close() };
  });
});

describe("irc against a small server with no extension", () => {
  conforms(async () => {
    const server = await FakeIrcServer.start({ password });
    return { port: server.port, stop: () => server.close() };
  }, onTheWire);
});

describe.skipIf(missing !== null)(`irc against ngircd${missing === null ? "" : ` (skipped: ${missing})`}`, () => {
  conforms(() => Ngircd.start({ password }), onTheWire);
});
