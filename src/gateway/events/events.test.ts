import { describe, expect, it } from "vitest";
import type { EventOf } from "../../domain/events.ts";
import { limits } from "../../domain/limits.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { chatEventSchema, events } from "../../protocol/events.ts";
import { eventFrameSchema } from "../../protocol/frames.ts";
import { channelStatus, openStage, runText, type Stage } from "../fake-deps.fixture.ts";
import { connect, makeIdentity, WireClient, type Frame } from "../wire-client.fixture.ts";

const noUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
const main = "agent:main:main";

function ended(runId: string, text: string, part: Partial<EventOf<"run.ended">> = {}): EventOf<"run.ended"> {
  const rest = {
    stopReason: "stop" as const,
    usage: noUsage,
    costMicros: 0,
    model: "test/one",
    toolCalls: [],
    atMs: 1,
  };
  return { type: "run.ended", outcome: "final", runId, sessionKey: main, agentId: "main", text, ...rest, ...part };
}

function chatsOf(client: WireClient, runId: string): Record<string, unknown>[] {
  const payloads = client.events("chat").map((frame) => frame["payload"] as Record<string, unknown>);
  return payloads.filter((payload) => payload["runId"] === runId);
}

async function ends(client: WireClient, runId: string): Promise<void> {
  await client.until(({ event, payload }) => {
    const told = payload as { runId?: string; state?: string } | undefined;
    return event === "chat" && told?.runId === runId && told.state !== "delta";
  });
}

describe("the text of a run", () => {
  it("F1: a hundred tokens a second for ten seconds are told in at most seven frames a second, byte for byte", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    const client = await connect(stage.url);
    const run = { runId: "r1", sessionKey: main };
    let text = "";
    const tokens = 1_000;
    for (let token = 0; token < tokens; token += 1) {
      const piece = token % 7 === 0 ? "é🙂 " : `t${token} `;
      text += piece;
      stage.bus.emit(runText(run, piece, text, clock.nowMs()));
      await clock.advance(10);
    }
    stage.bus.emit(ended("r1", text));
    await ends(client, "r1");
    const deltas = chatsOf(client, "r1").filter(({ state }) => state === "delta");
    expect(deltas.length).toBeLessThanOrEqual(70);
    expect(deltas.length).toBeLessThanOrEqual(tokens * 0.2);
    expect(deltas.map(({ deltaText }) => deltaText).join("")).toBe(text);
    const times = deltas.map(({ message }) => (message as { timestamp: number }).timestamp);
    for (const from of times)
      expect(times.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(8);
    for (const delta of deltas) expect(text.startsWith(textOf(delta))).toBe(true);
    expect(textOf(chatsOf(client, "r1").at(-1))).toBe(text);
    await stage.close();
  });

  it("F2: a run has one end and nothing after it, however often and in whatever order its events come", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const outcomes = ["final", "aborted", "error"] as const;
    for (const outcome of outcomes) {
      const runId = `run-${outcome}`;
      const run = { runId, sessionKey: main, agentId: "main", atMs: 1 };
      stage.bus.emit({ type: "run.started", messageId: "m", ...run });
      stage.bus.emit(runText(run, "half ", "half ", 1));
      stage.bus.emit({ type: "tool.started", callId: "c", tool: "look", input: {}, ...run });
      stage.bus.emit({ type: "tool.completed", callId: "c", tool: "look", output: "seen", ...run });
      stage.bus.emit(runText(run, "done", "half done", 1));
      const error = { code: "MODEL_003" as const, message: "slow down", retry: "later" as const, details: {} };
      stage.bus.emit(ended(runId, "half done", { outcome, ...(outcome === "error" ? { error } : {}) }));
      stage.bus.emit(ended(runId, "again", { outcome: "final" }));
      stage.bus.emit(runText(run, "late", "half done late", 1));
      await ends(client, runId);
    }
    await client.ask("health");
    for (const outcome of outcomes) {
      const told = chatsOf(client, `run-${outcome}`);
      expect(told.map(({ state }) => state)).toEqual(["delta", "delta", outcome]);
      expect(told.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      for (const payload of told) chatEventSchema.parse(payload);
    }
    expect(chatsOf(client, "run-error").at(-1)).toMatchObject({ errorMessage: "slow down", errorKind: "rate_limit" });
    await stage.close();
  });

  it("text that is begun anew replaces what was told", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    const client = await connect(stage.url);
    const run = { runId: "r", sessionKey: main };
    stage.bus.emit(runText(run, "first try", "first try", 1));
    await clock.advance(limits.deltaBatchMs);
    stage.bus.emit(runText(run, "second", "second", 1));
    await clock.advance(limits.deltaBatchMs);
    stage.bus.emit(ended("r", "second"));
    await ends(client, "r");
    const deltas = chatsOf(client, "r").filter(({ state }) => state === "delta");
    expect(deltas.map(({ deltaText, replace }) => [deltaText, replace])).toEqual([
      ["first try", undefined],
      ["second", true],
    ]);
    await stage.close();
  });
});

