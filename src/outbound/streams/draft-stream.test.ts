import { describe, expect, it } from "vitest";
import type { ReplyStream } from "../../agent/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import { crash, lost, passTime, takenUnheard, type WorldOptions } from "../delivery-world.fixture.ts";
import { unfinishedMark } from "./draft-stream.ts";
import { interruptedPreface } from "./earlier-attempt.ts";
import { openStreamWorld, runId, type StreamWorld } from "./stream-world.fixture.ts";

const editsPerMinute = 20;
const edit: WorldOptions = {
  settings: { streaming: "edit" },
  manifest: { editsPerMinute },
  render: (markdown, max) => {
    const pieces: string[] = [];
    for (let start = 0; start < markdown.length; start += max) pieces.push(markdown.slice(start, start + max));
    return pieces;
  },
};

function must(stream: ReplyStream | null): ReplyStream {
  if (stream === null) throw new Error("The answer leaves whole.");
  return stream;
}

/** Says so many words, one every so often. Returns all of it. */
async function say(world: StreamWorld, stream: ReplyStream, words: number, pauseMs = 250): Promise<string> {
  let text = "";
  for (let index = 0; index < words; index += 1) {
    text += `word${index} `;
    stream.update(text);
    await world.clock.advance(pauseMs);
    // The store works in its own time, which is not the clock's.
    await world.store.probe();
  }
  return text;
}

/** Ends stream and turn while time goes on, and waits until all of it is settled. */
async function finish(world: StreamWorld, stream: ReplyStream, text: string): Promise<void> {
  let streamed: Awaited<ReturnType<ReplyStream["end"]>> | undefined;
  const ended = stream.end().then((told) => (streamed = told));
  await passTime(world, () => streamed !== undefined);
  await world.commit(text, await ended);
  await passTime(world, async () => {
    const { prepared, sending, unknown } = await world.store.outbox.counts();
    return prepared + sending + unknown === 0;
  });
}

/** The only message that is seen. */
function only(world: StreamWorld): { text: string; edits: number[] } {
  expect(world.platform.texts().length).toBe(1);
  return [...world.platform.messages.values()].find((shown) => !shown.deleted) as { text: string; edits: number[] };
}

