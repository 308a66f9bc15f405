/** The way of a message as an operator reads it: found by any of its names, in order, in words. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { t0 } from "../../../store/conformance/samples.ts";
import { openStage, type Stage } from "../../fake-deps.fixture.ts";
import { connect, errorOf, type WireClient } from "../../wire-client.fixture.ts";
import { sceneOf, type Scene } from "./operate.fixture.ts";
import { platformNames } from "./trace.ts";
import { wordsOf } from "./trace-words.ts";

let stage: Stage;
let client: WireClient;
let scene: Scene;

beforeEach(async () => {
  stage = await openStage();
  client = await connect(stage.url);
  scene = sceneOf(stage.store);
});
afterEach(() => stage.close());

interface Told {
  readonly messageId: string;
  readonly runId: string;
  readonly tookMs: number;
  readonly events: readonly { type: string; atMs: number; gapMs: number; what: string; why: string | null }[];
  readonly parts: readonly { id: string; platformMessageIds: readonly string[] }[];
}

async function trace(id: string): Promise<Told> {
  return (await client.ask("trace.get", { id })) as unknown as Told;
}

describe("the trace of a message", () => {
  it("M7: shows the receipt with the platform's ids, whichever name the message is asked for by", async () => {
    const part = await scene.sent("p1", "p2");
    const { channel, accountId, chatId } = part.address;
    const whole = await trace(part.messageId ?? "");
    expect(whole.parts).toMatchObject([{ id: part.id, platformMessageIds: ["p1", "p2"] }]);
    expect(whole.events.at(-1)).toMatchObject({ type: "outbox.sent", what: `part ${part.id} arrived as p1, p2` });
    for (const id of [part.runId ?? "", part.id, `${channel}:${accountId}:${chatId}:p2`])
      expect({ ...(await trace(id)), id: "" }, id).toEqual({ ...whole, id: "" });
  });

  it("M7: a message of theirs is found by what the platform calls it", async () => {
    const { message } = await scene.deadMessage();
    const { channel, accountId, chatId } = message.address;
    const dedupeKey = JSON.stringify([channel, accountId, chatId, "theirs"]);
    const entry = await scene.deadMessage({ dedupeKey }, "expired");
    expect(await trace(`${channel}:${accountId}:${chatId}:theirs`)).toMatchObject({
      messageId: entry.message.id,
      events: [{ type: "inbox.queued" }, { type: "inbox.dead", why: "expired" }],
    });
  });

  it("J9: tells each step with its time and the time since the one before", async () => {
    const part = await scene.sent("p1");
    const { events, tookMs } = await trace(part.id);
    expect(events.map(({ what }) => what)).toEqual([
      "stored; it waits for its turn",
      "taken up",
      "answered",
      `part ${part.id} is ready to go out`,
      `part ${part.id} leaves`,
      `a piece of part ${part.id} was confirmed as p1`,
      `part ${part.id} arrived as p1`,
    ]);
    expect(events.map(({ gapMs }) => gapMs)).toEqual([0, 0, 1_000, 0, 1_000, 500, 500]);
    expect([events[0]?.atMs, tookMs]).toEqual([t0, 3_000]);
  });

  it("says why a part failed, and who put it back to work", async () => {
    const part = await scene.failed();
    await client.ask("dlq.replay", { id: part.id });
    const { events } = await trace(part.id);
    expect(events.find(({ type }) => type === "outbox.failed")?.why).toBe(
      "A message could not be delivered. (MSG_002)",
    );
    expect(events.find(({ type }) => type === "dlq.replayed")?.what).toMatch(
      /^put back to work by hand by (token|device):/,
    );
  });

  it("knows nothing of what never was", async () => {
    for (const id of ["nobody", "irc:default:chat:nobody", ":::", "::::::::::::::::::::"])
      expect(errorOf(await client.call("trace.get", { id })).details["errorCode"], id).toBe("RPC_007");
  });
});

describe("a platform's name", () => {
  it("may hold colons in chat and id: every cut is tried, within bounds", () => {
    expect(platformNames("irc:default:account:ada:m:1").map(({ chatId, platformId }) => [chatId, platformId])).toEqual([
      ["account:ada:m", "1"],
      ["account:ada", "m:1"],
      ["account", "ada:m:1"],
    ]);
    expect(platformNames("irc:default:chat")).toEqual([]);
    expect(platformNames(`irc:default:${"x:".repeat(500)}y`)).toHaveLength(8);
  });
});

describe("an event without words", () => {
  it("is told by its name, whatever that is", () => {
    expect(wordsOf("something.new", { reason: "r" })).toEqual({ what: "something.new", why: "r" });
    expect(wordsOf("constructor", {})).toEqual({ what: "constructor", why: null });
  });
});
