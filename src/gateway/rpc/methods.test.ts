import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { subjectOf } from "../../approvals/subject.ts";
import { limits } from "../../domain/limits.ts";
import { actQuestion } from "./operate/approvals.fixture.ts";
import { aliases } from "../../protocol/registry.ts";
import type { TranscriptDraft } from "../../store/session-port.ts";
import { openStage, type Stage } from "../fake-deps.fixture.ts";
import { connect, errorOf, makeIdentity, type Frame, type WireClient } from "../wire-client.fixture.ts";

const main = "agent:main:main";

function said(id: string, text: string, role = "user"): TranscriptDraft {
  return { id, type: "message", atMs: 1, body: { message: { role, content: [{ type: "text", text }], timestamp: 1 } } };
}

async function withHistory(stage: Stage, key: string, entries: readonly TranscriptDraft[]): Promise<void> {
  await stage.store.sessions.open(key, "main", { sessionId: stage.deps.ids.uuid(), atMs: 1 });
  await stage.store.sessions.append(key, entries, 1);
}

describe("chat.send and agent", () => {
  it("B14: one key, sent five times at once and again over a restart, has one effect and one run", async () => {
    const first = await openStage();
    const client = await connect(first.url);
    const request = { sessionKey: "main", message: "once", idempotencyKey: "key-1" };
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.ask("chat.send", request)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set(['{"runId":"key-1","status":"started"}']),
    );
    expect(await client.ask("chat.send", request)).toEqual({ runId: "key-1", status: "in_flight" });
    expect(first.admitted).toHaveLength(1);
    await first.finish("key-1", "done");
    await first.stop();

    const second = await openStage({ folder: first.folder });
    const again = await connect(second.url);
    expect(await again.ask("chat.send", request)).toEqual({ runId: "key-1", status: "ok" });
    expect(second.admitted).toEqual([]);
    for (const other of [
      { ...request, message: "twice" },
      { ...request, sessionKey: "elsewhere" },
      { ...request, thinking: "high" },
    ]) {
      const refused = errorOf(await again.call("chat.send", other));
      expect(refused).toMatchObject({ code: "INVALID_REQUEST", details: { code: "chat-request-conflict" } });
    }
    await second.close();
  });

  it("a thinking level that there is not is refused before anything is stored, however it is sent", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    for (const [method, where] of [["chat.send", { sessionKey: "main" }] as const, ["agent", {}] as const]) {
      const request = { ...where, message: "hi", idempotencyKey: method };
      const refused = errorOf(await client.call(method, { ...request, thinking: "very much" }));
      expect(refused).toMatchObject({ code: "INVALID_REQUEST", details: { errorCode: "RPC_003", param: "thinking" } });
      expect(refused.message).toContain("off, on, adaptive, minimal");
      expect((await client.call(method, { ...request, thinking: "Ultra" })).ok).toBe(true);
    }
    expect(stage.admitted).toHaveLength(2);
    await stage.close();
  });

  it("B14: the same key with other content is refused while the first is under way too", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const [one, two] = await Promise.all([
      client.call("chat.send", { sessionKey: "main", message: "one", idempotencyKey: "k" }),
      client.call("chat.send", { sessionKey: "main", message: "two", idempotencyKey: "k" }),
    ]);
    expect(one.ok).toBe(true);
    expect(errorOf(two)).toMatchObject({ code: "INVALID_REQUEST", details: { errorCode: "RPC_006" } });
    await stage.close();
  });

  it("C5: agent answers with its run at once; agent.wait tells how it ended, after a restart too", async () => {
    const first = await openStage();
    const client = await connect(first.url);
    const started = await client.ask("agent", { message: "go", idempotencyKey: "run-1" });
    expect(started).toMatchObject({ runId: "run-1", status: "accepted" });
    expect(await client.ask("agent.wait", { runId: "run-1", timeoutMs: 1 })).toEqual({
      runId: "run-1",
      status: "timeout",
    });
    const waiting = client.ask("agent.wait", { runId: "run-1", timeoutMs: 10_000 });
    await first.finish("run-1", "went");
    expect(await waiting).toMatchObject({ runId: "run-1", status: "ok", text: "went", stopReason: "stop" });
    await first.stop();
    const second = await openStage({ folder: first.folder });
    const again = await connect(second.url);
    expect(await again.ask("agent.wait", { runId: "run-1" })).toMatchObject({ status: "ok", text: "went" });
    expect(errorOf(await again.call("agent.wait", { runId: "no-such" })).message).toBe("there is no such run");
    expect(await again.ask("agent.identity.get", {})).toEqual({ agentId: "main", name: "Main" });
    await second.close();
  });

  it("R031: a model or instructions of one's own need an administrator", async () => {
    const stage = await openStage();
    const writer = await connect(stage.url, { scopes: ["operator.write"] });
    for (const override of [{ model: "other/one" }, { extraSystemPrompt: "You are root." }]) {
      const refused = await writer.call("agent", { message: "go", idempotencyKey: "k", ...override });
      expect(errorOf(refused)).toMatchObject({ code: "FORBIDDEN", message: "missing scope: operator.admin" });
    }
    expect(stage.admitted).toEqual([]);
    expect((await writer.call("agent", { message: "go", idempotencyKey: "k" })).ok).toBe(true);
    await stage.close();
  });

  it("R026: what a message carries inside goes in with the scopes of who sent it", async () => {
    const stage = await openStage();
    const writer = await connect(stage.url, { scopes: ["operator.write"], identity: makeIdentity() });
    await writer.ask("chat.send", { sessionKey: "main", message: "/config set gateway.bind lan", idempotencyKey: "k" });
    const [request] = stage.admitted;
    expect(request?.origin).toMatchObject({
      via: "gateway",
      principal: { scopes: ["operator.write"], kind: "device" },
    });
    expect(request?.message.raw).toMatchObject({ scopes: ["operator.write"] });
    await stage.close();
  });

  it("a refusal at the door is the answer, and files are checked before it", async () => {
    const stage = await openStage({
      admit: () =>
        Promise.resolve({
          outcome: "refused",
          reason: "inbox-full",
          error: new AppError("CONN_003", "Too many wait."),
        }),
    });
    const client = await connect(stage.url);
    const base = { sessionKey: "main", message: "hi" };
    const full = errorOf(await client.call("chat.send", { ...base, idempotencyKey: "a" }));
    expect(full).toMatchObject({ code: "UNAVAILABLE", message: "Too many wait.", retryable: true });
    const attachments = [{ content: "not base64!", mimeType: "image/png" }];
    expect(errorOf(await client.call("chat.send", { ...base, idempotencyKey: "b", attachments })).message).toMatch(
      /not base64/,
    );
    const large = [{ content: "A".repeat(Math.ceil((limits.inlineAttachmentBytes * 4) / 3) + 8) }];
    expect(
      errorOf(await client.call("chat.send", { ...base, idempotencyKey: "c", attachments: large })).details[
        "errorCode"
      ],
    ).toBe("MSG_003");
    for (const sessionKey of ["a b\u0000", "agent:nobody:main", "agent::x"]) {
      expect((await client.call("chat.send", { ...base, idempotencyKey: "d", sessionKey })).ok, sessionKey).toBe(false);
    }
    await stage.close();
  });

  it("C7: abort is answered within 200 ms, with the runs it stopped", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    for (const idempotencyKey of ["a1", "a2", "a3"])
      await client.ask("chat.send", { sessionKey: "main", message: "go", idempotencyKey });
    const began = performance.now();
    expect(await client.ask("chat.abort", { sessionKey: "main", runId: "a1" })).toEqual({
      ok: true,
      aborted: true,
      runIds: ["a1"],
    });
    expect(performance.now() - began).toBeLessThan(200);
    await client.until(({ event, payload }) => event === "chat" && (payload as { state: string }).state === "aborted");
    expect(await client.ask("chat.abort", { sessionKey: "main" })).toEqual({
      ok: true,
      aborted: true,
      runIds: ["a2", "a3"],
    });
    expect(await client.ask("chat.abort", { sessionKey: "main", runId: "gone" })).toEqual({
      ok: true,
      aborted: false,
      runIds: [],
    });
    await stage.close();
  });
});

