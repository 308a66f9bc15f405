/** What people see of budgets and pauses in their chats, and what owners can do there. */
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Config } from "../config/schema/root.ts";
import type { InboundMessage } from "../domain/message.ts";
import type { Tool } from "../tools/contract.ts";
import { chatRequest, ircConfig, ircRequest, openTestWay, says, type Script, type TestWay } from "./way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

const owner = { chatId: "ann", senderId: "account:ann" };
const bob = { chatId: "bob", senderId: "account:bob" };

function configured(budgets: Partial<Config["budgets"]> = {}): Config {
  const config = ircConfig();
  return {
    ...config,
    session: { ...config.session, dmScope: "per-account-channel-peer" },
    commands: { ...config.commands, ownerAllowFrom: ["irc:account:ann"] },
    budgets: { ...config.budgets, ...budgets },
  };
}

interface Opening {
  readonly config?: Config;
  readonly folder?: string;
  readonly answer?: Script;
  readonly tools?: readonly Tool[];
}

async function open({ config = configured(), answer = says("an answer"), ...rest }: Opening = {}): Promise<TestWay> {
  const house = await openTestWay({ script: answer, config, ...rest });
  opened.push(house);
  await house.way.start();
  return house;
}

async function again(house: TestWay, opening: Opening = {}): Promise<TestWay> {
  opened.splice(opened.indexOf(house), 1);
  await house.way.close(100);
  await house.crash();
  return open({ ...opening, folder: house.folder });
}

interface Speaker {
  readonly chatId: string;
  readonly senderId: string;
  readonly message?: Partial<InboundMessage>;
}

/** Says it, and waits for the end of its turn. */
async function say(house: TestWay, text: string, who: Speaker) {
  const admission = await house.way.admit(ircRequest(text, who));
  if (admission.outcome !== "accepted") throw new Error(`not taken in: ${admission.outcome}`);
  return house.next("run.ended", ({ runId }) => runId === admission.runId);
}

/** Everything that was put out for a chat, in order. */
async function heard(house: TestWay, chatId: string) {
  const parts = await Promise.all(
    (["prepared", "sent"] as const).map((state) => house.store.outbox.inState(state, 50)),
  );
  return parts
    .flat()
    .filter(({ address }) => address.chatId === chatId)
    .toSorted((left, right) => left.seq - right.seq)
    .map(({ reply }) => reply);
}

const texts = async (house: TestWay, chatId: string) => (await heard(house, chatId)).map(({ markdown }) => markdown);

async function questionId(house: TestWay): Promise<string> {
  const [open] = await house.store.approvals.list({ state: "open", limit: 1, atMs: Date.now() });
  return open?.id ?? "none";
}

const poor = () => configured({ chats: { "*": { month: 0.001 } } });

