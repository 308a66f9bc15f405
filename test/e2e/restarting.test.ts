/** A gateway that is asked to start anew, from a chat, by a client and from the command line, and killed while it does. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { backText } from "../../src/agent/restart-command.ts";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import type { EmulatedBot, EmulatedPerson, TelegramEmulator } from "../../src/drill/telegram-emulator/contract.ts";
import { startTelegramEmulator } from "../../src/drill/telegram-emulator/server.ts";
import { seededIds } from "../../src/platform/seeded-ids.ts";
import { configWith, newStateDir, runCommand, startGateway, type GatewayProcess } from "./gateway-process.ts";
import { client } from "./observe.ts";

let model: ModelEmulator;
let telegram: TelegramEmulator;
let bot: EmulatedBot;
let ann: EmulatedPerson;
let bob: EmulatedPerson;
let state: Awaited<ReturnType<typeof newStateDir>>;
let gateway: GatewayProcess;

beforeAll(async () => {
  model = await startModelEmulator();
});
afterAll(() => model.close());
beforeEach(async () => {
  model.play((request) => ({ text: `re: ${request.lastText}` }));
  telegram = await startTelegramEmulator({ perChatPerSecond: Number.POSITIVE_INFINITY });
  bot = telegram.addBot({ username: "claw_bot" });
  ann = telegram.addPerson({ firstName: "Ann" });
  bob = telegram.addPerson({ firstName: "Bob" });
  state = await newStateDir();
  await start();
});
afterEach(async () => {
  await gateway.kill("SIGKILL");
  await telegram.close();
  await state.remove();
});

async function start(): Promise<void> {
  const account = { botToken: bot.token, apiRoot: telegram.url, dmPolicy: "open", allowFrom: ["*"] };
  const config = configWith(model.url, {
    channels: { telegram: account },
    commands: { restart: true, ownerAllowFrom: [`telegram:${ann.id}`] },
  });
  gateway = await startGateway({ stateDir: state.stateDir, config });
}

/** What the assistant has said to this person, as the person sees it. */
function heard(person: EmulatedPerson): readonly string[] {
  return telegram.visible(person.id, bot).flatMap(({ from, text }) => (from === bot.id ? [text] : []));
}

const patience = { timeout: 15_000, interval: 20 };

async function hears(person: EmulatedPerson, text: string, times = 1): Promise<void> {
  await expect.poll(() => heard(person).filter((one) => one === text).length, patience).toBe(times);
}

/** Everything that was to be said before this has been said: the chat's answers come in their order. */
async function settled(person: EmulatedPerson, word: string): Promise<void> {
  person.say(bot, word);
  await hears(person, `re: ${word}`);
}

describe("/restart in a chat", () => {
  it("A9, A5: an owner's restarts the same process on the same port, clients are told for how long, and the chat hears once that it is back", async () => {
    const { pid, port } = gateway;
    const socket = await client(gateway);
    ann.say(bot, "/restart");
    await hears(ann, backText);
    const told = (await socket.event("shutdown"))["payload"] as { restartExpectedMs: unknown };
    expect(told.restartExpectedMs).toBeTypeOf("number");
    expect((await socket.closed).code).toBe(1012);
    const back = await client(gateway);
    expect((await back.ask("status"))["uptimeMs"]).toBeLessThan(15_000);
    expect([gateway.pid, gateway.port]).toEqual([pid, port]);
    await settled(ann, "still the one?");
    expect(heard(ann)).toEqual(["Restarting. I say so here when I am back.", backText, "re: still the one?"]);
  }, 60_000);

  it("A9: nobody else's does anything, and says nothing about who may", async () => {
    const { pid } = gateway;
    const socket = await client(gateway);
    bob.say(bot, "/restart");
    await hears(bob, "That is not for you to ask.");
    await settled(bob, "well?");
    expect(socket.events("shutdown")).toEqual([]);
    expect(gateway.pid).toBe(pid);
    expect(heard(bob).join(" ")).not.toContain(String(ann.id));
  });

  it("A9: a kill at any moment of it leaves one word that it is back, and a gateway that runs", async () => {
    const chance = seededIds(Number(process.env["OPENCLAW_SEED"] ?? 11));
    const rounds = Number(process.env["OPENCLAW_KILLS"] ?? 5);
    for (let round = 1; round <= rounds; round += 1) {
      ann.say(bot, "/restart");
      // From before the message was read to after the gateway is back.
      await new Promise((resolve) => setTimeout(resolve, chance.random() * 700));
      await gateway.kill("SIGKILL");
      await start();
      await expect
        .poll(() => heard(ann).filter((text) => text.endsWith(backText)).length, patience)
        .toBeGreaterThanOrEqual(round);
      await settled(ann, `round ${round}?`);
      // A kill between the platform's yes and our note of it: said again, and marked as that.
      expect(heard(ann).filter((text) => text === backText)).toHaveLength(round);
    }
  }, 180_000);
});