describe("chat.history and chat.inject", () => {
  it("history tells the newest within 6 MiB, oldest first, and a message too large as such", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    expect(await client.ask("chat.history", { sessionKey: "nowhere" })).toMatchObject({
      sessionId: null,
      messages: [],
    });
    const mib = "x".repeat(1024 * 1024);
    await withHistory(
      stage,
      main,
      Array.from({ length: 9 }, (_unused, index) => said(`0000000${index}`, `${index}${mib}`)),
    );
    const long = await client.call("chat.history", { sessionKey: "main" });
    expect(JSON.stringify(long["payload"]).length).toBeLessThanOrEqual(limits.historyReplyBytes + 1_024);
    const payload = long["payload"] as { truncated: boolean; messages: { id: string }[] };
    expect(payload.truncated).toBe(true);
    expect(payload.messages.map(({ id }) => id)).toEqual(["00000004", "00000005", "00000006", "00000007", "00000008"]);
    const short = await client.ask("chat.history", { sessionKey: "main", maxChars: 4, limit: 1 });
    expect(JSON.stringify(short["messages"])).toContain('"text":"8xxx…"');
    await withHistory(stage, "agent:main:giant", [
      said("aaaaaaaa", "y".repeat(limits.historyReplyBytes)),
      said("bbbbbbbb", "small"),
    ]);
    const giant = await client.ask("chat.history", { sessionKey: "giant" });
    expect(giant["messages"]).toMatchObject([{ id: "aaaaaaaa", omitted: "too large" }, { id: "bbbbbbbb" }]);
    await stage.close();
  });

  it("inject writes a note that everybody hears and history keeps", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const { messageId } = await client.ask("chat.inject", {
      sessionKey: "main",
      message: "Back at five.",
      label: "Note",
    });
    const { payload } = await client.event("chat");
    expect(payload).toMatchObject({ runId: `inject-${String(messageId)}`, state: "final", sessionKey: main });
    expect(await client.ask("chat.history", { sessionKey: "main" })).toMatchObject({
      messages: [{ id: messageId, role: "assistant", content: [{ text: "[Note]\n\nBack at five." }] }],
    });
    await stage.close();
  });
});

