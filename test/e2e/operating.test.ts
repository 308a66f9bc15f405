/** What an operator does from the command line about messages that did not go their way, seen in the chat. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import type { EmulatedBot, EmulatedPerson, TelegramEmulator } from "../../src/drill/telegram-emulator/contract.ts";
import { startTelegramEmulator } from "../../src/drill/telegram-emulator/server.ts";
import type { WireClient } from "../../src/gateway/wire-client.fixture.ts";
import {
  configWith,
  newStateDir,
  runCommand,
  startGateway,
  type CommandResult,
  type GatewayProcess,
} from "./gateway-process.ts";
import { client } from "./observe.ts";

let model: ModelEmulator;
let telegram: TelegramEmulator;
let bot: EmulatedBot;
let ann: EmulatedPerson;
let state: Awaited<ReturnType<typeof newStateDir>>;
let gateway: GatewayProcess;
let socket: WireClient;

beforeAll(async () => {
  model = await startModelEmulator({ script: (request) => ({ text: `re: ${request.lastText}` }) });
  telegram = await startTelegramEmulator({ perChatPerSecond: Number.POSITIVE_INFINITY });
  bot = telegram.addBot({ username: "claw_bot" });
  state = await newStateDir();
  await start();
}, 30_000);
afterAll(async () => {
  await gateway?.kill("SIGKILL");
  await telegram?.close();
  await model?.close();
  await state?.remove();
});
/** Somebody new for each, so that nobody's chat holds another test's words. */
beforeEach(() => {
  ann = telegram.addPerson({ firstName: "Ann" });
});

function configured(delivery: object = {}): Record<string, unknown> {
  const account = { botToken: bot.token, apiRoot: telegram.url, dmPolicy: "open", allowFrom: ["*"], delivery };
  const session = { dmScope: "per-channel-peer" };
  return configWith(model.url, { session, channels: { telegram: account } });
}

async function start(delivery: object = {}): Promise<void> {
  gateway = await startGateway({ stateDir: state.stateDir, config: configured(delivery) });
  socket = await client(gateway);
}

/** A changed file is taken over by the running gateway. */
async function configure(delivery: object): Promise<void> {
  const known = socket.events("config.changed").length;
  await writeFile(path.join(state.stateDir, "openclaw.json"), JSON.stringify(configured(delivery), null, 2));
  await expect.poll(() => socket.events("config.changed").length, { timeout: 10_000 }).toBeGreaterThan(known);
}

function run(...args: readonly string[]): Promise<CommandResult> {
  const env = { OPENCLAW_GATEWAY_PORT: String(gateway.port) };
  return runCommand(args, { stateDir: state.stateDir, env });
}

