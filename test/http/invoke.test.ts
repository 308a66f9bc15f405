/** Tools called over HTTP, through the product's own door, gate and store: what policy says counts there as in a turn. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { mintPrincipal } from "../../src/domain/authority-mint.ts";
import { limits } from "../../src/domain/limits.ts";
import type { Act } from "../../src/domain/act.ts";
import type { Config } from "../../src/config/schema/root.ts";
import { configWith, fakeCommands } from "../../src/policy/policy-world.fixture.ts";
import { createPolicy } from "../../src/policy/resolve.ts";
import type { Tool, ToolContext, ToolOutput } from "../../src/tools/contract.ts";
import { FakeClock } from "../../src/platform/fake-clock.ts";
import { chatRequest, says, type Script } from "../../src/app/way.fixture.ts";
import { startWholeGateway, wholeGatewayToken, type WholeGateway, type WholeOptions } from "./whole-gateway.ts";

const open: WholeGateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

interface Answer {
  readonly status: number;
  readonly body: {
    readonly ok: boolean;
    readonly result?: Record<string, unknown>;
    readonly error?: Record<string, unknown>;
  };
}

interface Ask {
  readonly path?: string;
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

async function invoke(gateway: WholeGateway, body: unknown, ask: Ask = {}): Promise<Answer> {
  const token = ask.token === undefined ? wholeGatewayToken : ask.token;
  const response = await fetch(`${gateway.url}${ask.path ?? "/tools/invoke"}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...ask.headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(ask.signal === undefined ? {} : { signal: ask.signal }),
  });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

interface Spied {
  readonly tool: Tool;
  readonly seen: { ran: number; planned: number; contexts: ToolContext[]; signals: AbortSignal[] };
}

function spied(name: string, act: Act, run: (context: ToolContext) => Promise<string | ToolOutput> = done): Spied {
  const seen: Spied["seen"] = { ran: 0, planned: 0, contexts: [], signals: [] };
  const tool: Tool = {
    name,
    description: "Does it.",
    inputSchema: z.object({ n: z.number().int().optional(), action: z.string().optional() }).strict(),
    effect: "unsafe",
    plan: () => {
      seen.planned += 1;
      return Promise.resolve(act);
    },
    run: (_input, context) => {
      seen.ran += 1;
      seen.contexts.push(context);
      return run(context);
    },
  };
  return { tool, seen };
}

const done = (): Promise<string> => Promise.resolve("done");
const look: Act = { kind: "look" };
const command: Act = { kind: "command", text: "make push", cwd: "/", env: {} };

async function gatewayWith(config: Config, tools: readonly Tool[], options: Partial<WholeOptions> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), "openclaw-invoke-"));
  const commands = fakeCommands();
  const policy = createPolicy({ config: () => config, commands });
  const gateway = await startWholeGateway({
    folder,
    config,
    tools,
    acting: { policy, commands: { approve: approveAll, used: () => undefined } },
    ...options,
  });
  open.push(gateway);
  return gateway;
}

const approveAll = ((planned: { argv: readonly string[]; cwd: string }) =>
  Promise.resolve({ argv: planned.argv, cwd: planned.cwd, env: {} })) as never;

const writer = mintPrincipal({ kind: "device", id: "device:w", role: "operator", scopes: ["operator.write"] });

describe("a call of a tool over HTTP", () => {
  it("D5: both paths answer; the tool gets its input, who asks and where; what came from outside is named, not wrapped", async () => {
    const from = { class: "foreign", source: "web page https://example.org/" } as const;
    const { tool, seen } = spied("lamp", look, () => Promise.resolve({ text: "It is on.", from }));
    const gateway = await gatewayWith(configWith(), [tool]);
    for (const where of ["/tools/invoke", "/api/tools/invoke"]) {
      const answer = await invoke(gateway, { tool: "lamp", args: { n: 1 }, action: "on" }, { path: where });
      expect(answer).toEqual({
        status: 200,
        body: { ok: true, result: { content: [{ type: "text", text: "It is on." }], from } },
      });
    }
    expect(seen.contexts[0]).toMatchObject({
      sessionKey: "agent:main:main",
      agentId: "main",
      origin: "invoke",
      senderId: "token:gateway",
      isOwner: true,
      command: null,
    });
    const types = gateway.way.events.map(({ type }) => type).filter((type) => /^(run|tool)\./.test(type));
    expect(types.slice(0, 5)).toEqual(["run.started", "tool.started", "tool.decided", "tool.completed", "run.ended"]);
    expect(await gateway.way.store.sessions.get("agent:main:main")).toBeNull();
  });

  it("D5: says what is wrong with a bad call, each in its own way", async () => {
    const { tool, seen } = spied("lamp", look);
    const gateway = await gatewayWith(configWith({ tools: { deny: ["secret"] } }), [tool, spied("secret", look).tool]);
    const cases: [unknown, Ask, number, string][] = [
      [{ tool: "lamp", args: { n: "x" } }, {}, 400, "invalid_request"],
      [{ tool: "lamp", args: { other: 1 } }, {}, 400, "invalid_request"],
      [{ tool: "lamp", args: [] }, {}, 400, "invalid_request"],
      [{ args: {} }, {}, 400, "invalid_request"],
      [{ tool: 7 }, {}, 400, "invalid_request"],
      ["{", {}, 400, "invalid_request"],
      ["[]", {}, 400, "invalid_request"],
      [{ tool: "nope" }, {}, 404, "not_found"],
      [{ tool: "secret" }, {}, 404, "not_found"],
      [{ tool: "lamp", sessionKey: "agent:nobody:main" }, {}, 404, "not_found"],
      [{ tool: "lamp" }, { headers: { "content-type": "text/plain" } }, 415, "invalid_request"],
      [{ tool: "lamp" }, { headers: { "idempotency-key": "k".repeat(257) } }, 400, "invalid_request"],
    ];
    for (const [body, ask, status, type] of cases) {
      const answer = await invoke(gateway, body, ask);
      expect([answer.status, answer.body.ok, answer.body.error?.["type"]], JSON.stringify(body)).toEqual([
        status,
        false,
        type,
      ]);
    }
    const wrong = await invoke(gateway, { tool: "lamp", args: { n: "x" } });
    expect(wrong.body.error).toMatchObject({ param: "args", message: expect.stringContaining("n") });
    // Whether it is there, whoever may not use it does not learn.
    const words = async (name: string) =>
      String((await invoke(gateway, { tool: name })).body.error?.["message"]).replace(name, "");
    expect(await words("secret")).toBe(await words("nope"));
    expect((await invoke(gateway, { tool: "lamp" }, { token: null })).status).toBe(401);
    expect((await invoke(gateway, { tool: "lamp" }, { token: "x".repeat(30) })).status).toBe(401);
    const get = await fetch(`${gateway.url}/tools/invoke`, {
      headers: { authorization: `Bearer ${wholeGatewayToken}` },
    });
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    expect(seen.ran).toBe(0);
  });

  it("D5: a dry run says what would be decided, and asks, tells and runs nothing", async () => {
    const exec = spied("exec", command);
    const gateway = await gatewayWith(configWith(), [exec.tool]);
    const answer = await invoke(gateway, { tool: "exec", dryRun: true });
    expect(answer).toMatchObject({ status: 200, body: { ok: true, result: { dryRun: true, effect: "ask" } } });
    expect([
      exec.seen.planned,
      exec.seen.ran,
      gateway.way.events.filter(({ type }) => /^(run|tool)\./.test(type)).length,
    ]).toEqual([1, 0, 0]);
    expect(await gateway.way.approvals.pending()).toEqual([]);
  });

  it("R030: a caller who is no administrator has the tools of a stranger, in a session of its own and no other", async () => {
    const exec = spied("exec", command);
    const time = spied("time", look);
    const gateway = await gatewayWith(configWith(), [exec.tool, time.tool], { principal: writer });
    expect((await invoke(gateway, { tool: "exec" })).status).toBe(404);
    expect((await invoke(gateway, { tool: "time" })).status).toBe(200);
    expect(time.seen.contexts[0]?.sessionKey).toBe("agent:main:openai-user:device:w:invoke");
    for (const sessionKey of ["main", "agent:main:main", "agent:main:openai-user:device:other:x"])
      expect((await invoke(gateway, { tool: "time", sessionKey })).status, sessionKey).toBe(404);
    expect([exec.seen.planned, time.seen.ran]).toEqual([0, 1]);
    const reader = mintPrincipal({ kind: "device", id: "device:r", role: "operator", scopes: ["operator.read"] });
    const second = await gatewayWith(configWith(), [time.tool], { principal: reader });
    expect((await invoke(second, { tool: "time" })).status).toBe(403);
  });

  it("D5: a failing tool is told in its own words; a caller who hangs up ends it; so does a stop in its session", async () => {
    const { promise: began, resolve } = Promise.withResolvers<AbortSignal>();
    const failing = spied("broken", look, () => Promise.reject(new Error("The lamp is gone.")));
    const slow = spied("slow", look, ({ signal }) => {
      resolve(signal);
      return new Promise(() => undefined);
    });
    const gateway = await gatewayWith(configWith(), [failing.tool, slow.tool]);
    expect(await invoke(gateway, { tool: "broken" })).toMatchObject({
      status: 500,
      body: { ok: false, error: { type: "tool_error", message: "The lamp is gone." } },
    });
    const caller = new AbortController();
    const left = invoke(gateway, { tool: "slow" }, { signal: caller.signal }).catch(() => "left");
    const signal = await began;
    caller.abort();
    expect(await left).toBe("left");
    await gateway.way.next("run.ended", ({ outcome }) => outcome === "aborted");
    expect(signal.aborted).toBe(true);
    const stopped = invoke(gateway, { tool: "slow", sessionKey: "side" });
    await gateway.way.next("tool.decided", ({ sessionKey }) => sessionKey === "agent:main:side");
    gateway.way.way.turns.abortSession("agent:main:side", "somebody said stop");
    expect(await stopped).toMatchObject({ status: 499, body: { error: { type: "aborted" } } });
    expect(gateway.way.way.turns.active()).toEqual([]);
  });

  it("D5: no more of them at once than the limit says", async () => {
    const { promise: free, resolve } = Promise.withResolvers<string>();
    const slow = spied("slow", look, () => free);
    const gateway = await gatewayWith(configWith(), [slow.tool]);
    const first = Array.from({ length: limits.invocationsAtOnce }, () => invoke(gateway, { tool: "slow" }));
    await expect.poll(() => slow.seen.ran).toBe(limits.invocationsAtOnce);
    expect((await invoke(gateway, { tool: "slow" })).status).toBe(429);
    resolve("done");
    for (const answer of await Promise.all(first)) expect(answer.status).toBe(200);
    expect((await invoke(gateway, { tool: "slow" })).status).toBe(200);
  });
});

describe("a call that needs a person's word", () => {
  const asking = async (options: Partial<WholeOptions> = {}) => {
    const exec = spied("exec", command);
    const gateway = await gatewayWith(configWith(), [exec.tool], options);
    gateway.way.approvals.listen({
      id: "test",
      reaches: () => true,
      asked: () => undefined,
      resolved: () => undefined,
    });
    return { exec, gateway };
  };
  const by = { id: "token:gateway", via: "gateway" } as const;

  it("D5: waits for the answer: a yes runs exactly what was shown, a no runs nothing", async () => {
    const { exec, gateway } = await asking();
    const yes = invoke(gateway, { tool: "exec" });
    const asked = await gateway.way.next("approval.requested");
    expect(asked.approval).toMatchObject({ tool: "exec", shown: "make push", senderId: "token:gateway" });
    expect(exec.seen.ran).toBe(0);
    await gateway.way.approvals.answer(asked.id, "allow-once", by);
    expect(await yes).toMatchObject({ status: 200, body: { ok: true } });
    expect(exec.seen.contexts[0]?.command?.argv).toEqual(["make", "push"]);
    const no = invoke(gateway, { tool: "exec" });
    const again = await gateway.way.next("approval.requested", ({ id }) => id !== asked.id);
    await gateway.way.approvals.answer(again.id, "deny", by);
    expect(await no).toMatchObject({ status: 403, body: { ok: false, error: { type: "approval_denied" } } });
    expect(exec.seen.ran).toBe(1);
  });

  it("D5: tells its caller the question after a bounded wait; the same key comes back for the answer and runs once", async () => {
    const clock = new FakeClock(1_800_000_000_000);
    const { exec, gateway } = await asking({ clock });
    const headers = { "idempotency-key": "push-1" };
    const first = invoke(gateway, { tool: "exec" }, { headers });
    const { id } = await gateway.way.next("approval.requested");
    expect((await invoke(gateway, { tool: "exec" }, { headers })).body.error?.["type"]).toBe("in_progress");
    await clock.advance(limits.httpApprovalWaitMs - 1);
    expect(exec.seen.ran).toBe(0);
    await clock.advance(1);
    expect(await first).toMatchObject({ status: 409, body: { error: { type: "approval_pending", approvalId: id } } });
    await gateway.way.approvals.answer(id, "allow-once", by);
    expect(exec.seen.ran).toBe(0);
    expect(await invoke(gateway, { tool: "exec" }, { headers })).toMatchObject({ status: 200 });
    expect(await invoke(gateway, { tool: "exec" }, { headers })).toMatchObject({ status: 200 });
    expect(exec.seen.ran).toBe(1);
    expect((await invoke(gateway, { tool: "exec", args: { n: 1 } }, { headers })).status).toBe(409);
  });

  it("D5: with nobody to ask it is refused at once", async () => {
    const exec = spied("exec", command);
    const gateway = await gatewayWith(configWith(), [exec.tool]);
    expect(await invoke(gateway, { tool: "exec" })).toMatchObject({
      status: 403,
      body: { error: { type: "approval_denied" } },
    });
    expect(exec.seen.ran).toBe(0);
  });
});

describe("a denial on every path", () => {
  const acts: Readonly<Record<string, Act>> = {
    exec: command,
    mcp__git__push: { kind: "server", server: "git", tool: "push", readOnly: true },
    lamp: look,
  };
  const names = Object.keys(acts);
  const denials: Readonly<Record<string, Parameters<typeof configWith>[0]>> = {
    deny: { tools: { deny: names } },
    allow: { tools: { allow: ["time"] } },
    channel: { tools: { byChannel: { webchat: { deny: names } } } } as never,
    agent: { agents: { list: [{ id: "main", tools: { deny: names } }] } } as never,
  };
  const paths: Readonly<Record<string, (gateway: WholeGateway, name: string) => Promise<unknown>>> = {
    "agent turn": (gateway, name) => turn(gateway, name, {}),
    "sub-agent": (gateway, name) =>
      turn(gateway, name, {
        origin: "subagent",
        born: { parentRunId: "p", parentSessionKey: "agent:main:main", depth: 1, tools: [name], taint: [] },
      }),
    "/v1/chat/completions": async (gateway, name) => {
      gateway.model(callsFirst(name));
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${wholeGatewayToken}` },
        body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "try it" }] }),
      });
      expect(response.status).toBe(200);
      await response.text();
    },
    "/tools/invoke": async (gateway, name) => expect((await invoke(gateway, { tool: name })).status).toBe(404),
    "/api/tools/invoke": async (gateway, name) =>
      expect((await invoke(gateway, { tool: name }, { path: "/api/tools/invoke" })).status).toBe(404),
    "dry run": async (gateway, name) => expect((await invoke(gateway, { tool: name, dryRun: true })).status).toBe(404),
  };

  async function turn(gateway: WholeGateway, name: string, options: Record<string, unknown>): Promise<void> {
    gateway.model(callsFirst(name));
    const request = chatRequest("try it", { options });
    await gateway.way.way.admit(request);
    await gateway.way.next("run.ended", ({ runId }) => runId === request.runId);
  }

  it.each(Object.keys(paths))("R121 D5: a tool denied by any layer runs and plans nothing: %s", async (where) => {
    for (const [layer, denial] of Object.entries(denials)) {
      const all = Object.entries(acts).map(([name, act]) => spied(name, act));
      const config = configWith(denial);
      const gateway = await gatewayWith(
        config,
        all.map(({ tool }) => tool),
      );
      for (const { tool, seen } of all) {
        await paths[where]?.(gateway, tool.name);
        expect([seen.planned, seen.ran], `${tool.name} by ${layer}`).toEqual([0, 0]);
      }
    }
  });

  it.each(Object.keys(paths))("R121: the same tools are reached there where nothing denies them: %s", async (where) => {
    if (where.includes("invoke") || where === "dry run") return;
    const { tool, seen } = spied("lamp", look);
    const config = configWith();
    const gateway = await gatewayWith(config, [tool]);
    await paths[where]?.(gateway, "lamp");
    expect(seen.ran).toBe(1);
  });
});

/** Calls it whether or not it was shown it, then gives up. */
function callsFirst(tool: string): Script {
  let calls = 0;
  return async function* (request, call, signal) {
    calls += 1;
    if (calls > 1) return yield* says("I could not.")(request, call, signal);
    yield { type: "tool-call", callId: "c1", tool, input: {} };
    yield { type: "end", reason: "tool-calls", usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 } };
  };
}
