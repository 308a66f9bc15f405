import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ChannelCatalogue } from "../channels/catalogue.ts";
import type { ChannelManifest, ChannelModule } from "../channels/contract.ts";
import { deliveryConfigShape } from "../channels/delivery-config.ts";
import { policyConfigShape } from "../channels/policy-config.ts";
import { defaultConfig } from "../config/default-config.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { chatRequest, openTestWay, type Script, type TestWay } from "./way.fixture.ts";

/** A platform that keeps what it is told, by the id it gave. */
interface Platform {
  readonly messages: Map<string, string>;
  readonly channels: ChannelCatalogue;
}

function createPlatform(): Platform {
  const messages = new Map<string, string>();
  const manifest = {
    id: "page",
    label: "Page",
    summary: "For tests.",
    configSchema: z.object({ ...policyConfigShape, ...deliveryConfigShape }),
    capabilities: {
      threads: false,
      edits: true,
      deletes: true,
      reactions: false,
      typing: false,
      quotes: false,
      voice: false,
      groups: false,
      receives: ["text"],
      sends: ["text"],
    },
    idempotency: "blind",
    text: { max: 4_000, unit: "utf16" },
    messagesPerSecond: 1_000,
    editsPerMinute: 20,
    secrets: [],
  } satisfies ChannelManifest as ChannelManifest;
  const module: ChannelModule = {
    manifest,
    render: (markdown) => [{ text: markdown }],
    connect: () =>
      Promise.resolve({
        send: (piece) => {
          const platformMessageId = `p${messages.size + 1}`;
          messages.set(platformMessageId, piece.text);
          return Promise.resolve({ outcome: "sent", platformMessageId });
        },
        edit: (piece, platformMessageId) => {
          messages.set(platformMessageId, piece.text);
          return Promise.resolve({ outcome: "sent", platformMessageId });
        },
        delete: (_address, platformMessageId) => {
          messages.delete(platformMessageId);
          return Promise.resolve({ outcome: "sent", platformMessageId: null });
        },
        probe: () => Promise.resolve(),
        close: () => Promise.resolve(),
      }),
  };
  const channels: ChannelCatalogue = {
    manifests: () => [manifest],
    manifest: (id) => (id === "page" ? manifest : undefined),
    module: () => Promise.resolve(module),
    prefixes: () => ["page"],
  };
  return { messages, channels };
}

const ways: TestWay[] = [];
afterEach(async () => {
  for (const way of ways.splice(0)) await way.close();
});

async function answer(
  script: Script,
  settings: Record<string, unknown>,
): Promise<{ way: TestWay; platform: Platform; clock: FakeClock; shown: () => string[] }> {
  const platform = createPlatform();
  const clock = new FakeClock();
  const config = { ...defaultConfig(), channels: { page: { dmPolicy: "open", allowFrom: ["*"], ...settings } } };
  const way = await openTestWay({ script, clock, config, channels: platform.channels });
  ways.push(way);
  await way.way.start();
  const address = { channel: "page", accountId: "default", chatId: "ann", chatKind: "dm" as const };
  const receivedAtMs = clock.nowMs();
  await way.way.admit(chatRequest("tell me", { runId: "run-1", message: { address, receivedAtMs } }));
  return { way, platform, clock, shown: () => [...platform.messages.values()] };
}

/** Lets time go on until the turn has ended and everything of it has left. */
async function untilSaid({ way, clock }: { way: TestWay; clock: FakeClock }): Promise<void> {
  await expect
    .poll(
      async () => {
        await clock.advance(100);
        const { prepared, sending } = await way.store.outbox.counts();
        return way.events.some((event) => event.type === "run.ended") && prepared + sending === 0;
      },
      { timeout: 10_000, interval: 5 },
    )
    .toBe(true);
}

const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 };
const paragraph = "A paragraph of an answer that is written while somebody reads along. ".repeat(6).trim();
const text = Array.from({ length: 6 }, (_, index) => `${index}. ${paragraph}`).join("\n\n");
const withoutSpace = (said: string): string => said.replaceAll(/\s/g, "");

function inPieces(end: "stop" | "failure"): Script {
  return async function* () {
    for (let start = 0; start < text.length; start += 50) yield { type: "text", text: text.slice(start, start + 50) };
    yield end === "stop"
      ? { type: "end", reason: "stop", usage }
      : { type: "failure", error: { code: "MODEL_004", message: "it broke", retry: "later", details: {} } };
  };
}

describe("a turn whose answer leaves while it is written", () => {
  it("F11: is said in blocks once, and stands in the transcript once", async () => {
    const turn = await answer(inPieces("stop"), { streaming: "block" });
    await untilSaid(turn);
    expect(turn.shown().length).toBeGreaterThan(1);
    expect(withoutSpace(turn.shown().join(""))).toBe(withoutSpace(text));
    const [, said, ...more] = await turn.way.store.sessions.transcript("agent:main:main");
    expect(said?.body["message"]).toMatchObject({ content: [{ type: "text", text }] });
    expect(more).toEqual([]);
  });

  it("ends with the honest word where the model fails, behind what was said already", async () => {
    const turn = await answer(inPieces("failure"), { streaming: "block" });
    await untilSaid(turn);
    const said = turn.shown().join("\n");
    expect(withoutSpace(said).startsWith(withoutSpace(text))).toBe(true);
    expect(turn.shown().at(-1)).toContain("MODEL_004");
  });

  it("F13: grows in one message and is the answer in the end", async () => {
    let goOn: () => void = () => undefined;
    const script: Script = async function* () {
      yield { type: "text", text: text.slice(0, 300) };
      await new Promise<void>((resolve) => (goOn = resolve));
      yield { type: "text", text: text.slice(300) };
      yield { type: "end", reason: "stop", usage };
    };
    const turn = await answer(script, { streaming: "edit" });
    await expect
      .poll(async () => (await turn.clock.advance(100), turn.shown().length), { timeout: 10_000, interval: 5 })
      .toBe(1);
    expect(turn.shown()[0]?.endsWith(" …")).toBe(true);
    goOn();
    await untilSaid(turn);
    expect(turn.shown()).toEqual([text]);
  });

  it("leaves whole where nobody asked for more", async () => {
    const turn = await answer(inPieces("stop"), {});
    await untilSaid(turn);
    expect(turn.shown()).toEqual([text]);
  });
});
