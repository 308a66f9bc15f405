import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReplyStream } from "../../agent/contract.ts";
import { passTime } from "../delivery-world.fixture.ts";
import { interruptedPreface } from "./earlier-attempt.ts";
import { openStreamWorld, type StreamWorld } from "./stream-world.fixture.ts";

const block = { settings: { streaming: "block" } } as const;
const edit = { settings: { streaming: "edit" }, manifest: { editsPerMinute: 60 } } as const;
const whole = { render: (markdown: string) => [markdown] };

function must(stream: ReplyStream | null): ReplyStream {
  if (stream === null) throw new Error("The answer leaves whole.");
  return stream;
}

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

/** Lets the stream write and the platform show; the store works in its own time, which is not the clock's. */
async function settle(world: StreamWorld, timeMs = 1_000): Promise<void> {
  for (let passedMs = 0; passedMs < timeMs; passedMs += 100) {
    await world.clock.advance(100);
    await world.store.probe();
  }
}

const sentence = "This is a sentence that says a little about something. ";
const paragraph = (name: string): string => `${name}: ${sentence.repeat(17).trim()}\n\n`;

describe("an answer in blocks that begins anew", () => {
  it("F11: what was said of the broken one is explained once, in front of the new one, and nothing of the new one is missing", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    stream.update(paragraph("Broken"));
    await settle(world);
    expect(world.platform.texts()).toHaveLength(1);
    stream.restart("");
    const text = `${paragraph("Whole")}${paragraph("Second")}The end.`;
    stream.update(text.slice(0, 300));
    stream.update(text);
    await settle(world);
    await finish(world, stream, text);
    const [broken = "", ...rest] = world.platform.texts();
    expect(broken).toMatch(/^Broken/);
    const said = rest.join("");
    expect(said.startsWith(interruptedPreface.trim())).toBe(true);
    expect(said.split(interruptedPreface.trim())).toHaveLength(2);
    expect(said.replace(interruptedPreface.trim(), "").replaceAll(/\s/g, "")).toBe(text.replaceAll(/\s/g, ""));
  });

  it("F11: where nothing of the broken one was said yet there is nothing to explain", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    stream.update("Too short for a block");
    stream.restart("");
    stream.update("The answer.");
    await finish(world, stream, "The answer.");
    expect(world.platform.texts()).toEqual(["The answer."]);
  });

  it("F11: blocks that were cut and not yet written when it begins anew are not written any more", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    stream.update(`${paragraph("Broken")}${paragraph("Broken too")}`);
    stream.restart("");
    stream.update("The answer.");
    await settle(world);
    await finish(world, stream, "The answer.");
    expect(world.platform.texts()).toEqual(["The answer."]);
  });

  it("F11: what an earlier step has said stays said, and is not said again", async () => {
    const world = await openStreamWorld({ ...block, ...whole });
    const stream = must(world.open());
    const earlier = paragraph("Earlier").trimEnd();
    stream.update(`${earlier}\n\n`);
    await settle(world);
    stream.update(`${earlier}\n\n${paragraph("Broken")}`);
    await settle(world);
    expect(world.platform.texts()).toHaveLength(2);
    stream.restart(`${earlier}\n\n`);
    const text = `${earlier}\n\nThe rest.`;
    stream.update(text);
    await finish(world, stream, text);
    const texts = world.platform.texts();
    expect(texts.filter((one) => one.includes("Earlier"))).toHaveLength(1);
    expect(texts.at(-1)).toBe(`${interruptedPreface}The rest.`);
  });

  it("F11: wherever it breaks, the words behind the last explanation are the answer", async () => {
    const words = fc.array(fc.constantFrom("one ", "two.\n\n", "three, ", "four. ", "```\ncode\n```\n"), {
      minLength: 1,
      maxLength: 120,
    });
    await fc.assert(
      fc.asyncProperty(words, words, fc.array(fc.nat(2_000), { maxLength: 4 }), async (first, second, stops) => {
        const world = await openStreamWorld({
          settings: { streaming: "block", blocks: { minChars: 40, maxChars: 90, idleMs: 1_000 } },
          ...whole,
        });
        const stream = must(world.open());
        const broken = first.join("");
        for (const stop of [...stops, broken.length].toSorted((left, right) => left - right)) {
          stream.update(broken.slice(0, stop));
          if (stop % 2 === 0) await settle(world);
        }
        stream.restart("");
        const text = `X ${second.join("")}END`;
        stream.update(text.slice(0, Math.ceil(text.length / 2)));
        stream.update(text);
        await finish(world, stream, text);
        const all = world.platform.texts().join(" ");
        const said = all.slice(all.lastIndexOf("X "));
        const bare = (value: string): string => value.replaceAll(/\s|```/g, "");
        expect(bare(said)).toBe(bare(text));
        const explained = world.platform.texts().filter((one) => one.includes("(The answer was interrupted"));
        expect(explained.length).toBeLessThanOrEqual(1);
        if (world.platform.texts().some((one) => !one.includes("X ") && all.indexOf(one) < all.lastIndexOf("X "))) {
          expect(explained).toHaveLength(1);
        }
      }),
      { numRuns: 12 },
    );
  });
});

describe("a message that grows and begins anew", () => {
  it("F13: becomes the new answer, with no word of the broken one in it", async () => {
    const world = await openStreamWorld({ ...edit, ...whole });
    const stream = must(world.open());
    stream.update("The broken answer, which goes on");
    await settle(world, 3_000);
    expect(world.platform.texts()).toEqual(["The broken answer, which goes on …"]);
    stream.restart("");
    stream.update("The whole answer.");
    await settle(world, 3_000);
    expect(world.platform.texts()).toEqual(["The whole answer. …"]);
    await finish(world, stream, "The whole answer.");
    expect(world.platform.texts()).toEqual(["The whole answer."]);
  });
});