describe("a message that nobody pays for", () => {
  it("gets one clear sentence with the way to allow more, and stays to be answered", async () => {
    const house = await open({ config: poor() });
    const end = await say(house, "what is new?", bob);
    expect(end).toMatchObject({ outcome: "error", error: { code: "BUDGET_001" } });
    const id = await questionId(house);
    const [reply] = await heard(house, "bob");
    expect(reply?.markdown).toBe(
      [
        "💰 The monthly budget of $0.0010 of this chat does not pay for this answer, which may cost $0.0021 ($0.00 spent).",
        `An owner can allow $0.0100 more for this month: \`/allow ${id}\`, or another amount: \`/allow ${id} 0.02\`. The message is kept and is answered then.`,
      ].join("\n\n"),
    );
    expect(reply?.buttons).toEqual([
      { label: "Allow $0.0100 more", says: `/allow ${id} 0.01` },
      { label: "No", says: `/deny ${id}` },
    ]);
    // More of the kind in the same chat adds nothing to that; another chat has a purse and a question of its own.
    expect(await say(house, "hello?", bob)).toMatchObject({ error: { code: "BUDGET_001" } });
    expect(await heard(house, "bob")).toHaveLength(1);
    await say(house, "and I?", { chatId: "cy", senderId: "account:cy" });
    expect(await heard(house, "cy")).toHaveLength(1);
    expect(await house.store.deadLetters.count()).toBe(3);
  });

  it("an owner allows more from anywhere, and what waited is answered in its order, over a restart too", async () => {
    let house = await open({ config: poor() });
    await say(house, "one", bob);
    await say(house, "two", bob);
    const id = await questionId(house);
    house = await again(house, { config: poor() });
    const { text } = await say(house, ` /Allow ${id.toUpperCase()}  $0,01 `, owner);
    expect(text).toBe("✅ $0.0100 more allowed. 2 messages that waited are answered now.");
    await expect.poll(() => texts(house, "bob")).toHaveLength(3);
    expect((await texts(house, "bob")).slice(1)).toEqual(["an answer", "an answer"]);
    expect(house.requests.map(({ messages }) => JSON.stringify(messages.at(-1)))).toEqual([
      expect.stringContaining("one"),
      expect.stringContaining("two"),
    ]);
    expect((await say(house, `/allow ${id}`, owner)).text).toBe("That was decided already: allowed.");
    expect(await house.store.approvals.get(id)).toMatchObject({
      decidedBy: "irc:account:ann",
      decision: { micros: 10_000 },
    });
    expect(await house.store.deadLetters.count()).toBe(0);
    // Enough for the rest of the month: nobody is asked again.
    await say(house, "three", bob);
    expect((await texts(house, "bob")).at(-1)).toBe("an answer");
  });

  it("strangers decide nothing, by word or by button, and wrong words change nothing", async () => {
    const house = await open({ config: poor() });
    await say(house, "one", bob);
    const id = await questionId(house);
    for (const text of [`/allow ${id}`, `/allow ${id} 5`, `/deny ${id}`, "/pause", "/resume"]) {
      expect((await say(house, text, bob)).text, text).toBe("That is not for you to ask.");
    }
    // Who an owner is goes by the platform's id, and not by what they call themselves or where they write.
    const pressed = {
      ...bob,
      chatId: "#all",
      message: {
        kind: "callback" as const,
        mentions: { users: [], roles: [], channels: [], everyone: false, self: true },
        sender: { id: "account:bob", displayName: "account:ann", handle: "account:ann" },
      },
    };
    expect((await say(house, `/allow ${id} 5`, pressed)).text).toBe("That is not for you to ask.");
    for (const text of [
      "/allow",
      `/allow ${id} much`,
      `/allow ${id} -5`,
      `/allow ${id} 0`,
      `/allow ${id} 1001`,
      `/allow ${id} 1 2`,
    ]) {
      expect((await say(house, text, owner)).text, text).toMatch(/^Say which one/);
    }
    expect((await say(house, "/allow 00000000", owner)).text).toBe("There is no such question.");
    expect(await house.store.approvals.get(id)).toMatchObject({ state: "open" });
    expect(await house.way.spending.desk.overview()).toMatchObject({ pauses: [], purses: [{ extraMicros: 0 }] });
    expect((await say(house, `/deny ${id}`, owner)).text).toMatch(/^No more is allowed/);
    expect((await say(house, `/allow ${id}`, owner)).text).toBe("That was decided already: denied.");
  });

  it("asks owners in the chat where they last wrote, where that is another one", async () => {
    const house = await open({ config: poor() });
    await say(house, "/status", owner);
    await expect.poll(() => house.store.documents.list("owner-chat")).toHaveLength(1);
    await say(house, "one", bob);
    await say(house, "two", bob);
    const asked = (await heard(house, "ann")).at(-1);
    expect(asked?.markdown).toMatch(
      /^💰 The monthly budget of \$0\.0010 of chat agent:main:irc:.*A message of irc waits for it\./,
    );
    expect(asked?.buttons?.[0]?.says).toBe(`/allow ${await questionId(house)} 0.01`);
    expect(await heard(house, "ann")).toHaveLength(2);
    // The button says what a person would say.
    const press = { ...owner, message: { kind: "callback" as const } };
    expect((await say(house, asked?.buttons?.[0]?.says ?? "", press)).text).toMatch(/^✅/);
    await expect.poll(() => texts(house, "bob")).toHaveLength(3);
  });

  it("goes on behind the steps that were paid for: no tool runs twice", async () => {
    let runs = 0;
    const schema = z.object({}).strict();
    const lamp: Tool = {
      name: "lamp",
      description: "A lamp.",
      inputSchema: schema,
      effect: "unsafe",
      run: () => Promise.resolve(`on, ${(runs += 1)}`),
    };
    const usage = { input: 1_000, output: 1, cacheRead: 0, cacheWrite: 0 };
    const answer: Script = async function* (request) {
      const last = request.messages.at(-1);
      if (last?.role === "tool") {
        yield { type: "text", text: `The lamp is ${last.results[0]?.output}.` };
        yield { type: "end", reason: "stop", usage };
        return;
      }
      yield { type: "tool-call", callId: "c", tool: "lamp", input: {} };
      yield { type: "end", reason: "tool-calls", usage };
    };
    // Pays for the first call, and its cost leaves too little for the second.
    const house = await open({ config: configured({ chats: { "*": { month: 0.003 } } }), answer, tools: [lamp] });
    const end = await say(house, "light", bob);
    expect(end).toMatchObject({ outcome: "error", error: { code: "BUDGET_001" } });
    expect(runs).toBe(1);
    await say(house, `/allow ${await questionId(house)}`, owner);
    await expect.poll(async () => (await texts(house, "bob")).at(-1)).toBe("The lamp is on, 1.");
    expect(runs).toBe(1);
    const entries = await house.store.sessions.transcript(end.sessionKey);
    expect(entries.map(({ body }) => (body["message"] as { role: string }).role)).toEqual([
      "user",
      "assistant",
      "toolResult",
      "assistant",
    ]);
  });

  it("is the caller's to try again where nobody waits in a chat", async () => {
    const house = await open({ config: poor() });
    const request = chatRequest("one", { options: { deliver: false } });
    const admission = await house.way.admit(request);
    const end = await house.next(
      "run.ended",
      ({ runId }) => admission.outcome === "accepted" && runId === admission.runId,
    );
    expect(end).toMatchObject({ outcome: "error", error: { code: "BUDGET_001" } });
    expect(await house.store.deadLetters.count()).toBe(0);
    expect(await house.store.approvals.list({ limit: 9, atMs: 0 })).toEqual([]);
  });

  it("H24: tells that a price is unknown, and asks nobody for money", async () => {
    const unpriced: Script = async function* () {
      const error = { code: "BUDGET_002" as const, message: "unknown", retry: "never" as const, details: {} };
      yield { type: "failure", error };
    };
    const house = await open({ answer: unpriced });
    await say(house, "one", bob);
    expect(await texts(house, "bob")).toEqual([expect.stringMatching(/price of this model is not known.*BUDGET_002/)]);
    expect(await house.store.deadLetters.count()).toBe(0);
  });
});

