/** What passes between the protocol and a server. */
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { WatchedTransport } from "./watched-transport.ts";

function openWatched() {
  const clock = new FakeClock();
  let closed = 0;
  const inner: Transport = {
    start: () => Promise.resolve(),
    send: () => Promise.resolve(),
    close: () => Promise.resolve(void (closed += 1)),
  };
  const watched = new WatchedTransport(inner, clock);
  const passed: JSONRPCMessage[] = [];
  watched.onmessage = (message) => passed.push(message);
  const hears = (message: object) => inner.onmessage?.({ jsonrpc: "2.0", ...message } as JSONRPCMessage);
  return { clock, watched, passed, hears, closed: () => closed };
}

describe("what a server says", () => {
  it("W13: passes once, for what was asked, and by its very id", async () => {
    const { watched, passed, hears } = openWatched();
    await watched.send({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    for (const id of [2, "1", "x", 1.5, -1]) hears({ id, result: {} });
    expect(passed).toEqual([]);
    hears({ id: 1, result: { n: 1 } });
    hears({ id: 1, result: { n: 2 } });
    hears({ id: 1, error: { code: 1, message: "no" } });
    expect(passed).toEqual([{ jsonrpc: "2.0", id: 1, result: { n: 1 } }]);
  });

  it("W13: unasked, is heard so often in a minute, and then it is hung up on once", async () => {
    const { clock, passed, hears, closed } = openWatched();
    const notes = (count: number) => {
      for (let at = 0; at < count; at += 1) hears({ method: "notifications/message" });
    };
    notes(limits.mcpUnaskedMessages);
    await clock.advance(limits.mcpUnaskedWindowMs + 1);
    notes(limits.mcpUnaskedMessages);
    expect(passed).toHaveLength(2 * limits.mcpUnaskedMessages);
    expect(closed()).toBe(0);
    notes(10);
    expect(passed).toHaveLength(2 * limits.mcpUnaskedMessages);
    expect(closed()).toBe(1);
  });

  it("W13: answers to nothing count as well", () => {
    const { hears, closed } = openWatched();
    for (let at = 0; at < limits.mcpUnaskedMessages; at += 1) hears({ id: 7, result: {} });
    expect(closed()).toBe(0);
    hears({ id: 7, result: {} });
    expect(closed()).toBe(1);
  });
});