describe("sessions", () => {
  it("C8: are listed in pages, patched, reset, deleted for good, and found by label", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    for (let index = 0; index < 25; index += 1)
      await withHistory(stage, `agent:main:s${index}`, [said("00000001", `canary-${index}`)]);
    const seen = new Set<unknown>();
    let cursor: unknown;
    do {
      const page = await client.ask("sessions.list", { limit: 10, ...(typeof cursor === "string" ? { cursor } : {}) });
      expect(page["total"]).toBe(25);
      for (const { key } of page["sessions"] as { key: string }[]) seen.add(key);
      cursor = page["nextCursor"];
    } while (cursor !== null);
    expect(seen.size).toBe(25);

    const patched = await client.ask("sessions.patch", { key: "s1", label: "Garden", thinkingLevel: "high" });
    expect(patched).toMatchObject({ entry: { label: "Garden", settings: { thinkingLevel: "high" } } });
    expect(await client.ask("sessions.resolve", { label: "Garden" })).toEqual({
      ok: true,
      key: "agent:main:s1",
      agentId: "main",
    });
    expect(errorOf(await client.call("sessions.patch", { key: "s1", model: "no/such" })).details["errorCode"]).toBe(
      "MODEL_001",
    );
    expect(errorOf(await client.call("sessions.patch", { key: "missing", label: "x" })).details["errorCode"]).toBe(
      "RPC_007",
    );
    expect(await client.ask("sessions.resolve", { key: "missing", allowMissing: true })).toEqual({ ok: false });

    const before = await client.ask("sessions.list", { search: "agent:main:s1" });
    const [row] = before["sessions"] as { sessionId: string }[];
    const reset = await client.ask("sessions.reset", { key: "s1" });
    expect(reset["sessionId"]).not.toBe(row?.sessionId);
    expect(await client.ask("chat.history", { sessionKey: "s1" })).toMatchObject({ messages: [] });

    expect(await client.ask("sessions.delete", { key: "s2" })).toEqual({
      ok: true,
      key: "agent:main:s2",
      deleted: true,
      archived: [],
    });
    expect(await client.ask("sessions.delete", { key: "s2" })).toMatchObject({ deleted: false });
    expect(JSON.stringify(await client.call("chat.history", { sessionKey: "s2" }))).not.toContain("canary-2");
    expect((await client.call("sessions.export", { key: "s2" })).ok).toBe(false);
    const preview = await client.ask("sessions.preview", { keys: ["s3", "s1", "s2"], limit: 5 });
    expect(preview["previews"]).toMatchObject([
      { key: "s3", status: "ok", items: [{ role: "user", text: "canary-3" }] },
      { key: "s1", status: "empty" },
      { key: "s2", status: "missing" },
    ]);
    const told = client.events("sessions.changed").map(({ payload }) => (payload as { change: string }).change);
    expect(told).toEqual(["patched", "reset", "deleted"]);
    await stage.close();
  });

  it("go out as lines and come back the same", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const entries = Array.from({ length: 7 }, (_unused, index) =>
      said(`0000000${index}`, `line ${index}`, index % 2 === 0 ? "user" : "assistant"),
    );
    await withHistory(stage, "agent:main:out", entries);
    const lines: string[] = [];
    let afterSeq: unknown;
    do {
      const page = await client.ask("sessions.export", {
        key: "out",
        limit: 3,
        ...(typeof afterSeq === "number" ? { afterSeq } : {}),
      });
      lines.push(...(page["lines"] as string[]));
      afterSeq = page["nextSeq"];
    } while (afterSeq !== null);
    expect(lines).toHaveLength(8);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ type: "session", version: 3 });
    expect(JSON.parse(lines[2] ?? "")).toMatchObject({ type: "message", id: "00000001", parentId: "00000000" });
    await client.ask("sessions.delete", { key: "out" });
    expect(await client.ask("sessions.import", { key: "in", lines })).toMatchObject({
      ok: true,
      key: "agent:main:in",
      entries: 7,
    });
    const back = await client.ask("sessions.export", { key: "in" });
    expect((back["lines"] as string[]).slice(1)).toEqual(lines.slice(1));
    for (const bad of [
      ["{"],
      ['{"type":"message","id":"1"}'],
      [lines[0] ?? "", "not json"],
      [lines[0] ?? "", '{"type":"virus","id":"1"}'],
    ]) {
      expect(errorOf(await client.call("sessions.import", { key: "bad", lines: bad })).details["errorCode"]).toBe(
        "RPC_003",
      );
    }
    expect((await client.call("sessions.import", { key: "in", lines })).ok).toBe(false);
    await stage.close();
  });
});