describe("who hears what", () => {
  it("E12: a client of pairing scope alone sees no chat, agent or session frame in 10,000 events", async () => {
    const stage = await openStage();
    const pairing = await connect(stage.url, { scopes: ["operator.pairing"] });
    const nobody = await connect(stage.url, { scopes: [] });
    const node = await connect(stage.url, {
      role: "node",
      client: { id: "node-host", mode: "node" },
      identity: makeIdentity(),
    });
    const reader = await connect(stage.url, { scopes: ["operator.read"] });
    for (let index = 0; index < 2_500; index += 1) {
      const run = { runId: `r${index}`, sessionKey: main, agentId: "main", atMs: 1 };
      stage.bus.emit({ type: "run.started", messageId: "m", ...run });
      stage.bus.emit({ type: "tool.started", callId: "c", tool: "look", input: {}, ...run });
      stage.bus.emit(ended(run.runId, "x"));
      stage.bus.emit({ type: "session.changed", sessionKey: main, change: "patched", atMs: 1 });
    }
    await ends(reader, "r2499");
    stage.gateway.announce("over");
    for (const client of [pairing, nobody, node]) {
      await client.event("shutdown");
      const names = new Set(client.frames.flatMap(({ event }) => (event === undefined ? [] : [event])));
      expect(names).toEqual(new Set(["connect.challenge", "shutdown"]));
    }
    await stage.close();
  });

  it("B5: a client that chose one session never receives another's frames in 10,000 events", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    expect(await client.ask("sessions.subscribe", { key: "chosen" })).toEqual({
      ok: true,
      subscribed: ["agent:main:chosen"],
    });
    const sessions = ["agent:main:chosen", main, "agent:main:other", "agent:main:chosen:x"];
    for (let index = 0; index < 2_500; index += 1) {
      const sessionKey = sessions[index % sessions.length] ?? main;
      stage.bus.emit({ type: "run.started", messageId: "m", runId: `r${index}`, sessionKey, agentId: "main", atMs: 1 });
      stage.bus.emit(runText({ runId: `r${index}`, sessionKey }, "x", "x", 1));
      stage.bus.emit(ended(`r${index}`, "x", { sessionKey }));
      stage.bus.emit({ type: "session.changed", sessionKey, change: "patched", atMs: 1 });
    }
    await client.ask("health");
    const heard = client.events("chat").map(({ payload }) => (payload as { sessionKey: string }).sessionKey);
    expect(new Set(heard)).toEqual(new Set(["agent:main:chosen"]));
    expect(heard.length).toBe(625 * 2);
    const runs = new Set(client.events("agent").map(({ payload }) => (payload as { runId: string }).runId));
    for (const runId of runs) expect(Number(runId.slice(1)) % sessions.length).toBe(0);
    await client.ask("sessions.unsubscribe", { key: "chosen" });
    stage.bus.emit(ended("quiet", "x", { sessionKey: "agent:main:chosen" }));
    stage.bus.emit(ended("quiet-too", "x"));
    expect(await client.ask("sessions.subscribe")).toEqual({ ok: true, subscribed: "all" });
    stage.bus.emit(ended("heard", "x"));
    await ends(client, "heard");
    expect(chatsOf(client, "quiet").concat(chatsOf(client, "quiet-too"))).toEqual([]);
    await stage.close();
  });

  it("F7: the payloads of tools go to who started the run or chose its session, and to nobody else", async () => {
    const stage = await openStage();
    const starter = await connect(stage.url);
    const chooser = await connect(stage.url);
    const other = await connect(stage.url);
    await chooser.ask("sessions.subscribe", { key: "main" });
    await starter.ask("chat.send", { sessionKey: "main", message: "go", idempotencyKey: "t1" });
    const run = { runId: "t1", sessionKey: main, agentId: "main", atMs: 1 };
    stage.bus.emit({ type: "tool.started", callId: "c", tool: "look", input: { secret: "canary" }, ...run });
    stage.bus.emit({
      type: "tool.failed",
      callId: "c",
      tool: "look",
      error: { code: "RUN_003", message: "no", retry: "never", details: {} },
      ...run,
    });
    await stage.finish("t1", "done");
    for (const client of [starter, chooser, other]) await ends(client, "t1");
    const tools = (client: WireClient) =>
      client.events("agent").filter(({ payload }) => (payload as { stream: string }).stream === "tool");
    expect(tools(starter)).toHaveLength(2);
    expect(tools(chooser)).toHaveLength(2);
    expect(JSON.stringify(other.frames)).not.toContain("canary");
    await stage.close();
  });

  it("F7: what a call is about reaches nobody else by the events around it: decided, asked, parked", async () => {
    const stage = await openStage();
    const all = { scopes: ["operator.read", "operator.write", "operator.approvals"] };
    const starter = await connect(stage.url, { scopes: ["operator.read", "operator.write"] });
    const reader = await connect(stage.url, { scopes: ["operator.read"] });
    const approver = await connect(stage.url, all);
    await starter.ask("chat.send", { sessionKey: "main", message: "go", idempotencyKey: "t2" });
    const run = { runId: "t2", sessionKey: main, agentId: "main", atMs: 1 };
    const facts = { act: { kind: "command", text: "canary-of-facts" } };
    stage.bus.emit({ type: "tool.started", callId: "c", tool: "exec", input: { command: "canary-of-input" }, ...run });
    stage.bus.emit({
      type: "tool.decided",
      callId: "c",
      tool: "exec",
      effect: "ask",
      rule: "r",
      says: "s",
      facts,
      ...run,
    });
    const text = "This waits for a person: canary-of-notice";
    stage.bus.emit({ type: "run.notice", kind: "approval", text, approvalId: "q", ...run });
    const approval = { id: "q", shown: "canary-of-question" };
    stage.bus.emit({ type: "approval.requested", id: "q", sessionKey: main, approval, expiresMs: 9, atMs: 1 });
    stage.bus.emit({ type: "run.steps", steps: [{ step: "execute", tookMs: 1, data: "canary-of-steps" }], ...run });
    stage.bus.emit({ type: "run.parked", approvalId: "q", untilMs: 9, ...run });
    await stage.finish("t2", "done");
    for (const client of [starter, reader, approver]) await ends(client, "t2");
    const heard = (client: WireClient) =>
      [...new Set(JSON.stringify(client.frames).match(/canary-of-\w+/g) ?? [])].toSorted();
    expect(heard(reader)).toEqual([]);
    expect(heard(starter)).toEqual(["canary-of-input", "canary-of-notice"]);
    expect(heard(approver)).toEqual(["canary-of-question"]);
    for (const client of [starter, reader, approver]) {
      const phases = client.events("agent").map(({ payload }) => (payload as { data: { phase?: string } }).data.phase);
      expect(phases).toContain("parked");
    }
    await stage.close();
  });
});

