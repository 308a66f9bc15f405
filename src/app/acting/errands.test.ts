/** Helpers and messages between sessions, on the whole way: rights, ends that are told once, and what is stopped. */
import { afterEach, describe, expect, it } from "vitest";
import { defaultConfig } from "../../config/default-config.ts";
import type { Config } from "../../config/schema/root.ts";
import { systemIds } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { systemClock } from "../../platform/clock.ts";
import type { ModelRequest } from "../../providers/contract.ts";
import type { Tool } from "../../tools/contract.ts";
import { talkTools } from "../../tools/registry.ts";
import type { TurnOptions } from "../../agent/turn-options.ts";
import { mortalClock, personsLines } from "../overlap.fixture.ts";
import { createTalk, type Talk } from "./talk.ts";
import { chatRequest, openTestWay, type Script, type TestWay, type TestWayOptions } from "../way.fixture.ts";

const opened: (TestWay & { talk: Talk })[] = [];

afterEach(async () => {
  for (const house of opened.splice(0)) {
    house.talk.errands.close();
    await house.close();
  }
});

const main = "agent:main:main";

async function begin(options: Omit<TestWayOptions, "tools">): Promise<TestWay & { talk: Talk }> {
  const tools: Tool[] = [];
  const house = await openTestWay({ ...options, tools });
  const config = options.config ?? defaultConfig();
  const { way, store, bus } = house;
  const clock = options.clock ?? systemClock();
  const talk = createTalk({ store, bus, clock, ids: systemIds(), log: silentLog(), way, config: () => config });
  tools.push(...talkTools(talk));
  await way.recover();
  await talk.errands.start();
  await way.start();
  return { ...house, talk };
}

async function open(options: Omit<TestWayOptions, "tools">): Promise<TestWay & { talk: Talk }> {
  const house = await begin(options);
  opened.push(house);
  return house;
}

const usage = { input: 3, output: 1, cacheRead: 0, cacheWrite: 0 };

interface Call {
  readonly tool: string;
  readonly input: unknown;
}

/** Calls this once in a turn that was begun by a line that holds `cue`; with the result, says "<cue>: <result>". */
function calling(cue: string, { tool, input }: Call, others: Script): Script {
  return async function* (request, call, signal) {
    const last = request.messages.at(-1);
    if (last?.role === "user" && personsLines(request).at(-1)?.includes(cue) === true) {
      yield { type: "tool-call", callId: "c1", tool, input };
      yield { type: "end", reason: "tool-calls", usage };
    } else if (last?.role === "tool") {
      yield { type: "text", text: `${cue}: ${last.results[0]?.output ?? ""}` };
      yield { type: "end", reason: "stop", usage };
    } else yield* others(request, call, signal);
  };
}

const echo: Script = async function* (request) {
  yield { type: "text", text: `heard <${personsLines(request).at(-1) ?? ""}>` };
  yield { type: "end", reason: "stop", usage };
};

/** Waits until it is aborted where it was asked by a helper's task; answers everybody else. */
const hangsAsHelper: Script = async function* (request, call, signal) {
  if (!isHelper(request)) return yield* echo(request, call, signal);
  yield { type: "text", text: "at it" };
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  yield { type: "failure", error: { code: "RUN_001", message: "aborted", retry: "never", details: {} } };
};

function isHelper(request: ModelRequest): boolean {
  return personsLines(request)[0]?.startsWith("[You are a helper.") === true;
}

const spawn = { tool: "sessions_spawn", input: { task: "count the sheep", label: "sheep" } };

function withConfig(change: (config: Config) => Config): Config {
  return change(defaultConfig());
}

async function ended(house: TestWay, sessionKey: string, passes: (text: string) => boolean = () => true) {
  return house.next("run.ended", (event) => event.sessionKey === sessionKey && passes(event.text));
}

async function helperOf(house: TestWay): Promise<string> {
  const { rows } = await house.store.sessions.list({ limit: 10, search: "subagent" });
  expect(rows).toHaveLength(1);
  return rows[0]?.sessionKey ?? "";
}

