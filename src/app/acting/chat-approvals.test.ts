/** What people see of a question in their chats, and that an answer does not wait behind the turn that asks. */
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Config } from "../../config/schema/root.ts";
import { limits } from "../../domain/limits.ts";
import type { InboundMessage } from "../../domain/message.ts";
import type { Policy, Question } from "../../policy/contract.ts";
import type { Tool } from "../../tools/contract.ts";
import { systemIds } from "../../platform/ids.ts";
import { chatRequest, ircConfig, ircRequest, openTestWay, type Script, type TestWay } from "../way.fixture.ts";

const opened: TestWay[] = [];
afterEach(async () => {
  for (const house of opened.splice(0)) await house.close();
});

const ann = { chatId: "ann", senderId: "account:ann" };
const bob = { chatId: "bob", senderId: "account:bob" };
const room = { chatId: "#home", senderId: "account:ann" };

function configured(exec: Partial<Config["approvals"]["exec"]> = {}): Config {
  const config = ircConfig({ requireMention: false });
  return {
    ...config,
    session: { ...config.session, dmScope: "per-account-channel-peer" },
    commands: { ...config.commands, ownerAllowFrom: ["irc:account:ann"] },
    approvals: { ...config.approvals, exec: { ...config.approvals.exec, enabled: true, ...exec } },
  };
}

const usage = { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 };

/** Asks for the lamp first; with what became of that, answers. */
const wantsLamp: Script = async function* (request) {
  const last = request.messages.at(-1);
  if (last?.role !== "tool") {
    yield { type: "tool-call", callId: "c1", tool: "lamp", input: {} };
    yield { type: "end", reason: "tool-calls", usage };
    return;
  }
  yield { type: "text", text: `Done: ${last.results[0]?.output}` };
  yield { type: "end", reason: "stop", usage };
};

const lit: string[] = [];
const lamp: Tool = {
  name: "lamp",
  description: "A lamp.",
  inputSchema: z.object({}).strict(),
  effect: "unsafe",
  run: () => Promise.resolve((lit.push("on"), "the lamp is on")),
};

const rule = { where: "test", says: "lamps are asked about" };
const always = { pattern: "/usr/bin/lamp", argv: null, says: "lamp, in any room" };

function asking(changes: Partial<Question> = {}): Policy {
  const question: Question = {
    tool: "lamp",
    shown: "lamp --on ```\n`rm -rf ./built`",
    reasons: ["lamp is on no *list*"],
    taint: [{ class: "foreign", source: "web page https://example.org/`a`" }],
    binding: "b1",
    command: null,
    always,
    fallback: "deny",
    ...changes,
  };
  return {
    permits: () => ({ allowed: true, rule }),
    decide: () => Promise.resolve({ effect: "ask", rule, trail: [rule], question }),
  };
}

interface Opening {
  readonly config?: Config;
  readonly question?: Partial<Question>;
  readonly folder?: string;
}

async function open({ config = configured(), question = {}, folder }: Opening = {}): Promise<TestWay> {
  lit.length = 0;
  const house = await openTestWay({
    script: wantsLamp,
    tools: [lamp],
    config,
    acting: { policy: asking(question) },
    grants: { grant: (_agent, { says }) => Promise.resolve(void granted.push(says)) },
    ...(folder === undefined ? {} : { folder }),
  });
  opened.push(house);
  await house.way.start();
  // A channel that tries to connect is one that will be there.
  await expect.poll(() => house.way.channels.status().map(({ state }) => state)).not.toContain("DISCONNECTED");
  return house;
}

const granted: string[] = [];

interface Speaker {
  readonly chatId: string;
  readonly senderId: string;
  readonly message?: Partial<InboundMessage>;
}

async function say(house: TestWay, text: string, who: Speaker): Promise<string> {
  const admission = await house.way.admit(ircRequest(text, who));
  if (admission.outcome !== "accepted") throw new Error(`not taken in: ${admission.outcome}`);
  return admission.runId;
}

