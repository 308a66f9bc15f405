import { describe, expect, it } from "vitest";
import type { OutboxRow } from "../../store/port.ts";
import type { ReplyStream } from "../../agent/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import { crash, passTime, takenUnheard } from "../delivery-world.fixture.ts";
import { repeatLabel } from "../part/render-part.ts";
import { interruptedPreface } from "./earlier-attempt.ts";
import { openStreamWorld, type StreamWorld } from "./stream-world.fixture.ts";

const block = { settings: { streaming: "block" } } as const;

/** The delivery shows a text whole, so that what is seen is what was put out. */
const whole = { render: (markdown: string) => [markdown] };

function must(stream: ReplyStream | null): ReplyStream {
  if (stream === null) throw new Error("The answer leaves whole.");
  return stream;
}

/** Says a text in small pieces, and lets time pass between them. */
async function say(world: StreamWorld, stream: ReplyStream, text: string, pauseMs = 20): Promise<void> {
  for (let end = 17; end < text.length + 17; end += 17) {
    stream.update(text.slice(0, end));
    await world.clock.advance(pauseMs);
  }
}

/** Ends the stream and the turn, and waits until everything has been seen. */
async function finish(world: StreamWorld, stream: ReplyStream, text: string): Promise<void> {
  await world.commit(text, await stream.end());
  await passTime(world, async () => {
    const { prepared, sending, unknown } = await world.store.outbox.counts();
    return prepared + sending + unknown === 0;
  });
}

const sentence = "This is a sentence that says a little about something. ";
const paragraphs = Array.from({ length: 12 }, (_, index) => `${sentence.repeat(6).trim()} No ${index}.`).join("\n\n");
const code = `\`\`\`ts\n${"const answer: number = 42; // and so on\n".repeat(12)}\`\`\``;

