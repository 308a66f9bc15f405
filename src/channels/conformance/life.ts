/** Conformance: how a connection begins, is watched and ends. */
import assert from "node:assert/strict";
import type { CaseContext, Cases } from "../conformance.ts";
import { connect, pieceTo, RecordingLink, soon, thrown, withConnection, within, withPlatform } from "./session.ts";

export function lifeCases<Config>(context: CaseContext<Config>): Cases {
  return { ...beginning(context), ...ending(context), ...probing(context) };
}

function beginning<Config>(context: CaseContext<Config>): Cases {
  const { module } = context;
  return {
    connects: () => withConnection(context, async ({ link }) => assert.deepEqual(link.losses, [])),
    "wrong credentials are CONN_002, and not worth another try": () =>
      withPlatform(context, async (platform) => {
        const error = await thrown(connect(context, platform.wrongCredentials));
        assert.deepEqual([error.code, error.retry], ["CONN_002", "never"]);
      }),
    "nobody there is CONN_001, and worth another try": () =>
      withPlatform(context, async (platform) => {
        const error = await thrown(connect(context, platform.unreachable));
        assert.deepEqual([error.code, error.retry], ["CONN_001", "later"]);
      }),
    "a signal that is aborted already connects nothing": () =>
      withPlatform(context, async ({ account }) => {
        await thrown(within(1_000, "refusing", module.connect(account, new RecordingLink(), AbortSignal.abort())));
      }),
    "an attempt under way ends at once when it is called off": () =>
      withPlatform(context, async ({ silent }) => {
        const abort = new AbortController();
        const link = new RecordingLink();
        const attempt = Promise.allSettled([module.connect(silent, link, abort.signal)]);
        await new Promise((resolve) => setImmediate(resolve));
        abort.abort();
        const [outcome] = await within(1_000, "calling off", attempt);
        assert.equal(outcome.status, "rejected");
        assert.deepEqual(link.losses, []);
      }),
    "a failed attempt says nothing through the link": () =>
      withPlatform(context, async ({ unreachable }) => {
        const link = new RecordingLink();
        await thrown(connect(context, unreachable, link));
        assert.deepEqual([link.losses, link.received], [[], []]);
      }),
    "two accounts stand side by side, and each gets its own": () =>
      withConnection(context, async ({ platform, link }) => {
        const other = new RecordingLink();
        const second = await connect(context, platform.secondAccount, other);
        await platform.say("dm", "only for the first");
        await link.until("the message", ({ received }) => received.length === 1);
        assert.equal(other.received.length, 0);
        assert.equal(link.received[0]?.address.accountId, platform.account.accountId);
        await second.close();
        await platform.say("dm", "still here");
        await link.until("the second message", ({ received }) => received.length === 2);
      }),
    "the same account connects again after it was closed": () =>
      withPlatform(context, async (platform) => {
        await (await connect(context, platform.account)).close();
        const again = await connect(context, platform.account);
        await again.probe(soon());
        await again.close();
      }),
  };
}

function ending<Config>(context: CaseContext<Config>): Cases {
  return {
    "closes within two seconds": () =>
      withConnection(context, async ({ connection }) => within(2_000, "close", connection.close())),
    "closes within two seconds on a platform that has stopped answering": () =>
      withConnection(context, async ({ connection, platform }) => {
        platform.faults.freeze();
        await within(2_000, "close", connection.close());
      }),
    "closing again does nothing, also at the same time": () =>
      withConnection(context, async ({ connection }) => {
        await Promise.all([connection.close(), connection.close()]);
        await connection.close();
      }),
    "closing is not losing": () =>
      withConnection(context, async ({ connection, link }) => {
        await connection.close();
        await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(link.losses, []);
      }),
    "hands over nothing after it is closed": () =>
      withConnection(context, async ({ connection, link, platform }) => {
        await platform.say("group", "before");
        await link.until("the message", ({ received }) => received.length === 1);
        await connection.close();
        await platform.say("group", "after");
        assert.equal(link.received.length, 1);
      }),
    "a connection that breaks is told once": () =>
      withConnection(context, async ({ connection, link, platform }) => {
        platform.faults.cut();
        await link.until("being told", ({ losses }) => losses.length > 0);
        await connection.close();
        await connection.close();
        assert.equal(link.losses.length, 1);
        assert.equal(link.losses[0]?.retry, "later");
      }),
    "closes after it broke": () =>
      withConnection(context, async ({ connection, link, platform }) => {
        platform.faults.cut();
        await link.until("being told", ({ losses }) => losses.length > 0);
        await within(2_000, "close", connection.close());
      }),
  };
}

function probing<Config>(context: CaseContext<Config>): Cases {
  return {
    "a probe is answered": () => withConnection(context, async ({ connection }) => connection.probe(soon())),
    "probes at the same time are each answered": () =>
      withConnection(context, async ({ connection }) => {
        await Promise.all([connection.probe(soon()), connection.probe(soon()), connection.probe(soon())]);
      }),
    "a probe of a platform that has stopped answering ends with its signal": () =>
      withConnection(context, async ({ connection, platform }) => {
        platform.faults.freeze();
        await thrown(within(2_000, "the probe", connection.probe(AbortSignal.timeout(200))));
      }),
    "a probe of a closed connection fails": () =>
      withConnection(context, async ({ connection }) => {
        await connection.close();
        await thrown(within(2_000, "the probe", connection.probe(soon())));
      }),
    "a probe leaves nothing that a person could see": () =>
      withConnection(context, async ({ connection, platform }) => {
        await connection.probe(soon());
        await connection.send(pieceTo(platform, "dm", "the only line"), soon());
        const texts = await platform.seen("dm", (seen) => seen.length > 0);
        assert.deepEqual(texts, ["the only line"]);
      }),
  };
}