describe("a restart that a client asks for", () => {
  const run = (args: readonly string[]) =>
    runCommand(args, { stateDir: state.stateDir, env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) } });

  it("A9: from the command line it waits until the gateway is back; the session's last chat hears of it", async () => {
    await settled(ann, "hello");
    const done = await run(["gateway", "restart", "--session", "main"]);
    expect(done).toMatchObject({ code: 0, stdout: "restarted\n" });
    await hears(ann, backText);
    await settled(ann, "and again?");
    expect(heard(ann)).toEqual(["re: hello", backText, "re: and again?"]);
  }, 60_000);

  it("A9: nobody is told where no chat was named", async () => {
    await settled(ann, "hello");
    const socket = await client(gateway);
    expect(await socket.ask("gateway.restart", {})).toMatchObject({ ok: true, told: false });
    await socket.closed;
    await settled(ann, "and again?");
    expect(heard(ann)).toEqual(["re: hello", "re: and again?"]);
  }, 60_000);

  it("A9: one that comes while an answer is being written lets it be written first", async () => {
    model.play({ text: "one two three four five six seven eight", deltaDelayMs: 150 });
    const asked = model.count();
    ann.say(bot, "slowly");
    await model.arrived(asked + 1);
    const socket = await client(gateway);
    await socket.ask("gateway.restart", {});
    await socket.closed;
    model.play((request) => ({ text: `re: ${request.lastText}` }));
    await settled(ann, "and now?");
    expect(heard(ann)).toEqual(["one two three four five six seven eight", "re: and now?"]);
    expect(model.count()).toBe(asked + 2);
  }, 60_000);

  it("A9: a signal during it is the last word", async () => {
    model.play({ text: "one two three four five six seven eight", deltaDelayMs: 150 });
    const asked = model.count();
    ann.say(bot, "slowly");
    await model.arrived(asked + 1);
    const socket = await client(gateway);
    await socket.ask("gateway.restart", {});
    expect(await gateway.kill("SIGTERM")).toBe(0);
    expect(heard(ann)).toEqual(["one two three four five six seven eight"]);
  }, 60_000);
});

describe("SIGTERM while an answer is being written", () => {
  it("A5, A6: one that is whole in time reaches its chat before the process ends, and not again after the next start", async () => {
    model.play({ text: "one two three four five six seven eight", deltaDelayMs: 150 });
    const asked = model.count();
    ann.say(bot, "slowly");
    await model.arrived(asked + 1);
    const socket = await client(gateway);
    expect(await gateway.kill("SIGTERM")).toBe(0);
    expect((await socket.event("shutdown"))["payload"]).toEqual({ reason: "received SIGTERM" });
    expect(heard(ann)).toEqual(["one two three four five six seven eight"]);
    model.play((request) => ({ text: `re: ${request.lastText}` }));
    await start();
    await settled(ann, "and now?");
    expect(heard(ann)).toEqual(["one two three four five six seven eight", "re: and now?"]);
    expect(model.count()).toBe(asked + 2);
  }, 60_000);

  it("A5, A6: one that is not is parked, and reaches its chat once after the next start", async () => {
    model.play({ text: "a word and nothing more", fault: { kind: "hang", afterDeltas: 2 } });
    const asked = model.count();
    ann.say(bot, "forever");
    await model.arrived(asked + 1);
    const began = performance.now();
    expect(await gateway.kill("SIGTERM")).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(heard(ann)).toEqual([]);
    model.play((request) => ({ text: `re: ${request.lastText}` }));
    await start();
    await hears(ann, "re: forever");
    await settled(ann, "and now?");
    expect(heard(ann)).toEqual(["re: forever", "re: and now?"]);
  }, 60_000);
});