async function json<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await run(...args, "--json");
  expect(code, stdout + stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

interface Part {
  readonly id: string;
  readonly chatId: string;
  readonly platformMessageIds: readonly string[];
}

async function partOf(person: EmulatedPerson, state: string): Promise<Part> {
  let found: Part | undefined;
  await expect
    .poll(
      async () => {
        const { parts } = (await socket.ask("outbox.list", { state, limit: 100 })) as { parts: Part[] };
        found = parts.find(({ chatId }) => chatId === String(person.id));
        return found !== undefined;
      },
      { timeout: 15_000 },
    )
    .toBe(true);
  return found as Part;
}

function seen(person: EmulatedPerson): readonly string[] {
  return telegram.visible(person.id, bot).flatMap(({ from, text }) => (from === bot.id ? [text] : []));
}

async function sees(person: EmulatedPerson, ...texts: readonly string[]): Promise<void> {
  await expect.poll(() => seen(person), { timeout: 15_000, interval: 20 }).toEqual(texts);
}

describe("dead letters", () => {
  it("M9, M10: a reply that the platform refused is found, read, sent again once by hand, and thrown away", async () => {
    ann.say(bot, "hello");
    ann.block(bot);
    const { id } = await partOf(ann, "failed");
    const list = await run("dlq", "list");
    expect(list.code).toBe(0);
    expect(list.stdout).toMatch(new RegExp(`part +${id} +telegram/default ${ann.id} .*re: hello`));
    const shown = await run("dlq", "show", id);
    expect(shown.stdout).toMatch(/^text +re: hello$/m);
    expect(shown.stdout).toMatch(/^error +.+\((SEC|MSG|CONN)_\d+\)$/m);
    ann.unblock(bot);
    expect(await run("dlq", "replay", id)).toMatchObject({ code: 0, stdout: `${id}: back to work\n` });
    await sees(ann, "re: hello");
    expect(await run("dlq", "replay", id)).toMatchObject({ code: 1, stdout: `${id}: no dead letter (any more)\n` });
    expect((await json<{ letters: Part[] }>("dlq", "list")).letters.filter((one) => one.id === id)).toEqual([]);
    ann.say(bot, "again");
    ann.block(bot);
    const second = await partOf(ann, "failed");
    expect(await run("dlq", "purge", second.id)).toMatchObject({ code: 0, stdout: "1 purged\n" });
    expect((await run("dlq", "replay", second.id)).code).toBe(1);
    expect((await run("dlq", "show", second.id)).code).toBe(1);
  }, 60_000);

  it("M10: wrong usage is said as everywhere", async () => {
    for (const args of [
      ["dlq", "replay"],
      ["dlq", "purge"],
      ["dlq", "purge", "--older-than", "soon"],
      ["dlq", "list", "-n", "0"],
    ])
      expect((await run(...args)).code, args.join(" ")).toBe(2);
  }, 30_000);
});

describe("a delivery that needs a person's yes", () => {
  it("N11: is held, approved once and then seen once; denied, it is never seen, and who said so can be read", async () => {
    await configure({ permission: "require-approval" });
    ann.say(bot, "may I?");
    const held = await partOf(ann, "held");
    expect((await socket.event("outbox.held"))["payload"]).toMatchObject({ chatId: String(ann.id) });
    expect(seen(ann)).toEqual([]);
    const list = await run("outbox");
    expect(list.stdout).toMatch(new RegExp(`held +${held.id} +telegram/default ${ann.id} .*re: may I\\?`));
    expect(await run("outbox", "approve", held.id)).toMatchObject({ code: 0, stdout: "approved\n" });
    await sees(ann, "re: may I?");
    const again = await run("outbox", "approve", held.id);
    expect([again.code, again.stdout]).toEqual([1, "already decided: it is sent\n"]);
    ann.say(bot, "and this?");
    const second = await partOf(ann, "held");
    expect((await run("outbox", "deny", second.id, "--reason", "not that")).code).toBe(0);
    const trace = await run("trace", second.id);
    expect(trace.stdout).toMatch(new RegExp(`part ${second.id} was denied by token:\\S+ +not that`));
    await configure({});
    ann.say(bot, "now?");
    await sees(ann, "re: may I?", "re: now?");
    expect(await run("dlq", "replay", second.id)).toMatchObject({
      code: 1,
      stdout: `${second.id}: not allowed today: denied\n`,
    });
  }, 60_000);
});

describe("a doubt", () => {
  it("N11: that is held and asked about is settled by a person: sent again with its label, or taken as arrived", async () => {
    await configure({ onDoubt: "hold-and-ask" });
    telegram.fault({ method: "sendMessage", chatId: ann.id, what: { kind: "accept-then-drop" } });
    ann.say(bot, "did it?");
    const { id } = await partOf(ann, "unknown");
    expect(seen(ann)).toEqual(["re: did it?"]);
    expect(await run("outbox", "resolve", id, "--as", "resend")).toMatchObject({ code: 0, stdout: "resolved\n" });
    await sees(ann, "re: did it?", "(may repeat) re: did it?");
    telegram.fault({ method: "sendMessage", chatId: ann.id, what: { kind: "accept-then-drop" } });
    ann.say(bot, "and now?");
    const second = await partOf(ann, "unknown");
    expect((await run("outbox", "resolve", second.id, "--as", "sent")).code).toBe(0);
    expect((await run("outbox", "resolve", second.id, "--as", "drop")).code).toBe(1);
    await configure({});
    ann.say(bot, "well");
    await sees(ann, "re: did it?", "(may repeat) re: did it?", "re: and now?", "re: well");
  }, 60_000);
});

describe("the trace", () => {
  it("M7: shows the receipt with the platform's id, by whichever name the message is asked for", async () => {
    const said = ann.say(bot, "where am I?");
    await sees(ann, "re: where am I?");
    const part = await partOf(ann, "sent");
    const [platformId = ""] = part.platformMessageIds;
    const ids = [part.id, `telegram:default:${ann.id}:${said}`, `telegram:default:${ann.id}:${platformId}`];
    for (const id of ids) {
      const { code, stdout } = await run("trace", id);
      expect(code, stdout).toBe(0);
      expect(stdout).toMatch(new RegExp(`part ${part.id} arrived as ${platformId}$`, "m"));
      expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} +\+\d+ ms +taken up/m);
    }
    const { events } = await json<{ events: { atMs: number; gapMs: number }[] }>("trace", part.id);
    for (const [index, { atMs, gapMs }] of events.entries())
      expect(gapMs).toBe(atMs - (events[index - 1]?.atMs ?? atMs));
    expect((await run("trace", "nobody")).code).toBe(1);
  }, 30_000);
});

describe("a change of what was said", () => {
  it("N13: edits, reacts to and deletes the right message after the gateway was killed and started again", async () => {
    ann.say(bot, "first");
    await sees(ann, "re: first");
    ann.say(bot, "second");
    await sees(ann, "re: first", "re: second");
    const [, second] = telegram.visible(ann.id, bot).filter(({ from }) => from === bot.id);
    type Said = Part & { readonly text: string };
    let said: readonly Said[] = [];
    // Written down, too: a kill before that is another test's.
    await expect
      .poll(async () => {
        const { parts } = (await socket.ask("outbox.list", { state: "sent" })) as { parts: Said[] };
        said = parts.filter(({ chatId }) => chatId === String(ann.id));
        return said.length;
      })
      .toBe(2);
    const first = said.find(({ text }) => text === "re: first");
    await gateway.kill("SIGKILL");
    await start();
    expect((await run("message", "edit", first?.id ?? "", "-m", "better")).code).toBe(0);
    await sees(ann, "better", "re: second");
    const where = ["--channel", "telegram", "--chat", String(ann.id), "--id", String(second?.messageId)];
    expect((await run("message", "react", ...where, "--emoji", "👍")).code).toBe(0);
    await expect
      .poll(() => telegram.visible(ann.id, bot).find(({ messageId }) => messageId === second?.messageId)?.reactions)
      .toEqual(["👍"]);
    expect((await run("message", "delete", ...where)).code).toBe(0);
    await sees(ann, "better");
    expect((await run("message", "delete", "--channel", "telegram")).code).toBe(2);
    expect((await run("message", "delete", ...where.slice(0, 4), "--id", "99999")).code).toBe(1);
  }, 60_000);
});