describe("the stream of events", () => {
  it("B4: numbers rise by one per connection over 100,000 events", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    await client.event("presence");
    client.socket.removeAllListeners("message");
    let last = Number(client.frames.at(-1)?.["seq"]);
    const total = 100_000;
    let seen = 0;
    let gaps = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    client.socket.on("message", (data: Buffer) => {
      const { seq } = JSON.parse(data.toString()) as { seq: number };
      if (seq !== last + 1) gaps += 1;
      last = seq;
      seen += 1;
      if (seen === total) resolve();
    });
    for (let batch = 0; batch < 100; batch += 1) {
      for (let index = 0; index < total / 100; index += 1) {
        stage.bus.emit({ type: "session.changed", sessionKey: main, change: "patched", atMs: index });
      }
      await new Promise((next) => setImmediate(next));
    }
    await promise;
    expect(gaps).toBe(0);
    await stage.close();
  });

  it("F10: unchanged health is told to nobody; a change raises its version once", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    const client = await connect(stage.url);
    await clock.advance(200);
    for (let minute = 0; minute < 5; minute += 1) await clock.advance(60_000);
    await client.ask("health");
    expect(client.events("health")).toEqual([]);
    stage.channels[0] = channelStatus({ state: "RECONNECTING" });
    const lost = { type: "channel.state", channel: "irc", accountId: "default", atMs: 2 } as const;
    stage.bus.emit({ ...lost, state: "RECONNECTING", previous: "CONNECTED", reason: "reset" });
    stage.bus.emit({ ...lost, state: "RECONNECTING", previous: "RECONNECTING" });
    await clock.advance(60_000);
    await client.ask("health");
    expect(client.events("health").map((frame) => frame["stateVersion"])).toEqual([{ presence: 1, health: 2 }]);
    // F5: each transition once, none for what stayed.
    expect(client.events("channel.disconnected")).toHaveLength(1);
    expect(client.events("channel.connected")).toHaveLength(0);
    await stage.close();
  });

  it("Q18: a changed configuration tells its paths, and no secret", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    stage.bus.emit({
      type: "config.changed",
      version: 2,
      changedPaths: ["gateway.auth.token", "gateway.bind", "no.such"],
      atMs: 5,
    });
    const { payload } = await client.event("config.changed");
    expect(payload).toEqual({
      version: 2,
      changedPaths: ["gateway.auth.token", "gateway.bind", "no.such"],
      values: { "gateway.auth.token": "__OPENCLAW_REDACTED__", "gateway.bind": "loopback", "no.such": null },
      ts: 5,
    });
    await stage.close();
  });

  it("presence is told small: the whole list while it is short, else what changed", async () => {
    const stage = await openStage();
    const watcher = await connect(stage.url);
    await watcher.event("presence");
    const clients = await Promise.all(Array.from({ length: 40 }, () => connect(stage.url)));
    await stageSettled(stage, watcher);
    for (const frame of watcher.events("presence")) expect(JSON.stringify(frame).length).toBeLessThanOrEqual(1_024);
    // Forty at once are more than one small frame can tell.
    expect(watcher.events("presence").some(({ payload }) => (payload as { resync?: boolean }).resync === true)).toBe(
      true,
    );
    watcher.frames.length = 0;
    const name = "n".repeat(900);
    const joiner = await connect(stage.url, { client: { displayName: name, version: name, platform: name } });
    const told = await watcher.event("presence");
    expect(told["payload"]).toMatchObject({ full: false, left: [], presence: [{ reason: "connect" }] });
    const { connId } = joiner.hello["server"] as { connId: string };
    await joiner.close();
    const gone = await watcher.until(
      ({ event, payload }) => event === "presence" && JSON.stringify(payload).includes('"left":["'),
    );
    expect(gone["payload"]).toMatchObject({ presence: [], left: [connId] });
    for (const frame of watcher.events("presence")) expect(JSON.stringify(frame).length).toBeLessThanOrEqual(1_024);
    expect(clients).toHaveLength(40);
    await stage.close();
  });

  it("what is told fits what is declared", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    const client = await connect(stage.url);
    stage.bus.emit({ type: "session.created", sessionKey: main, sessionId: "s", atMs: 1 });
    stage.bus.emit({ type: "config.refused", reason: "line 3", atMs: 1 });
    await client.ask("system-event", { text: "the door bell rang" });
    await client.ask("chat.send", { sessionKey: "main", message: "hi", idempotencyKey: "d1" });
    await stage.finish("d1", "ho");
    await clock.advance(limits.tickIntervalMs);
    await client.event("tick");
    const payloads = new Map(events.map(({ name, payload }) => [name, payload]));
    for (const frame of client.frames.filter(({ type }) => type === "event")) {
      eventFrameSchema.parse(frame);
      payloads.get(String(frame.event))?.parse(frame["payload"]);
    }
    await stage.close();
  });
});