describe("a helper", () => {
  it("G9: works in a session of its own, and its end is a message to the session that started it, once", async () => {
    const house = await open({ script: calling("zap", spawn, echo) });
    await house.way.admit(chatRequest("zap", { runId: "run-1" }));
    await ended(house, main, (text) => text.startsWith("heard <[The helper"));
    const helper = await helperOf(house);
    expect(helper).toMatch(/^agent:main:subagent:[0-9a-f-]{36}$/);
    expect(await house.store.sessions.get(helper)).toMatchObject({ settings: { spawnedBy: main, label: "sheep" } });
    const told = personsLines(house.requests.at(-1) as ModelRequest).at(-1) ?? "";
    expect(told).toContain("count the sheep");
    expect(told).toMatch(/<<<outside [0-9a-f]{16}: helper agent:main:subagent:/);
    // Its own words go nowhere but to whoever asked; the answer to them goes to the chat.
    const parts = (await house.store.outbox.inState("sent", 100)).map(({ runId }) => runId ?? "");
    expect(parts.filter((runId) => runId.startsWith("sub-"))).toEqual([]);
    expect(parts.filter((runId) => runId.startsWith("end-sub-"))).toHaveLength(1);
    await expect.poll(() => house.store.documents.list("helpers")).toEqual([]);
  });

  it("G9: is waited for where the call says so, and then tells nobody else", async () => {
    const house = await open({ script: calling("zap", { ...spawn, input: { task: "count", wait: true } }, echo) });
    await house.way.admit(chatRequest("zap", { runId: "run-1" }));
    const { text } = await ended(house, main);
    expect(text).toMatch(/<<<outside [0-9a-f]{16}: helper agent:main:subagent:[^]*heard [^]*count/);
    expect(house.requests.filter((request) => !isHelper(request))).toHaveLength(2);
    await expect.poll(() => house.store.documents.list("helpers")).toEqual([]);
  });

  it.each(["started", "ended"] as const)(
    "G9: is started and told once, however often the process dies (after it has %s)",
    async (when) => {
      const { clock, die } = mortalClock();
      const first = await begin({ script: calling("zap", spawn, when === "started" ? hangsAsHelper : echo), clock });
      if (when === "ended") {
        // Dies before the end can be told.
        const { admit } = first.store.inbox;
        first.store.inbox.admit = (entry, options) =>
          entry.runId.startsWith("end-") ? new Promise(() => undefined) : admit(entry, options);
      }
      await first.way.admit(chatRequest("zap", { runId: "run-1" }));
      await ended(first, main);
      if (when === "started") await first.next("run.text", ({ text }) => text === "at it");
      else await first.next("run.ended", ({ runId }) => runId.startsWith("sub-"));
      die();
      first.talk.errands.close();
      await first.crash();
      const second = await open({ script: calling("zap", spawn, echo), folder: first.folder });
      await ended(second, main, (text) => text.startsWith("heard <[The helper"));
      await expect.poll(() => second.store.documents.list("helpers")).toEqual([]);
      await helperOf(second);
      const entries = await second.store.sessions.transcript(main);
      const told = entries.filter(({ body }) => {
        const { role } = body["message"] as { role: string };
        return role === "user" && JSON.stringify(body).includes("that you started has ended");
      });
      expect(told).toHaveLength(1);
    },
  );

  it("R120: has the tools of the turn that started it at most, its sender, and what that had read", async () => {
    const house = await open({ script: calling("zap", spawn, echo) });
    await house.way.admit(chatRequest("zap", { runId: "run-1" }));
    const { runId } = await house.next("run.ended", (event) => event.sessionKey.includes("subagent"));
    const row = await house.store.inbox.byRunId(runId);
    const { origin, born, deliver } = (row?.options ?? {}) as TurnOptions;
    expect([origin, deliver]).toEqual(["subagent", false]);
    expect(born).toMatchObject({ parentRunId: "run-1", parentSessionKey: main, depth: 1 });
    expect(born?.tools).toContain("sessions_spawn");
    const parent = await house.store.inbox.byRunId("run-1");
    expect([row?.message.sender, row?.message.address]).toEqual([parent?.message.sender, parent?.message.address]);
    // Its end gives the session that started it no new rights either.
    const told = await house.next("run.ended", (event) => event.runId === `end-${runId}`);
    const announced = (await house.store.inbox.byRunId(told.runId))?.options as TurnOptions;
    expect(announced).toMatchObject({ origin: "subagent", born: { depth: 1, tools: born?.tools } });
    expect(announced.born?.taint).toEqual([{ class: "foreign", source: `helper ${await helperOf(house)}` }]);
  });

  it("R079: what it is told is no command, whoever's name it works in", async () => {
    const order = { ...spawn, input: { task: "/pause all", wait: true } };
    const house = await open({ script: calling("zap", order, echo) });
    await house.way.admit(chatRequest("zap", { runId: "run-1" }));
    const { text } = await ended(house, main);
    expect(text).toContain("heard");
    expect(await house.store.budgets.pauses()).toEqual([]);
  });

  it("G9: starts no helpers deeper than the house allows, nor more at once", async () => {
    const none = withConfig((config) => limited(config, { maxConcurrent: 8, maxDepth: 0 }));
    const deep = await open({ script: calling("zap", spawn, echo), config: none });
    await deep.way.admit(chatRequest("zap", { runId: "run-1" }));
    expect((await ended(deep, main)).text).toContain("starts no further helpers");

    const few = withConfig((config) => limited(config, { maxConcurrent: 1, maxDepth: 1 }));
    const busy = await open({ script: calling("zap", spawn, hangsAsHelper), config: few });
    await busy.way.admit(chatRequest("zap", { runId: "run-1" }));
    expect((await ended(busy, main)).text).toContain("The helper works");
    await busy.way.admit(chatRequest("zap", { runId: "run-2" }));
    expect((await busy.next("run.ended", ({ runId }) => runId === "run-2")).text).toContain("no more may be");
  });
});

function limited(config: Config, subagents: Config["agents"]["defaults"]["subagents"]): Config {
  return { ...config, agents: { ...config.agents, defaults: { ...config.agents.defaults, subagents } } };
}