const ended = (house: TestWay, runId: string) => house.next("run.ended", (event) => event.runId === runId);

/** Everything that was put out for a chat, in order. */
async function heard(house: TestWay, chatId: string) {
  const parts = (
    await Promise.all((["prepared", "sent"] as const).map((state) => house.store.outbox.inState(state, 50)))
  ).flat();
  return parts
    .filter(({ address }) => address.chatId === chatId)
    .toSorted((left, right) => left.seq - right.seq)
    .map(({ reply }) => reply);
}

const texts = async (house: TestWay, chatId: string) => (await heard(house, chatId)).map(({ markdown }) => markdown);

async function questionIn(house: TestWay, chatId: string): Promise<string> {
  await expect.poll(() => heard(house, chatId)).toHaveLength(1);
  return (await house.approvals.pending())[0]?.id ?? "none";
}

describe("a question in a chat", () => {
  it("P1 R114: says what is asked, why, and what was read, with all of the command; three buttons answer it", async () => {
    const house = await open();
    await say(house, "light, please", ann);
    const id = await questionIn(house, "ann");
    const [reply] = await heard(house, "ann");
    expect(reply?.markdown).toBe(
      [
        "🔐 May this be done? (lamp)",
        "````\nlamp --on ```\n`rm -rf ./built`\n````",
        "Why it is asked:\n- lamp is on no \\*list\\*",
        "What the assistant had read before it asked:\n- `` web page https://example.org/`a` ``",
        `Answer with \`/approve ${id}\` (once), \`/approve ${id} always\` (from now on: lamp, in any room), \`/deny ${id}\`. Without an answer within 5 minutes it is not done.`,
      ].join("\n\n"),
    );
    expect(reply?.buttons).toEqual([
      { label: "Allow once", says: `/approve ${id}` },
      { label: "Always", says: `/approve ${id} always` },
      { label: "Deny", says: `/deny ${id}` },
    ]);
    for (const { says } of reply?.buttons ?? []) expect(Buffer.byteLength(says)).toBeLessThanOrEqual(64);
  });

  it("P1: an answer in the same chat counts at once, and the turn that asked goes on: three words, in their order", async () => {
    const house = await open();
    const asked = await say(house, "light, please", ann);
    const id = await questionIn(house, "ann");
    expect(lit).toEqual([]);
    const answer = await say(house, ` /Approve ${id.toUpperCase()} `, ann);
    expect(await ended(house, asked)).toMatchObject({
      outcome: "final",
      text: expect.stringContaining("the lamp is on"),
    });
    expect(await ended(house, answer)).toMatchObject({ outcome: "final", text: "" });
    expect(lit).toEqual(["on"]);
    expect((await texts(house, "ann")).slice(1)).toEqual(["✅ Allowed, this once.", expect.stringContaining("Done:")]);
    expect(await house.store.approvals.get(id)).toMatchObject({ decidedBy: "irc:account:ann", state: "allowed" });
    expect(await ended(house, await say(house, `/deny ${id}`, ann))).toMatchObject({ text: "" });
    expect((await texts(house, "ann")).at(-1)).toBe("That was decided already: it is allowed.");
  });

  it.each([
    ["/deny", "🚫 It is not done.", "denied", []],
    ["/allow", "✅ Allowed, this once.", "allowed", ["on"]],
    ["/approve ID always", "✅ Allowed, from now on too.", "allowed", ["on"]],
  ] as const)("P1: %s answers it too", async (words, told, state, lights) => {
    granted.length = 0;
    const house = await open();
    const asked = await say(house, "light, please", ann);
    const id = await questionIn(house, "ann");
    await say(house, words.includes("ID") ? words.replace("ID", id) : `${words} ${id}`, ann);
    await ended(house, asked);
    expect((await texts(house, "ann"))[1]).toBe(told);
    expect(await house.store.approvals.get(id)).toMatchObject({ state });
    expect([lit, granted]).toEqual([lights, words.includes("always") ? [always.says] : []]);
  });

  it("P1: nobody but an owner or a named approver answers, and nobody learns who that is", async () => {
    const house = await open({ config: configured({ approvers: ["irc:account:cy"] }) });
    const asked = await say(house, "light, please", ann);
    const id = await questionIn(house, "ann");
    for (const words of [`/approve ${id}`, `/deny ${id}`, `/allow ${id}`, "/approve 00000000"])
      await ended(house, await say(house, words, bob));
    expect(new Set(await texts(house, "bob"))).toEqual(new Set(["That is not for you to ask."]));
    expect((await house.approvals.find(id))?.state).toBe("open");
    await say(house, `/approve ${id}`, { chatId: "cy", senderId: "account:cy" });
    await ended(house, asked);
    expect(lit).toEqual(["on"]);
    expect(await house.store.approvals.get(id)).toMatchObject({ decidedBy: "irc:account:cy" });
  });

  it("P1: on a page its scope makes somebody an approver: with it an answer counts, without it nothing does", async () => {
    const house = await open();
    const asked = await say(house, "light, please", ann);
    const id = await questionIn(house, "ann");
    const typed = async (scopes: readonly string[]) => {
      const runId = systemIds().uuid();
      await house.way.admit(chatRequest(`/approve ${id}`, { runId, message: { raw: { scopes } } }));
      return (await ended(house, runId)).text;
    };
    expect(await typed(["operator.read", "operator.write"])).toBe("That is not for you to ask.");
    expect(await typed(["operator.write", "operator.approvals"])).toBe("✅ Allowed, this once.");
    await ended(house, asked);
    // What a platform's message says of itself makes nobody one.
    const forged = { ...bob, message: { raw: { scopes: ["operator.approvals", "operator.admin"] } } };
    await ended(house, await say(house, `/deny ${id}`, forged));
    expect(await texts(house, "bob")).toEqual(["That is not for you to ask."]);
  });

  it("P1: a turn that is stopped while it waits asks nothing more, and ends at once", async () => {
    const house = await open();
    const asked = await say(house, "light, please", ann);
    const id = await questionIn(house, "ann");
    await expect.poll(async () => (await house.store.inbox.parkedBehind(id)).length).toBe(1);
    const stop = await say(house, "/stop", ann);
    expect(await ended(house, asked)).toMatchObject({ outcome: "aborted" });
    expect(await ended(house, stop)).toMatchObject({ text: "Stopped." });
    expect(await house.store.approvals.get(id)).toMatchObject({ state: "denied", decidedBy: "stop" });
    expect(lit).toEqual([]);
  });

  it("P1: so is one that was parked before a restart: a later yes runs nothing", async () => {
    const first = await open();
    const asked = await say(first, "light, please", ann);
    const id = await questionIn(first, "ann");
    await expect.poll(async () => (await first.store.inbox.parkedBehind(id)).length).toBe(1);
    first.approvals.close();
    await first.way.close(1_000);
    await first.crash();
    opened.splice(opened.indexOf(first), 1);

    const house = await open({ folder: first.folder });
    const stop = await say(house, "/stop", ann);
    expect(await ended(house, asked)).toMatchObject({ outcome: "aborted" });
    expect(await ended(house, stop)).toMatchObject({ text: "Stopped." });
    expect(await house.store.approvals.get(id)).toMatchObject({ state: "denied", decidedBy: "stop" });
    expect(house.requests).toEqual([]);
    expect(lit).toEqual([]);
  });

  it("P2: who could not answer is not asked: in their own chat nobody waits for nothing", async () => {
    const house = await open();
    const end = await ended(house, await say(house, "light, please", bob));
    expect(end).toMatchObject({ outcome: "final", text: expect.stringContaining("nobody can be asked") });
    expect(await house.approvals.pending()).toEqual([]);
    expect(await texts(house, "bob")).toHaveLength(1);
  });

  it("P2: nobody is asked where chats are not to be asked", async () => {
    const house = await open({ config: configured({ enabled: false }) });
    const end = await ended(house, await say(house, "light, please", ann));
    expect(end).toMatchObject({ text: expect.stringContaining("nobody can be asked") });
  });

  it("P1: mode targets asks the chats that are named, and both asks these as well", async () => {
    const targets = [
      { channel: "irc", to: "#home" },
      { channel: "irc", to: "nobody", accountId: "other" },
    ];
    const house = await open({ config: configured({ mode: "targets", targets }) });
    const asked = await say(house, "light, please", bob);
    const id = await questionIn(house, "#home");
    expect(await texts(house, "bob")).toEqual([]);
    await say(house, `/approve ${id}`, room);
    await ended(house, asked);
    expect(lit).toEqual(["on"]);
    const both = await open({ config: configured({ mode: "both", targets }) });
    await say(both, "light, please", ann);
    await questionIn(both, "ann");
    expect((await texts(both, "#home"))[0]).toBe((await texts(both, "ann"))[0]);
  });

  it("R114: what is too long to be shown whole can be denied in a chat, but not allowed", async () => {
    const shown = "x".repeat(limits.approvalChatChars + 1);
    const house = await open({ question: { shown } });
    const asked = await say(house, "light, please", ann);
    const id = await questionIn(house, "ann");
    const [reply] = await heard(house, "ann");
    expect(reply?.markdown).not.toContain("xxxx");
    expect(reply?.markdown).toContain(`openclaw approvals show ${id}`);
    expect(reply?.buttons).toEqual([{ label: "Deny", says: `/deny ${id}` }]);
    await ended(house, await say(house, `/approve ${id}`, room));
    expect((await texts(house, "#home"))[0]).toContain("cannot be allowed here");
    expect((await house.approvals.find(id))?.state).toBe("open");
    await say(house, `/deny ${id}`, ann);
    await ended(house, asked);
    expect(lit).toEqual([]);
    const fits = await open({ question: { shown: "x".repeat(limits.approvalChatChars) } });
    await say(fits, "light, please", ann);
    await questionIn(fits, "ann");
    expect((await heard(fits, "ann"))[0]?.buttons).toHaveLength(3);
  });

  it("R114: what cannot be seen is written out", async () => {
    const house = await open({ question: { shown: "echo \u202Ehs.x\u200B\u0007" } });
    await say(house, "light, please", ann);
    await questionIn(house, "ann");
    expect((await texts(house, "ann"))[0]).toContain("```\necho \\u{202e}hs.x\\u{200b}\\u{7}\n```");
    expect((await texts(house, "ann"))[0]).toContain("characters that cannot be seen");
  });

  it("words that name no question are told how it is said", async () => {
    const house = await open();
    for (const words of ["/approve", "/approve a b c", "/approve 00000000 perhaps"])
      expect((await ended(house, await say(house, words, ann))).text).toBe("");
    expect(new Set(await texts(house, "ann"))).toEqual(
      new Set(["Say which one: `/approve 1a2b3c4d`, `/approve 1a2b3c4d always` or `/deny 1a2b3c4d`."]),
    );
    expect(await ended(house, await say(house, "/approve 00000000", ann))).toMatchObject({
      text: "There is no such question.",
    });
  });
});

describe("over a restart", () => {
  it("P14: the question stands, the chat is not asked again, and the answer sets the parked turn going", async () => {
    let house = await open();
    const asked = await say(house, "light, please", ann);
    const id = await questionIn(house, "ann");
    await expect.poll(async () => (await house.store.inbox.parkedBehind(id)).length).toBe(1);
    const { folder } = house;
    opened.splice(0);
    house.approvals.close();
    await house.way.close(100);
    await house.crash();
    house = await open({ folder });
    await house.approvals.start();
    expect((await house.approvals.pending()).map((row) => row.id)).toEqual([id]);
    await say(house, `/approve ${id}`, ann);
    expect(await ended(house, asked)).toMatchObject({ outcome: "final" });
    expect(lit).toEqual(["on"]);
    expect((await texts(house, "ann")).filter((text) => text.startsWith("🔐"))).toHaveLength(1);
  });
});