describe("a slow client", () => {
  it("F8 F9 B4: is spared what may be dropped, told so when it reads again, and finds what it missed", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    const slow = await connect(stage.url);
    const normal = await connect(stage.url);
    slow.socket.pause();
    const big = "x".repeat(64 * 1024);
    for (let index = 0; index < 200; index += 1) {
      const text = `${big}${"y".repeat(index)}`;
      stage.bus.emit(runText({ runId: "r", sessionKey: main }, "", text, clock.nowMs()));
      await clock.advance(limits.deltaBatchMs);
    }
    stage.bus.emit(ended("r", "end"));
    await ends(normal, "r");
    const told = normal.events("chat").length;
    expect(told).toBeGreaterThan(150);
    slow.socket.resume();
    const marker = await slow.event("resync");
    await ends(slow, "r");
    const { dropped, sinceSeq } = marker["payload"] as { dropped: number; sinceSeq: number };
    expect(slow.events("chat").length).toBeLessThan(told);
    expect(dropped).toBeGreaterThan(50);
    // The numbers of what was dropped are missing, from where the marker says.
    const numbers = slow.frames.flatMap((frame) => (typeof frame["seq"] === "number" ? [frame["seq"]] : []));
    expect(numbers).not.toContain(sinceSeq);
    expect(numbers.toSorted((left, right) => left - right)).toEqual(numbers);
    expect(Number(marker["seq"])).toBeGreaterThanOrEqual(sinceSeq + dropped);
    // What it missed is asked for on the same connection, as our page does.
    await stage.store.sessions.open(main, "main", { sessionId: "s-1", atMs: 1 });
    const message = { role: "assistant", content: [{ type: "text", text: "all of it" }], timestamp: 1 };
    await stage.store.sessions.append(main, [{ id: "00000001", type: "message", atMs: 1, body: { message } }], 1);
    const { messages } = await slow.ask("chat.history", { sessionKey: "main" });
    expect(JSON.stringify(messages)).toContain("all of it");
    await stage.close();
  });

  it("F9: that stands still is cut with 1008 before it holds more than its limit", async () => {
    const stage = await openStage();
    const slow = await connect(stage.url);
    const normal = await connect(stage.url);
    slow.socket.pause();
    const big = "x".repeat(1024 * 1024);
    // Terminal events are never dropped: only the limit of the buffer stops them.
    for (let index = 0; index < 70; index += 1) {
      stage.bus.emit(ended(`r${index}`, big));
      await ends(normal, `r${index}`);
    }
    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 1008, reason: "slow consumer" });
    const received = slow.frames.reduce((bytes, frame) => bytes + JSON.stringify(frame).length, 0);
    expect(received).toBeLessThan(limits.socketBufferedBytes + 8 * 1024 * 1024);
    await stage.close();
  });

  it("that answers no ping is cut at the next tick", async () => {
    const clock = new FakeClock();
    const stage = await openStage({ clock });
    const dead = await connect(stage.url);
    const alive = await connect(stage.url);
    dead.socket.pong = () => undefined;
    dead.socket.pause();
    const pinged = new Promise((resolve) => alive.socket.once("ping", resolve));
    await clock.advance(limits.tickIntervalMs);
    await pinged;
    // Our pong stands before this request in the stream.
    await alive.ask("health");
    await clock.advance(limits.tickIntervalMs);
    dead.socket.resume();
    expect((await dead.closed).code).toBe(1006);
    expect((await alive.call("health")).ok).toBe(true);
    await stage.close();
  });
});