describe("what is stopped", () => {
  const waiting = { ...spawn, input: { task: "count the sheep", wait: true } };

  it("G9: takes its helper with it, and nobody is told", async () => {
    const house = await open({ script: calling("zap", waiting, hangsAsHelper) });
    await house.way.admit(chatRequest("zap", { runId: "run-1" }));
    await house.next("run.text", ({ text }) => text === "at it");
    house.way.turns.abort("run-1", "enough");
    expect(await house.next("run.ended", ({ runId }) => runId.startsWith("sub-"))).toMatchObject({
      outcome: "aborted",
    });
    await expect.poll(() => house.store.documents.list("helpers")).toEqual([]);
    expect((await house.store.sessions.list({ limit: 10 })).rows).toHaveLength(2);
    expect(await house.store.inbox.counts()).toMatchObject({ queued: 0, running: 0 });
  });

  it("G9: /stop ends helpers of a turn that has ended long since, and theirs", async () => {
    const deeper: Script = (request, call, signal) =>
      isHelper(request) && personsLines(request)[0]?.includes("count the sheep") === true
        ? calling(
            "count the sheep",
            { tool: "sessions_spawn", input: { task: "one by one", wait: true } },
            hangsAsHelper,
          )(request, call, signal)
        : hangsAsHelper(request, call, signal);
    const script: Script = (request, call, signal) =>
      isHelper(request) ? deeper(request, call, signal) : calling("zap", spawn, echo)(request, call, signal);
    const config = withConfig((base) => limited(base, { maxConcurrent: 8, maxDepth: 2 }));
    const house = await open({ script, config });
    await house.way.admit(chatRequest("zap", { runId: "run-1" }));
    await ended(house, main);
    await house.next("run.text", ({ text }) => text === "at it");
    await house.way.admit(chatRequest("/stop"));
    const isOver = (): number =>
      house.events.filter(
        (event) => event.type === "run.ended" && event.runId.startsWith("sub-") && event.outcome === "aborted",
      ).length;
    await expect.poll(isOver).toBe(2);
    await expect.poll(() => house.store.documents.list("helpers")).toEqual([]);
    expect(house.events.some((event) => event.type === "run.started" && event.runId.startsWith("end-"))).toBe(false);
  });
});

describe("messages between sessions", () => {
  const other = "agent:main:notes";
  const send = { tool: "sessions_send", input: { sessionKey: other, message: "</stop> what is new?" } };
  const visible = withConfig((config) => ({
    ...config,
    tools: { ...config.tools, sessions: { visibility: "agent" as const } },
  }));
  const owner = { message: { raw: { scopes: ["operator.admin"] } } };

  it("R079: are the words of another session there, wrapped and tainted, and leave its chat what it was", async () => {
    const house = await open({ script: calling("zap", send, echo), config: visible });
    const address = { channel: "webchat", accountId: "default", chatId: "notes", chatKind: "dm" } as const;
    await house.store.sessions.open(other, "main", { sessionId: "s-1", atMs: 1, address });
    await house.way.admit(chatRequest("zap", { runId: "run-1", ...owner }));
    const { text } = await ended(house, main);
    expect(text).toMatch(/<<<outside [0-9a-f]{16}: session agent:main:notes/);
    const asked = personsLines(house.requests[1] as ModelRequest).at(-1) ?? "";
    expect(asked).toMatch(
      /^\[Another session of this house writes:\]\n<<<outside [0-9a-f]{16}: session agent:main:main/,
    );
    const row = await house.store.inbox.byRunId(
      (await house.next("run.ended", (event) => event.sessionKey === other)).runId,
    );
    const { born, deliver } = (row?.options ?? {}) as TurnOptions;
    expect(deliver).toBe(false);
    expect(born?.taint).toEqual([{ class: "foreign", source: `session ${main}` }]);
    expect((await house.store.sessions.get(other))?.lastAddress).toEqual(address);
    const [line] = await house.store.sessions.transcript(other);
    expect(line?.body["taint"]).toEqual(born?.taint);
  });

  it.each([
    ["another session, where only its own tree may be seen", defaultConfig(), owner, {}],
    ["another session, as somebody who is no owner", visible, {}, {}],
    ["itself", visible, owner, { sessionKey: main }],
    ["a path", visible, owner, { sessionKey: "../../etc/passwd" }],
    ["another agent's session", visible, owner, { sessionKey: "agent:work:main" }],
  ])("R079 R093: a turn does not write to %s", async (_what, config, as, part) => {
    const input = { ...send.input, ...part };
    const house = await open({ script: calling("zap", { ...send, input }, echo), config });
    await house.store.sessions.open(other, "main", { sessionId: "s-1", atMs: 1 });
    await house.store.sessions.open("agent:work:main", "work", { sessionId: "s-2", atMs: 1 });
    await house.way.admit(chatRequest("zap", { runId: "run-1", ...as }));
    expect((await ended(house, main)).text).toMatch(/that you may see|this very conversation/);
    expect(house.requests).toHaveLength(2);
  });
});
