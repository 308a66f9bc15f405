/** What a session is set to, and when its turns take it. */
import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { defaultConfig } from "../config/default-config.ts";
import type { Tool } from "../tools/contract.ts";
import { chatRequest, openTestWay, says, type Script, type TestWay } from "./way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

const main = "agent:main:main";

async function say(house: TestWay, text: string): Promise<string> {
  const admission = await house.way.admit(chatRequest(text));
  const runId = admission.outcome === "accepted" ? admission.runId : "";
  return (await house.next("run.ended", (event) => event.runId === runId)).text;
}

/** Calls the tool in the first step of every turn, and answers in the second. */
const twoSteps: Script = async function* (request) {
  const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 };
  if (request.messages.at(-1)?.role === "tool") {
    yield { type: "text", text: "done" };
    yield { type: "end", reason: "stop", usage };
    return;
  }
  yield { type: "tool-call", callId: `call-${request.messages.length}`, tool: "patch", input: {} };
  yield { type: "end", reason: "tool-calls", usage };
};

describe("the settings of a session", () => {
  it("I11: a change takes effect with the next turn and not in the middle of one", async () => {
    const opening = Promise.withResolvers<TestWay>();
    const patch: Tool = {
      name: "patch",
      description: "Sets the session.",
      inputSchema: z.object({}),
      effect: "idempotent",
      run: async () => {
        await (await opening.promise).store.sessions.patch(main, { thinkingLevel: "high", verboseLevel: "on" }, 1);
        return "set";
      },
    };
    const house = await openTestWay({ script: twoSteps, tools: [patch] });
    opening.resolve(house);
    opened.push(house);
    await house.way.start();
    await say(house, "first");
    expect(house.requests.map(({ thinking }) => thinking)).toEqual([undefined, undefined]);
    await say(house, "second");
    expect(house.requests.map(({ thinking }) => thinking).slice(2)).toEqual(["high", "high"]);
  });

  it("I11: the session's level wins over its agent's, and the agent's over the common one", async () => {
    const config = defaultConfig();
    const agents = {
      ...config.agents,
      defaults: { ...config.agents.defaults, thinkingDefault: "low" },
      list: [{ id: "main", thinkingDefault: "medium" }],
    };
    const house = await openTestWay({ script: says("ok"), config: { ...config, agents } });
    opened.push(house);
    await house.way.start();
    await say(house, "one");
    await house.store.sessions.patch(main, { thinkingLevel: "off" }, 1);
    await say(house, "two");
    await house.store.sessions.patch(main, { thinkingLevel: null }, 1);
    await say(house, "three");
    expect(house.requests.map(({ thinking }) => thinking)).toEqual(["medium", "off", "medium"]);
  });

  it("G13: a level that the model does not have becomes what it can, and the chat is told once where it wants to know", async () => {
    const house = await openTestWay({ script: says("ok") });
    opened.push(house);
    await house.way.start();
    await say(house, "hello");
    await house.store.sessions.patch(main, { thinkingLevel: "high", verboseLevel: "on" }, 1);
    await say(house, "and now");
    const notice = "script/one cannot think at the level high; it thinks at off.";
    expect(house.events.filter(({ type }) => type === "run.notice")).toMatchObject([
      { kind: "thinking", text: notice },
    ]);
  });
});