describe("an answer in one message that grows", () => {
  it("F13: one message, at most N edits in any minute, and in the end the answer", async () => {
    const world = await openStreamWorld(edit);
    const stream = must(world.open());
    const text = await say(world, stream, 400);
    await finish(world, stream, text);
    const shown = only(world);
    expect(shown.text).toBe(text);
    expect(shown.edits.length).toBeGreaterThan(editsPerMinute);
    for (const from of shown.edits) {
      expect(shown.edits.filter((at) => at >= from && at < from + 60_000).length).toBeLessThanOrEqual(editsPerMinute);
    }
  });

  it("F13: while it grows it ends with a mark, and shows what was said by then", async () => {
    const world = await openStreamWorld(edit);
    const stream = must(world.open());
    const text = await say(world, stream, 40);
    await expect.poll(() => world.platform.texts().length).toBe(1);
    const { text: shown, edits } = only(world);
    expect(edits.length).toBeGreaterThan(0);
    expect(shown.endsWith(unfinishedMark)).toBe(true);
    expect(text.startsWith(shown.slice(0, -unfinishedMark.length))).toBe(true);
    await stream.end();
  });

  it("F13: what does not fit in one message follows in others, behind the first", async () => {
    const world = await openStreamWorld({ ...edit, manifest: { editsPerMinute, text: { max: 200, unit: "utf16" } } });
    const stream = must(world.open());
    const text = await say(world, stream, 60);
    for (const shown of world.platform.messages.values()) expect(shown.text.length).toBeLessThanOrEqual(200);
    expect(world.platform.messages.size).toBe(1);
    await finish(world, stream, text);
    expect(world.platform.texts().join("")).toBe(text);
    expect(world.platform.texts().length).toBeGreaterThan(1);
  });

  it("a short answer is one message that was never edited", async () => {
    const world = await openStreamWorld(edit);
    const stream = must(world.open());
    stream.update("Yes.");
    await finish(world, stream, "Yes.");
    expect(only(world)).toMatchObject({ text: "Yes.", edits: [] });
  });

  it("an edit that is lost or refused between costs nothing", async () => {
    const world = await openStreamWorld(edit);
    const stream = must(world.open());
    await say(world, stream, 4);
    await expect.poll(() => world.platform.texts().length).toBe(1);
    const refused = (): { outcome: "not-sent"; error: AppError } => ({
      outcome: "not-sent",
      error: new AppError("CONN_003", "slow down", { retryAfterMs: 5_000 }),
    });
    world.platform.changes.push(lost, refused);
    const text = await say(world, stream, 80);
    await finish(world, stream, text);
    expect(only(world).text).toBe(text);
  });

  it("the last edit waits for the one that is under way, so that no old text comes behind the whole", async () => {
    const world = await openStreamWorld(edit);
    const stream = must(world.open());
    await say(world, stream, 4);
    await expect.poll(() => world.platform.texts().length).toBe(1);
    const gate = Promise.withResolvers<void>();
    let slow: string | undefined;
    world.platform.changes.push(async () => {
      await gate.promise;
      slow = "arrived";
      return { outcome: "sent", platformMessageId: "p1" };
    });
    const text = await say(world, stream, 40);
    expect(world.platform.changes.length).toBe(0);
    let ended = false;
    const end = stream.end().then((told) => ((ended = true), told));
    await world.clock.advance(1_000);
    expect(ended).toBe(false);
    gate.resolve();
    const told = await end;
    expect(slow).toBe("arrived");
    expect(told).toEqual({ saidChars: 0, draftMessageId: "p1", preface: null });
    await world.commit(text, told);
    await expect.poll(() => only(world).text).toBe(text);
  });

  it("a message that somebody has deleted meanwhile is said anew", async () => {
    const world = await openStreamWorld(edit);
    const stream = must(world.open());
    const text = await say(world, stream, 20);
    await expect.poll(() => world.platform.texts().length).toBe(1);
    world.platform.messages.delete("p1");
    await finish(world, stream, text);
    expect(only(world).text).toBe(text);
  });

  it("nothing grows where nobody is connected: the answer comes as one message", async () => {
    const world = await openStreamWorld({ ...edit, connected: false });
    const stream = must(world.open());
    const text = await say(world, stream, 20);
    expect((await world.store.outbox.counts()).prepared).toBe(0);
    const told = await stream.end();
    expect(told).toEqual({ saidChars: 0, draftMessageId: null, preface: null });
    world.connected = true;
    await world.commit(text, told);
    await expect.poll(() => world.platform.texts()).toEqual([text]);
    expect(await world.store.deadLetters.count()).toBe(0);
  });

  it("M4: what its platform makes two messages of grows as one, and ends as both", async () => {
    const world = await openStreamWorld({ ...edit, render: (markdown) => markdown.split("|") });
    const stream = must(world.open());
    for (let line = 1; line <= 6; line += 1) {
      stream.update(Array.from({ length: line }, (_, index) => `line ${index}`).join("\n|\n"));
      await world.clock.advance(4_000);
    }
    await expect.poll(() => world.platform.texts()).toEqual([`line 0${unfinishedMark}`]);
    await finish(world, stream, "line 0|line 1");
    expect(world.platform.texts()).toEqual(["line 0", "line 1"]);
  });

  it("M4: it is not edited any more where its chat was closed meanwhile", async () => {
    const world = await openStreamWorld(edit);
    const stream = must(world.open());
    await say(world, stream, 4);
    await expect.poll(() => world.platform.texts().length).toBe(1);
    const [before] = world.platform.texts();
    world.refusal = new AppError("SEC_001", "closed");
    await say(world, stream, 80);
    expect(world.platform.texts()).toEqual([before]);
  });

  it("M4: a first word in doubt is not sent again; the answer says that it comes again", async () => {
    const world = await openStreamWorld({ ...edit, policy: { onDoubt: "hold-and-ask" } });
    world.platform.answers.push(takenUnheard(world));
    const stream = must(world.open());
    const text = await say(world, stream, 8);
    await expect.poll(async () => (await world.store.outbox.counts()).unknown).toBe(1);
    await finish(world, stream, text);
    const [half, whole] = world.platform.texts();
    expect(half?.endsWith(unfinishedMark)).toBe(true);
    expect(whole).toBe(interruptedPreface + text);
  });

  it("M4: after a crash the same message grows on", async () => {
    const first = await openStreamWorld(edit);
    await say(first, must(first.open()), 20);
    await expect.poll(() => first.platform.texts().length).toBe(1);
    await expect.poll(async () => (await first.store.outbox.ofRun(runId))[0]?.state).toBe("sent");
    await crash(first);
    const second = await openStreamWorld({ ...edit, folder: first.folder });
    for (const piece of first.platform.seen) second.platform.take(piece);
    const stream = must(second.open());
    const text = await say(second, stream, 60);
    await finish(second, stream, text);
    expect(only(second).text).toBe(text);
    expect(only(second).edits.length).toBeGreaterThan(1);
  });

  it("a channel that cannot edit gets the answer whole", async () => {
    const world = await openStreamWorld(edit);
    Object.assign(world.manifest, { capabilities: { ...world.manifest.capabilities, edits: false } });
    expect(world.open()).toBeNull();
  });

  it("a platform that takes one edit in a minute gets the last one alone", async () => {
    const world = await openStreamWorld({ ...edit, manifest: { editsPerMinute: 1 } });
    const stream = must(world.open());
    const text = await say(world, stream, 100);
    await finish(world, stream, text);
    expect(only(world)).toMatchObject({ text, edits: [expect.any(Number)] });
  });
});