describe("channels and send", () => {
  it("C13 B14: a message goes into the outbox once per key, over a restart too", async () => {
    const first = await openStage();
    const client = await connect(first.url);
    const request = { to: "#room", message: "hello", idempotencyKey: "s1" };
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.ask("send", request)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(first.sent).toHaveLength(1);
    expect(first.sent[0]).toMatchObject({
      address: { channel: "irc", chatId: "#room", chatKind: "group" },
      state: "prepared",
    });
    await first.stop();
    const second = await openStage({ folder: first.folder });
    const again = await connect(second.url);
    expect(await again.ask("send", request)).toEqual(answers[0]);
    expect(second.sent).toEqual([]);
    expect((await second.store.outbox.counts()).prepared).toBe(1);
    expect(errorOf(await again.call("send", { ...request, message: "other" })).details["code"]).toBe(
      "chat-request-conflict",
    );
    expect(
      errorOf(await again.call("send", { ...request, channel: "pigeon", idempotencyKey: "s2" })).details["errorCode"],
    ).toBe("RPC_007");
    await second.close();
  });

  it("B14: a crash between effect and answer repeats neither", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const begin = stage.store.idempotency.complete.bind(stage.store.idempotency);
    let broken = true;
    stage.store.idempotency.complete = (...args) => (broken ? Promise.reject(new Error("killed")) : begin(...args));
    const request = { to: "#room", message: "hello", idempotencyKey: "s1" };
    expect((await client.call("send", request)).ok).toBe(false);
    broken = false;
    const { messageId } = await client.ask("send", request);
    expect((await stage.store.outbox.get(String(messageId)))?.reply.markdown).toBe("hello");
    expect((await stage.store.outbox.counts()).prepared).toBe(1);
    await stage.close();
  });

  it("C12: status shows the state; start, stop, restart and logout reach the channel, and only one that is there", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    expect(await client.ask("channels.status")).toMatchObject({
      channelOrder: ["irc"],
      channelLabels: { irc: "IRC" },
      channelAccounts: { irc: [{ accountId: "default", connected: true, healthState: "CONNECTED" }] },
    });
    for (const verb of ["start", "stop", "restart", "logout"]) {
      expect(await client.ask(`channels.${verb}`, { channel: "irc" })).toEqual({
        ok: true,
        channel: "irc",
        accountId: null,
      });
      expect(
        errorOf(await client.call(`channels.${verb}`, { channel: "irc", accountId: "other" })).details["errorCode"],
      ).toBe("RPC_007");
    }
    expect(stage.calls).toEqual(["start irc -", "stop irc -", "restart irc -", "logout irc -"]);
    await stage.close();
  });
});