describe("the system's events", () => {
  it("F4: of 1,500 the last 1,000 are kept in order, over a restart too", async () => {
    const first = await openStage();
    const client = await connect(first.url);
    for (let index = 0; index < 1_500; index += 1) {
      first.bus.emit({ type: "config.refused", reason: `edit ${index}`, atMs: index });
    }
    const expected = Array.from({ length: 1_000 }, (_unused, index) => `edit ${index + 500}`);
    const reasons = async (asker: WireClient) => {
      const { events: kept } = await asker.ask("system-events", { limit: 1_000 });
      return (kept as { type: string; data: { reason: string } }[])
        .filter(({ type }) => type === "config.refused")
        .map(({ data }) => data.reason);
    };
    expect(await reasons(client)).toEqual(expected);
    await first.stop();
    const second = await openStage({ folder: first.folder });
    const again = await connect(second.url);
    expect((await reasons(again)).slice(-990)).toEqual(expected.slice(-990));
    await second.close();
  });
});

describe("the tutorial's events", () => {
  it("F6: the alias stream equals the canonical one", async () => {
    const stage = await openStage();
    const typed = await connect(stage.url);
    const untyped = new WireClient(stage.url);
    await untyped.challenge();
    untyped.send({
      id: "1",
      method: "connect",
      params: { auth: { token: stage.config.current().config.gateway.auth.token } },
    });
    await untyped.until(({ id }) => id === "1");
    untyped.send({ id: "2", method: "subscribe", params: { sessionKey: "main" } });
    await untyped.until(({ id }) => id === "2");
    await typed.ask("sessions.subscribe", { key: "main" });
    untyped.send({ id: "3", method: "chat", params: { message: "hi" } });
    const { runId } = (await untyped.until(({ id }) => id === "3"))["result"] as { runId: string };
    const run = { runId, sessionKey: main, agentId: "main", atMs: 1 };
    stage.bus.emit({ type: "run.thinking", text: "hm", ...run });
    stage.bus.emit({ type: "tool.started", callId: "c", tool: "look", input: {}, ...run });
    stage.bus.emit({ type: "run.notice", kind: "approval", text: "This waits.", approvalId: "q", ...run });
    stage.bus.emit({ type: "run.parked", approvalId: "q", untilMs: 9, ...run });
    stage.bus.emit({ type: "run.started", messageId: "m", ...run });
    stage.bus.emit({ type: "tool.completed", callId: "c", tool: "look", output: "seen", ...run });
    stage.bus.emit(runText(run, "ho", "ho", 1));
    await stage.finish(runId, "ho");
    await ends(typed, runId);
    const last = typed.events("chat").at(-1)?.["payload"];
    await untyped.until(
      ({ event, data }) => event === "agent.message" && JSON.stringify(data) === JSON.stringify(last),
    );
    const data = (name: string) => untyped.events(name).map((frame) => frame["data"]);
    const agent = (stream: string): unknown[] =>
      typed
        .events("agent")
        .flatMap(({ payload }) => ((payload as { stream: string }).stream === stream ? [payload] : []));
    expect(data("agent.message")).toEqual(typed.events("chat").map((frame: Frame) => frame["payload"]));
    expect(data("agent.tool")).toEqual(agent("tool"));
    expect(data("agent.thinking")).toEqual(agent("thinking"));
    expect(data("agent.tool")).toHaveLength(2);
    await stage.close();
  });
});

function textOf(payload: Record<string, unknown> | undefined): string {
  const message = payload?.["message"] as { content: { text: string }[] } | undefined;
  return message?.content[0]?.text ?? "";
}

async function stageSettled(stage: Stage, client: WireClient): Promise<void> {
  const known = stage.gateway.counters().open;
  await client.until(({ stateVersion }) => (stateVersion as { presence: number } | undefined)?.presence === known);
}