describe("an answer in blocks", () => {
  it("F11: blocks have 800 to 1,200 characters, all but the last, and joined they are the answer", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    const text = `${paragraphs}\n\n${sentence.repeat(50)}\n\n${paragraphs}`;
    await say(world, stream, text);
    await finish(world, stream, text);
    const blocks = world.platform.texts();
    expect(blocks.length).toBeGreaterThan(5);
    for (const one of blocks.slice(0, -1)) {
      expect(one.length).toBeGreaterThanOrEqual(800 - 2);
      expect(one.length).toBeLessThanOrEqual(1_200);
    }
    expect(blocks.join("").replaceAll(/\s/g, "")).toBe(text.replaceAll(/\s/g, ""));
  });

  it("F11: code in fences is never broken", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    const text = [sentence.repeat(12), code, sentence.repeat(3), code, sentence.repeat(20), code].join("\n\n");
    await say(world, stream, text);
    await finish(world, stream, text);
    const blocks = world.platform.texts();
    expect(blocks.length).toBeGreaterThan(2);
    for (const one of blocks) expect((one.match(/^```/gm) ?? []).length % 2).toBe(0);
    expect(blocks.filter((one) => one.includes(code)).length).toBeGreaterThan(0);
    expect(blocks.join("\n").split(code).length - 1).toBe(3);
  });

  it("F11: code that is longer than a block is closed and opened again, and nothing of it is missing", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    const long = `\`\`\`ts\n${Array.from({ length: 100 }, (_, index) => `const line${index} = "of a long program";`).join("\n")}\n\`\`\``;
    await say(world, stream, long);
    await finish(world, stream, long);
    const blocks = world.platform.texts();
    for (const one of blocks) {
      expect(one.length).toBeLessThanOrEqual(1_200);
      expect((one.match(/^```/gm) ?? []).length % 2).toBe(0);
    }
    const lines = blocks.flatMap((one) => one.split("\n")).filter((line) => line.startsWith("const"));
    expect(lines).toEqual(long.split("\n").filter((line) => line.startsWith("const")));
  });

  it("F11: after a second of silence what there is leaves, and not before", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    stream.update("Let me look that up.");
    await world.clock.advance(999);
    for (let turn = 0; turn < 20; turn += 1) await world.store.probe();
    expect(await world.store.outbox.ofRun(world.runId)).toEqual([]);
    await world.clock.advance(1);
    await expect.poll(() => world.platform.texts()).toEqual(["Let me look that up."]);
    const text = "Let me look that up.\n\nIt is 42.";
    stream.update(text);
    await finish(world, stream, text);
    expect(world.platform.texts().map((one) => one.trim())).toEqual(["Let me look that up.", "It is 42."]);
  });

  it("F12: no block is larger than the channel takes, in its own unit", async () => {
    for (const [unit, size] of [
      ["utf16", (text: string) => text.length],
      ["byte", (text: string) => Buffer.byteLength(text)],
    ] as const) {
      const world = await openStreamWorld({ ...block, ...whole, manifest: { text: { max: 500, unit } } });
      const stream = must(world.open());
      const text = `${"Größe zählt, und Ärger auch. ".repeat(60)}\n\n${code}`;
      await say(world, stream, text);
      const { saidChars } = await stream.end();
      const rows = await world.store.outbox.ofRun(world.runId);
      expect(rows.length).toBeGreaterThan(3);
      expect(saidChars).toBeGreaterThan(1_500);
      for (const row of rows) expect(size(row.reply.markdown)).toBeLessThanOrEqual(500);
    }
  });

  it("only the first block quotes what it answers", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    await say(world, stream, paragraphs);
    await stream.end();
    const rows = await world.store.outbox.ofRun(world.runId);
    expect(rows.map((row) => row.replyToId)).toEqual(["question", ...rows.slice(1).map(() => null)]);
  });

  it("says nothing behind a lease that was lost, and leaves the rest to whoever has it", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    stream.update(paragraphs.slice(0, 1_000));
    await expect.poll(async () => (await world.store.outbox.ofRun(world.runId)).length).toBe(1);
    const atMs = world.clock.nowMs();
    await world.store.inbox.recover("another", atMs);
    stream.update(paragraphs);
    const streamed = await stream.end();
    expect((await world.store.outbox.ofRun(world.runId)).length).toBe(1);
    expect(streamed.saidChars).toBeLessThan(1_000);
  });

  it("a store that refuses a block ends the blocks, and the result says everything from there on", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    const { outbox } = world.store;
    const add = outbox.add.bind(outbox);
    await say(world, stream, paragraphs.slice(0, 1_500));
    await expect.poll(async () => (await outbox.ofRun(world.runId)).length).toBe(1);
    outbox.add = () => Promise.reject(new AppError("SYS_001", "cannot be kept"));
    await say(world, stream, paragraphs);
    const streamed = await stream.end();
    outbox.add = add;
    await world.commit(paragraphs, streamed);
    await expect.poll(() => world.platform.texts().length).toBe(2);
    expect(world.platform.texts().join("").replaceAll(/\s/g, "")).toBe(paragraphs.replaceAll(/\s/g, ""));
  });
});

describe("an answer that was interrupted", () => {
  it("M4: what had not left is taken back, and what was seen is explained in front of the new answer", async () => {
    const first = await openStreamWorld({ ...block, ...whole, manifest: noDeletes });
    const stream = must(first.open());
    await say(first, stream, paragraphs.slice(0, 1_200));
    await expect.poll(() => first.platform.texts().length).toBe(1);
    first.connected = false;
    await say(first, stream, paragraphs);
    await expect.poll(async () => (await first.store.outbox.counts()).prepared).toBeGreaterThan(1);
    await crash(first);
    const again = { ...block, ...whole, manifest: noDeletes, folder: first.folder, connected: false };
    const second = await openStreamWorld(again);
    const anew = must(second.open());
    await say(second, anew, paragraphs);
    // What the first attempt left waiting is taken back beside the writing; whoever connects before sees it leave.
    const isLeftOver = ({ id, state }: OutboxRow): boolean => id.endsWith(".1") && state === "prepared";
    await expect.poll(async () => (await second.store.outbox.ofRun(second.runId)).filter(isLeftOver)).toEqual([]);
    second.connected = true;
    await finish(second, anew, paragraphs);
    const seen = second.platform.texts();
    expect(seen[0]?.startsWith(interruptedPreface)).toBe(true);
    const said = seen.join("").replace(interruptedPreface, "").replaceAll(/\s/g, "");
    expect(said).toBe(paragraphs.replaceAll(/\s/g, ""));
    expect(await second.store.deadLetters.count()).toBe(0);
  });

  it("M4: where the platform can delete, it is as if nothing had been said before", async () => {
    const first = await openStreamWorld({ ...block, ...whole });
    const stream = must(first.open());
    await say(first, stream, paragraphs.slice(0, 2_500));
    await expect.poll(async () => (await first.store.outbox.counts()).sent).toBe(2);
    await crash(first);
    const second = await openStreamWorld({ ...block, ...whole, folder: first.folder });
    for (const piece of first.platform.seen) second.platform.take(piece);
    const again = must(second.open());
    await say(second, again, paragraphs);
    await finish(second, again, paragraphs);
    expect(second.platform.texts().join("").replaceAll(/\s/g, "")).toBe(paragraphs.replaceAll(/\s/g, ""));
  });

  it("M4: a block in doubt is not sent again beside the new answer", async () => {
    const first = await openStreamWorld({ ...block, ...whole, policy: { onDoubt: "hold-and-ask" } });
    first.platform.answers.push(takenUnheard(first));
    const stream = must(first.open());
    await say(first, stream, paragraphs.slice(0, 1_200));
    await expect.poll(async () => (await first.store.outbox.counts()).unknown).toBe(1);
    await crash(first);
    const second = await openStreamWorld({
      ...block,
      ...whole,
      folder: first.folder,
      policy: { onDoubt: "hold-and-ask" },
    });
    const again = must(second.open());
    await say(second, again, paragraphs);
    await finish(second, again, paragraphs);
    const seen = second.platform.texts();
    expect(seen[0]?.startsWith(interruptedPreface)).toBe(true);
    expect(seen.some((text) => text.includes(repeatLabel))).toBe(false);
  });

  it("C2: a block that was being sent when the house fell is explained too, before anybody could decide about it", async () => {
    const first = await openStreamWorld({ ...block, ...whole });
    first.platform.answers.push((piece) => (first.platform.take(piece), new Promise(() => undefined)));
    const stream = must(first.open());
    await say(first, stream, paragraphs.slice(0, 1_200));
    await expect.poll(async () => (await first.store.outbox.counts()).sending).toBe(1);
    await crash(first);
    const second = await openStreamWorld({ ...block, ...whole, folder: first.folder, connected: false });
    const again = must(second.open());
    await say(second, again, paragraphs);
    second.connected = true;
    await finish(second, again, paragraphs);
    expect(second.platform.texts()[0]?.startsWith(interruptedPreface)).toBe(true);
  });

  it("is explained too where answers leave whole by now", async () => {
    const first = await openStreamWorld({ ...block, ...whole, manifest: noDeletes });
    const stream = must(first.open());
    await say(first, stream, paragraphs.slice(0, 1_200));
    await expect.poll(() => first.platform.texts().length).toBe(1);
    await crash(first);
    const second = await openStreamWorld({ ...whole, manifest: noDeletes, folder: first.folder });
    const again = must(second.open());
    await finish(second, again, "Short now.");
    expect(second.platform.texts()).toEqual([`${interruptedPreface}Short now.`]);
  });

  it("an answer that leaves whole, and was not begun before, has no stream", async () => {
    const world = await openStreamWorld(whole);
    expect(world.open()).toBeNull();
    world.settings = {
      ...world.settings,
      streaming: "block",
      policy: { ...world.settings.policy, permission: "deny" },
    };
    expect(world.open()).toBeNull();
    world.settings = { ...world.settings, policy: { ...world.settings.policy, permission: "require-approval" } };
    expect(world.open()).toBeNull();
  });
});

const noDeletes = {
  capabilities: {
    threads: false,
    edits: false,
    deletes: false,
    reactions: false,
    typing: false,
    quotes: true,
    voice: false,
    groups: true,
    receives: ["text"],
    sends: ["text"],
  },
} as const;