describe("a warning", () => {
  it("reaches owners and whoever reads along, once", async () => {
    const house = await open({ config: configured({ global: { month: 0.0025 } }) });
    await say(house, "/status", owner);
    await expect.poll(() => house.store.documents.list("owner-chat")).toHaveLength(1);
    await say(house, "one", bob);
    await say(house, "two", bob);
    const warning =
      "The monthly budget of $0.0025 of this gateway is used up to 100 % ($0.00 spent, $0.0025 set aside for other calls).";
    expect(house.events.filter(({ type }) => type === "run.notice")).toMatchObject([{ kind: "budget", text: warning }]);
    await expect.poll(async () => (await texts(house, "ann")).slice(1)).toEqual([`💰 ${warning}`]);
    expect(await texts(house, "bob")).toEqual(["an answer", "an answer"]);
  });

  it("reaches the chat that spends where no owner was ever heard of", async () => {
    const house = await open({ config: configured({ global: { month: 0.0025 } }) });
    await say(house, "one", bob);
    await expect
      .poll(async () => (await texts(house, "bob")).toSorted())
      .toEqual(["an answer", expect.stringMatching(/^💰/)]);
  });
});

const hangs: Script = async function* (_request, _call, signal) {
  yield { type: "text", text: "so far" };
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  yield { type: "failure", error: { code: "RUN_001", message: "aborted", retry: "never", details: {} } };
};

describe("/pause", () => {
  it("breaks off the call under way without waiting for a turn, and keeps what comes", async () => {
    const house = await open({
      answer: (request, call, signal) => (call === 0 ? hangs : says("an answer"))(request, call, signal),
    });
    const running = say(house, "one", bob);
    await expect.poll(() => house.requests.length).toBe(1);
    // In the very chat whose turn runs: it would wait behind it.
    const ordered = say(house, "/pause it burns", { ...bob, senderId: "account:ann" });
    expect(await running).toMatchObject({ outcome: "error", error: { code: "BUDGET_003" } });
    expect((await ordered).text).toMatch(/^⏸️ Paused/);
    expect(await say(house, "two", bob)).toMatchObject({ error: { code: "BUDGET_003" } });
    await say(house, "three", { chatId: "cy", senderId: "account:cy" });
    // Nobody was asked for the later two.
    expect(house.requests).toHaveLength(1);
    const word =
      "⏸️ The assistant is paused by an owner (it burns). Your message is kept and is answered when it goes on.";
    expect((await texts(house, "bob")).filter((text) => text === word)).toHaveLength(1);
    expect(await texts(house, "cy")).toEqual([word]);
    // What calls no model is answered as ever.
    expect((await say(house, "/status", bob)).outcome).toBe("final");
  });

  it("holds over a restart until /resume, and then everything that waited is answered", async () => {
    let house = await open();
    expect((await say(house, "/pause", owner)).text).toMatch(/^⏸️/);
    house = await again(house);
    await say(house, "one", bob);
    await say(house, "two", bob);
    expect((await say(house, "/resume", owner)).text).toBe("▶️ It goes on. 2 messages that waited are answered now.");
    await expect.poll(() => texts(house, "bob")).toHaveLength(3);
    expect((await texts(house, "bob")).slice(1)).toEqual(["an answer", "an answer"]);
    expect((await say(house, "/resume", owner)).text).toBe("Nothing was paused.");
  });

  it("is carried out once: its own turn does not pause again what was resumed meanwhile", async () => {
    const house = await open();
    const request = ircRequest("/pause", owner);
    await house.way.admit(request);
    await house.next("run.ended");
    await say(house, "/resume", owner);
    await house.way.spending.desk.pause({ agentId: null, reason: null, by: "x", cause: request.message.id });
    expect(await house.store.budgets.pauses()).toEqual([]);
  });
});
