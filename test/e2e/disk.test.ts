/** A disk that is full or refuses, under a gateway as people run it: what was accepted stays, what is new is refused by name. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rm, statfs, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { statePaths } from "../../src/config/paths.ts";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import { errorOf, type WireClient } from "../../src/gateway/wire-client.fixture.ts";
import { configWith, newStateDir, runCommand, startGateway, type GatewayProcess } from "./gateway-process.ts";
import { ask, client, complete, metric } from "./observe.ts";

const run = promisify(execFile);

let model: ModelEmulator;
let gateway: GatewayProcess;
let socket: WireClient;
/** Lets the model answer whoever waits. */
let answerAll: () => void;

beforeAll(async () => {
  model = await startModelEmulator();
});
afterAll(() => model.close());
beforeEach(() => {
  const gate = Promise.withResolvers<void>();
  answerAll = gate.resolve;
  model.play(async (request) => {
    if (request.lastText.startsWith("wait")) await gate.promise;
    return { text: `re: ${request.lastText}` };
  });
});
afterEach(() => gateway.kill("SIGKILL"));

async function start(stateDir: string): Promise<void> {
  gateway = await startGateway({ stateDir, config: configWith(model.url) });
  socket = await client(gateway);
}

async function ready(): Promise<{ status: number; failing: readonly string[] }> {
  const { status, text } = await ask(gateway, "GET", "/readyz");
  return { status, failing: (JSON.parse(text) as { failing: string[] }).failing };
}

/** Messages that are answered but cannot be kept, messages that cannot be taken, and both once there is room again. */
async function expectRefusalsAndRecovery(
  [code, status]: readonly [string, number],
  takeRoom: () => Promise<void>,
  giveRoom: () => Promise<void>,
): Promise<void> {
  await socket.ask("chat.send", { sessionKey: "main", message: "before", idempotencyKey: "before" });
  expect(await socket.ask("agent.wait", { runId: "before" })).toMatchObject({ text: "re: before" });
  const asked = model.arrived();
  await socket.ask("chat.send", { sessionKey: "main", message: "wait for me", idempotencyKey: "accepted" });
  await asked;
  await takeRoom();
  answerAll();

  const refused = errorOf(
    await socket.call("chat.send", { sessionKey: "other", message: "new", idempotencyKey: "refused" }),
  );
  expect(refused).toMatchObject({ code: "UNAVAILABLE", retryable: true, details: { errorCode: code } });
  // Where the files lie is for the log alone.
  expect(JSON.stringify(refused)).not.toContain("openclaw.sqlite");
  const http = await complete(gateway, "new");
  expect(http.text).not.toContain("openclaw.sqlite");
  expect(http.status).toBe(status);
  expect(http.headers.get("x-openclaw-error")).toBe(code);
  expect(await ready()).toEqual({ status: 503, failing: [`store: ${code}`] });
  expect((await ask(gateway, "GET", "/healthz")).status).toBe(200);
  const patched = await socket.call("config.set", { path: "agents.defaults.timeoutSeconds", value: 99 });
  if (patched.ok !== true) expect(errorOf(patched).details["errorCode"]).toBe("CFG_007");
  // What was read before is read still.
  const { messages } = await socket.ask("chat.history", { sessionKey: "main" });
  expect(JSON.stringify(messages)).toContain("re: before");

  await giveRoom();
  expect(await socket.ask("agent.wait", { runId: "accepted", timeoutMs: 15_000 })).toMatchObject({
    status: "ok",
    text: "re: wait for me",
  });
  await expect.poll(ready).toEqual({ status: 200, failing: [] });
  // The same key again: what was refused was not half taken.
  expect(
    await socket.ask("chat.send", { sessionKey: "other", message: "new", idempotencyKey: "refused" }),
  ).toMatchObject({
    status: "started",
  });
  expect(await socket.ask("agent.wait", { runId: "refused" })).toMatchObject({ text: "re: new" });
  expect((await complete(gateway, "again")).status).toBe(200);
  const kept = JSON.stringify((await socket.ask("chat.history", { sessionKey: "main" }))["messages"]);
  expect(kept.match(/re: wait for me/g)).toHaveLength(1);
  expect(gateway.output()).not.toMatch(/SYS_001|uncaught|unhandled/i);
}

