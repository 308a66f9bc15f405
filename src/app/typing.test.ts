/** The sign of writing as a platform sees it, from the message to the end of its answer. */
import { expect, it } from "vitest";
import { TelegramWorld, until } from "../channels/telegram/platform.fixture.ts";
import { defaultConfig } from "../config/default-config.ts";
import { openTestWay, says } from "./way.fixture.ts";

it("G15: the emulator sees it within 500 ms of the message and not after the answer; a stranger's message shows nothing", async () => {
  const world = await TelegramWorld.open();
  const { config } = world.account();
  const account = { ...config, enabled: true, dmPolicy: "allowlist", allowFrom: [String(world.ann.id)] };
  const base = defaultConfig();
  const defaults = { ...base.agents.defaults, typingIntervalSeconds: 0.2 };
  const go = Promise.withResolvers<void>();
  const house = await openTestWay({
    config: { ...base, agents: { ...base.agents, defaults }, channels: { telegram: account } },
    async *script(request, call, signal) {
      await go.promise;
      yield* says("Here.")(request, call, signal);
    },
  });
  try {
    await house.way.start();
    await until("the connection", () => house.way.channels.connection("telegram", "default") !== null);
    const eve = world.emulator.addPerson({ firstName: "Eve" });
    eve.say(world.bot, "me too?");
    world.ann.say(world.bot, "hello?");
    const { atMs } = await house.next("message.received");
    await until("the sign", () => world.calls("sendChatAction").length >= 3);
    const signs = world.calls("sendChatAction");
    expect((signs[0]?.atMs ?? 0) - atMs).toBeLessThan(500);
    expect(new Set(signs.map(({ params }) => String(params["chat_id"])))).toEqual(new Set([String(world.ann.id)]));
    go.resolve();
    await until("the answer", () => world.said("dm").includes("Here."));
    await house.close();
    const answered = world.calls("sendMessage").at(-1)?.atMs ?? 0;
    expect(world.calls("sendChatAction").filter((sign) => sign.atMs > answered)).toEqual([]);
  } finally {
    await world.close();
  }
});
