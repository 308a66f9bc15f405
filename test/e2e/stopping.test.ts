/** A gateway that stops or is killed in the middle of its work: who waits is told, and what was accepted is done once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import { errorOf, WireClient } from "../../src/gateway/wire-client.fixture.ts";
import { configWith, newStateDir, runCommand, startGateway, type GatewayProcess } from "./gateway-process.ts";
import { ask, client, complete } from "./observe.ts";

let model: ModelEmulator;
let state: Awaited<ReturnType<typeof newStateDir>>;
let gateway: GatewayProcess;
let socket: WireClient;

beforeAll(async () => {
  model = await startModelEmulator();
});
afterAll(() => model.close());
beforeEach(async () => {
  state = await newStateDir();
  await start();
});
afterEach(async () => {
  await gateway.kill("SIGKILL");
  await state.remove();
});

async function start(): Promise<void> {
  gateway = await startGateway({ stateDir: state.stateDir, config: configWith(model.url) });
  socket = await client(gateway);
}

/** A model that says a word and then nothing more. */
function hang(): void {
  model.play({ text: "a word and nothing more", fault: { kind: "hang", afterDeltas: 2 } });
}

interface Line {
  readonly role: string;
  readonly content: readonly { readonly text: string }[];
}

async function history(): Promise<readonly (readonly string[])[]> {
  const { messages } = (await socket.ask("chat.history", { sessionKey: "main" })) as { messages: Line[] };
  return messages.map(({ role, content }) => [role, content.map(({ text }) => text).join("")]);
}