describe("a full disk", () => {
  let mounted: string;
  let canMount = false;

  beforeAll(async () => {
    mounted = await mkdtemp(path.join(tmpdir(), "openclaw-full-"));
    canMount = await run("mount", ["-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", mounted]).then(
      () => true,
      () => false,
    );
  });
  afterAll(async () => {
    if (canMount) await run("umount", ["-l", mounted]);
    await rm(mounted, { recursive: true, force: true });
  });

  it("D1: keeps what was accepted, refuses what is new by name, and goes on when there is room", async (context) => {
    if (!canMount) context.skip("mounting a small disk needs the right to mount");
    await start(path.join(mounted, "state"));
    const filler = path.join(mounted, "filler");
    await expectRefusalsAndRecovery(
      ["STORE_002", 507],
      () => fill(filler),
      () => unlink(filler),
    );
  }, 30_000);

  it("D1: a gateway that starts on it says so, and one that is killed on it loses nothing", async (context) => {
    if (!canMount) context.skip("mounting a small disk needs the right to mount");
    const stateDir = path.join(mounted, "second");
    await start(stateDir);
    const asked = model.arrived();
    await socket.ask("chat.send", { sessionKey: "main", message: "wait for me", idempotencyKey: "accepted" });
    await asked;
    const filler = path.join(mounted, "filler");
    await fill(filler);
    await gateway.kill("SIGKILL");
    const failed = await startGateway({ stateDir }).then(
      (started) => started,
      (error: Error) => error,
    );
    if (failed instanceof Error) expect(failed.message).toMatch(/ended \(1\)[\s\S]*STORE_002/);
    else await failed.kill("SIGKILL");
    await unlink(filler);
    answerAll();
    gateway = await startGateway({ stateDir });
    socket = await client(gateway);
    expect(await socket.ask("agent.wait", { runId: "accepted" })).toMatchObject({ text: "re: wait for me" });
  }, 30_000);
});

describe("a disk that refuses to write", () => {
  it("D1: is a store that cannot be written for a while, not the gateway's end", async (context) => {
    const limit = (size: string): Promise<unknown> => run("prlimit", ["--pid", String(gateway.pid), `--fsize=${size}`]);
    const state = await newStateDir();
    try {
      await start(state.stateDir);
      const works = await limit("unlimited:unlimited").then(
        () => true,
        () => false,
      );
      if (!works) context.skip("setting a limit on a process needs prlimit");
      await expectRefusalsAndRecovery(
        ["STORE_001", 503],
        async () => void (await limit("4096:unlimited")),
        async () => void (await limit("unlimited:unlimited")),
      );
    } finally {
      await state.remove();
    }
  }, 30_000);
});

describe("a store whose file is damaged", () => {
  it("D1: fails by name wherever it is asked, and neither ends the gateway nor keeps it from ending", async () => {
    const state = await newStateDir();
    try {
      await start(state.stateDir);
      for (let count = 0; count < 20; count += 1) {
        await socket.ask("chat.send", { sessionKey: "main", message: "x".repeat(2_000), idempotencyKey: `k${count}` });
        await socket.ask("agent.wait", { runId: `k${count}` });
      }
      // What was written moves into the file with the end, and is read from there.
      await gateway.kill("SIGTERM");
      await start(state.stateDir);
      const { storeFile } = statePaths(state.stateDir);
      const file = await open(storeFile, "r+");
      const { size } = await file.stat();
      await file.write(Buffer.alloc(size - 4_096, 0x5a), 0, size - 4_096, 4_096);
      await file.close();

      const send = { sessionKey: "main", message: "new", idempotencyKey: "new" };
      const calls: readonly (readonly [string, object])[] = [
        ["chat.history", { sessionKey: "main" }],
        ["sessions.list", {}],
        ["chat.send", send],
      ];
      for (const [method, params] of calls)
        expect(errorOf(await socket.call(method, params)).details["errorCode"], method).toBe("STORE_001");
      expect((await complete(gateway, "new")).status).toBe(503);
      expect(await ready()).toEqual({ status: 503, failing: ["store: STORE_001"] });
      expect((await ask(gateway, "GET", "/healthz")).status).toBe(200);
      expect(await metric(gateway, "openclaw_store_up")).toBe(0);
      expect(await metric(gateway, "openclaw_turns_active")).toBe(0);
      expect(await gateway.kill("SIGTERM")).toBe(0);

      const again = await runCommand(["gateway", "run", "--port", "0"], { stateDir: state.stateDir });
      expect(again).toMatchObject({ code: 1 });
      expect(again.stderr).toMatch(/malformed.*openclaw\.sqlite.*\(STORE_001\)/);
    } finally {
      await state.remove();
    }
  });
});

/** To the last block, whatever the file system holds back. */
async function fill(file: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const { bavail, bsize } = await statfs(path.dirname(file));
  await writeFile(file, Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOSPC") throw error;
  });
  for (let size = 4_096; size > 0; size = Math.floor(size / 2))
    await writeFile(file, Buffer.alloc(size), { flag: "a" }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOSPC") throw error;
    });
}