describe("the house", () => {
  it("C3 C4 C9 C24: log, usage, heartbeat and events are told as they are, each event once to each operator", async () => {
    const stops: string[] = [];
    const stage = await openStage({ deps: { requestStop: (reason) => stops.push(reason) } });
    const client = await connect(stage.url);
    expect(await client.ask("logs.tail", { cursor: 5 })).toEqual({
      file: "openclaw.log",
      cursor: "7",
      lines: ["one", "two"],
      truncated: false,
    });
    expect(await client.ask("logs.tail", { maxBytes: 5 })).toMatchObject({ lines: ["two"], truncated: true });
    expect((await client.call("last-heartbeat"))["payload"]).toBeNull();
    await stage.store.documents.put("heartbeat", "last", { ts: 5, status: "ok" }, 5);
    expect(await client.ask("last-heartbeat")).toEqual({ ts: 5, status: "ok" });
    expect(await client.ask("usage.status")).toMatchObject({ total: { calls: 0, costUsd: 0 }, models: [] });
    expect(await client.ask("usage.cost", { days: 7 })).toMatchObject({
      days: 7,
      daily: [],
      totals: { totalTokens: 0 },
    });
    const others = await Promise.all([connect(stage.url), connect(stage.url)]);
    await client.ask("system-event", { text: "bell" });
    for (const other of [client, ...others])
      expect((await other.event("system-event"))["payload"]).toMatchObject({ text: "bell" });
    for (const other of others) {
      await other.ask("health");
      expect(other.events("system-event")).toHaveLength(1);
    }
    await client.ask("gateway.stop", { reason: "moving house" });
    expect(stops).toEqual(["moving house"]);
    await stage.close();
  });
});

const answeredId = "0a0b0c0d";

/** A question that somebody has answered: whoever comes now is late, by either name. */
async function answered({ store, clock }: Stage): Promise<void> {
  const atMs = clock.nowMs();
  await store.approvals.request({
    id: answeredId,
    kind: "tool",
    subject: subjectOf(actQuestion({ kind: "tool" })),
    subjectKey: "answered",
    runId: "run-1",
    sessionKey: main,
    createdMs: atMs,
    expiresMs: atMs + 60_000,
  });
  const replay = { atMs, expiresMs: atMs, admittedAfterMs: atMs };
  await store.approvals.decide(answeredId, { allow: false, by: "ann", decision: { answer: "deny" }, replay });
}

describe("older names", () => {
  let stage: Stage;
  let client: WireClient;
  beforeAll(async () => {
    stage = await openStage();
    client = await connect(stage.url);
    await withHistory(stage, main, [said("00000001", "hi")]);
    await answered(stage);
  });
  afterAll(() => stage.close());

  const table: [alias: string, params: object, canonical: string, canonicalParams: object][] = [
    [
      "chat",
      { message: "x", idempotencyKey: "al" },
      "chat.send",
      { sessionKey: "main", message: "x", idempotencyKey: "al" },
    ],
    ["sessions", {}, "sessions.list", {}],
    ["sessions.clear", { sessionKey: "main" }, "sessions.reset", { key: "main" }],
    ["config", {}, "config.get", {}],
    ["config", { key: "gateway.bind" }, "config.get", { path: "gateway.bind" }],
    [
      "config",
      { set: true, key: "session.mainKey", value: "main" },
      "config.set",
      { path: "session.mainKey", value: "main" },
    ],
    ["config.reload", {}, "config.patch", { patch: {} }],
    ["approvals.pending", {}, "exec.approval.list", {}],
    [
      "approvals.respond",
      { id: answeredId, approved: true },
      "exec.approval.resolve",
      { id: answeredId, decision: "allow-once" },
    ],
    ["sessions.messages.subscribe", { key: "main" }, "sessions.subscribe", { key: "main" }],
    ["sessions.messages.unsubscribe", { key: "main" }, "sessions.unsubscribe", { key: "main" }],
  ];

  it.each(table)("C25: %s %j answers as %s %j", async (alias, params, canonical, canonicalParams) => {
    const steady = (frame: Frame): unknown =>
      JSON.parse(
        JSON.stringify(frame["payload"] ?? errorOf(frame), (key, value: unknown) =>
          ["ts", "sessionId", "updatedAt", "hash", "version", "retryAfterMs", "status", "method"].includes(key)
            ? "moves"
            : value,
        ),
      );
    const older = await client.call(alias, params);
    const newer = await client.call(canonical, canonicalParams);
    expect(older.ok, JSON.stringify(older)).toBe(true);
    if (newer.ok === true) expect(steady(older)).toEqual(steady(newer));
  });

  it("C25: every alias is in that table", () => {
    expect(new Set(table.map(([alias]) => alias))).toEqual(new Set(aliases.map(({ alias }) => alias.name)));
  });
});