describe("SIGTERM in the middle of an answer that does not end", () => {
  it("A5 A6 C5: clients are told before they are cut, callers get an error, and the message is answered once after the next start", async () => {
    hang();
    const asked = model.count();
    await socket.ask("chat.send", { sessionKey: "main", message: "stay", idempotencyKey: "parked" });
    const [whole, streamed] = [complete(gateway, "stateless"), complete(gateway, "stateless", { stream: true })];
    await socket.event("chat");
    await model.arrived(asked + 3);
    const began = performance.now();
    const ended = gateway.kill("SIGTERM");

    // While it drains: alive, not ready, open to nobody new.
    await socket.event("shutdown");
    const drained = await ask(gateway, "GET", "/readyz");
    expect(drained.status).toBe(503);
    expect(drained.text).toContain("draining");
    expect((await ask(gateway, "GET", "/livez")).status).toBe(200);
    const refused = await socket.call("chat.send", { sessionKey: "main", message: "late", idempotencyKey: "late" });
    expect(errorOf(refused)).toMatchObject({ retryable: true, details: { errorCode: "SYS_007" } });
    const http = await complete(gateway, "late");
    expect([http.status, http.headers.get("x-openclaw-error")]).toEqual([503, "SYS_007"]);
    const late = new WireClient(gateway.url.replace("http", "ws"));
    expect((await late.closed).code).toBe(1006);

    // A stateless call has nobody to answer later: it ends with an error, a streamed one behind what it had.
    expect((await whole).status).toBe(503);
    expect((await whole).text).toContain("SYS_007");
    const pieces = (await streamed).text.split("\n\n");
    expect(pieces.slice(-3, -1).join()).toMatch(/"error":\{.*stopping.*\[DONE\]/);
    expect(await socket.closed).toEqual({ code: 1012, reason: "service restart" });
    expect(await ended).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(gateway.output()).toContain("OpenClaw is stopping.");
    expect(gateway.output()).not.toMatch(/ERROR|\n\s+at /);

    model.play({ text: "the whole answer" });
    const count = model.count();
    await start();
    expect(await socket.ask("agent.wait", { runId: "parked" })).toMatchObject({
      status: "ok",
      text: "the whole answer",
    });
    expect(await history()).toEqual([
      ["user", "stay"],
      ["assistant", "the whole answer"],
    ]);
    expect(model.count()).toBe(count + 1);
  }, 30_000);

  it("A6: a second signal ends it at once, and nothing is lost by it", async () => {
    hang();
    await socket.ask("chat.send", { sessionKey: "main", message: "stay", idempotencyKey: "hurried" });
    await socket.event("chat");
    const began = performance.now();
    const ended = gateway.kill("SIGTERM");
    await socket.event("shutdown");
    // One right behind the first is taken for the same: a terminal and npm both hand a Ctrl-C on.
    const nagging = setInterval(() => void gateway.kill("SIGTERM"), 200);
    expect(await ended).toBe("SIGKILL");
    clearInterval(nagging);
    // Well before the time that the answer would have got.
    expect(performance.now() - began).toBeLessThan(3_000);
    model.play({ text: "the whole answer" });
    await start();
    expect(await socket.ask("agent.wait", { runId: "hurried" })).toMatchObject({ text: "the whole answer" });
    expect(await history()).toHaveLength(2);
  });
});

describe("SIGKILL", () => {
  it("A6 C5: in the middle of an answer, the run's end is told after the next start, and stands once in the transcript", async () => {
    hang();
    await socket.ask("agent", { message: "stay", idempotencyKey: "killed" });
    const stateless = complete(gateway, "stateless").then(
      () => "answered",
      () => "cut",
    );
    await socket.event("chat");
    await gateway.kill("SIGKILL");
    expect(await stateless).toBe("cut");
    model.play({ text: "the whole answer" });
    await start();
    expect(await socket.ask("agent.wait", { runId: "killed" })).toMatchObject({
      status: "ok",
      text: "the whole answer",
    });
    expect(await history()).toEqual([
      ["user", "stay"],
      ["assistant", "the whole answer"],
    ]);
    const before = model.count();
    await startAgain();
    expect(await socket.ask("agent.wait", { runId: "killed" })).toMatchObject({
      status: "ok",
      text: "the whole answer",
    });
    expect(model.count()).toBe(before);
  });

  it("B14: a key that was sent five times at once, before and after it, has had one effect", async () => {
    model.play((request) => ({ text: `re: ${request.lastText}` }));
    const before = model.count();
    const calls: readonly (readonly [string, Record<string, unknown>])[] = [
      ["chat.send", { sessionKey: "main", message: "by chat", idempotencyKey: "k-chat" }],
      ["agent", { sessionKey: "main", message: "by agent", idempotencyKey: "k-agent" }],
      ["send", { channel: "webchat", to: "somebody", message: "by send", idempotencyKey: "k-send" }],
    ];
    const answers: Record<string, unknown>[] = [];
    for (const [method, params] of calls) {
      const five = await Promise.all(Array.from({ length: 5 }, () => socket.ask(method, params)));
      expect(new Set(five.map(({ runId, messageId }) => runId ?? messageId)).size).toBe(1);
      answers.push(five[0] ?? {});
      if (method !== "send") await socket.ask("agent.wait", { runId: params["idempotencyKey"] });
    }
    await startAgain();
    for (const [index, [method, params]] of calls.entries()) {
      const five = await Promise.all(Array.from({ length: 5 }, () => socket.ask(method, params)));
      for (const answer of five) {
        expect(answer["runId"]).toBe(answers[index]?.["runId"]);
        expect(answer["messageId"]).toBe(answers[index]?.["messageId"]);
        if (method !== "send") expect(answer["status"]).toBe("ok");
      }
      const other = await socket.call(method, { ...params, message: "something else" });
      expect(errorOf(other).details["errorCode"]).toBe("RPC_006");
    }
    expect(model.count() - before).toBe(2);
    // What is sent without a turn stands in the session of its chat, once.
    const said = ["by chat", "re: by chat", "by agent", "re: by agent", "by send"];
    expect((await history()).map(([, text]) => text)).toEqual(said);
  });

  async function startAgain(): Promise<void> {
    await gateway.kill("SIGKILL");
    await start();
  }
});

describe("gateway stop", () => {
  it("A5: ends it in order from the command line, waits for its end, and says so where there is none", async () => {
    const run = () =>
      runCommand(["gateway", "stop"], {
        stateDir: state.stateDir,
        env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) },
      });
    expect(await run()).toMatchObject({ code: 0, stdout: "stopped\n" });
    expect(await gateway.ended).toBe(0);
    expect((await socket.closed).code).toBe(1012);
    const again = await run();
    expect(again.code).toBe(69);
    expect(again.stderr).toMatch(/cannot be reached.*\(SYS_002\)\nStart it with: openclaw gateway run/);
  });
});
