/** Local approvers: who gets in, what is told to them, and that nothing that was seen once counts again. */
import { chmod, lstat, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { systemIds } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import type { ApprovalView } from "../contract.ts";
import { openDesk, question, type DeskWorld } from "../world.fixture.ts";
import { connectLocalApprover } from "./client.ts";
import { sign, type GatewayLine, type Wish } from "./lines.ts";
import { prepare, privatePlace } from "./private-place.ts";
import { createApprovalSocket, type ApprovalSocket } from "./socket.ts";

let world: DeskWorld;
let stateDir: string;
let door: ApprovalSocket;
const sockets: Socket[] = [];

beforeEach(async () => {
  world = await openDesk();
  stateDir = await mkdtemp(path.join(tmpdir(), "oc-"));
  door = makeDoor();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await door.close();
  await world.close();
  await rm(stateDir, { recursive: true, force: true });
});

const place = () => privatePlace(stateDir, "linux");

function makeDoor(): ApprovalSocket {
  const { desk, clock } = world;
  return createApprovalSocket({ stateDir, platform: "linux", desk, clock, ids: systemIds(), log: silentLog() });
}

/** A program that says what a test wants, and keeps every line that it is told. */
async function program() {
  const socket = connect(place().address);
  sockets.push(socket);
  const lines: GatewayLine[] = [];
  let closed = false;
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("error", () => undefined);
  socket.once("close", () => (closed = true));
  socket.on("data", (data: string) => {
    const whole = `${rest}${data}`.split("\n");
    rest = whole.pop() ?? "";
    lines.push(...whole.map((line) => JSON.parse(line) as GatewayLine));
  });
  await expect.poll(() => lines.length).toBe(1);
  const [hello] = lines;
  const nonce = hello?.type === "hello" ? hello.nonce : "none";
  return {
    lines,
    nonce,
    closed: () => closed,
    raw: (line: string) => socket.write(`${line}\n`),
    say(token: string, seq: number, wish: Wish | object, boundTo = nonce) {
      const body = JSON.stringify(wish);
      const line = JSON.stringify({ seq, body, mac: sign(token, boundTo, { seq, body }) });
      socket.write(`${line}\n`);
      return line;
    },
  };
}

const token = async () => (await readFile(place().tokenFile, "utf8")).trim();

async function openQuestion(): Promise<string> {
  const asked = await world.desk.ask(question());
  expect(asked.state).toBe("open");
  return asked.id ?? "none";
}

describe("a program with the token", () => {
  it("P8: is told what is open and what comes, answers it, and is told of other answers", async () => {
    await door.start();
    // Nobody watches yet: then nobody can be asked.
    expect(await world.desk.ask(question())).toMatchObject({ why: "nobody-to-ask" });
    const approver = await connectLocalApprover(stateDir, "linux");
    const asked: ApprovalView[] = [];
    const resolved: unknown[] = [];
    await approver.watch({
      asked: (approval) => void asked.push(approval),
      resolved: (id, state, by) => void resolved.push([id, state, by]),
    });
    const id = await openQuestion();
    await expect.poll(() => asked).toMatchObject([{ id, shown: "git status && rm -rf ./built", state: "open" }]);
    const later = await connectLocalApprover(stateDir, "linux");
    const seen: string[] = [];
    await later.watch({ asked: (approval) => void seen.push(approval.id), resolved: () => undefined });
    await expect.poll(() => seen).toEqual([id]);
    expect(await later.answer(id, "allow-once")).toEqual({ outcome: "decided", state: "allowed" });
    await expect.poll(() => resolved).toEqual([[id, "allowed", "local"]]);
    expect(await approver.answer(id, "deny")).toEqual({ outcome: "late", state: "allowed" });
    expect(await approver.answer("00000000", "deny")).toEqual({ outcome: "unknown", state: null });
    expect(await world.store.approvals.get(id)).toMatchObject({ state: "allowed", decidedBy: "local" });
    approver.close();
    later.close();
    let call = 0;
    const next = () => world.desk.ask(question({ callId: `next-${(call += 1)}` }));
    await expect.poll(async () => (await next()).state).toBe("denied");
  });

  it("P8: finds folder, token and socket closed to everybody else, and the same token after a restart", async () => {
    await door.start();
    const modes = await Promise.all(
      [stateDirApprovals(), place().tokenFile, place().address].map((where) => lstat(where)),
    );
    expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o700, 0o600, 0o600]);
    const before = await token();
    await door.close();
    door = makeDoor();
    await door.start();
    expect(await token()).toBe(before);
    (await connectLocalApprover(stateDir, "linux")).close();
  });
});

describe("a program that is not to be trusted", () => {
  const refusals = () => ({ type: "refused", why: expect.any(String) });

  it("P8: with a wrong token decides nothing, hears nothing and is gone", async () => {
    await door.start();
    const good = await connectLocalApprover(stateDir, "linux");
    await good.watch({ asked: () => undefined, resolved: () => undefined });
    const id = await openQuestion();
    for (const wish of [{ do: "watch" }, { do: "answer", id, decision: "allow-once" }]) {
      const eve = await program();
      eve.say("a token that somebody made up, long enough", 1, wish);
      await expect.poll(eve.closed).toBe(true);
      expect(eve.lines.slice(1)).toEqual([refusals()]);
    }
    expect((await world.desk.find(id))?.state).toBe("open");
    good.close();
  });

  it("P8: that repeats what it overheard decides nothing, on the same connection and on another", async () => {
    await door.start();
    const good = await program();
    const secret = await token();
    good.say(secret, 1, { do: "watch" });
    await expect.poll(() => good.lines.length).toBe(2);
    const [first, second] = [await openQuestion(), (await world.desk.ask(question({ callId: "b" }))).id ?? ""];
    const heard = good.say(secret, 2, { do: "answer", id: first, decision: "deny" });
    await expect.poll(async () => (await world.desk.find(first))?.state).toBe("denied");
    // Word for word on a connection of its own: it is bound to another greeting.
    const eve = await program();
    eve.raw(heard);
    await expect.poll(eve.closed).toBe(true);
    const third = await program();
    third.raw(heard.replace('"seq":2', '"seq":1'));
    await expect.poll(third.closed).toBe(true);
    const fourth = await program();
    fourth.say(secret, 1, { do: "answer", id: second, decision: "allow-once" }, good.nonce);
    await expect.poll(fourth.closed).toBe(true);
    // And on the very connection on which it was good once.
    good.raw(heard);
    await expect.poll(good.closed).toBe(true);
    for (const program of [eve, third, fourth, good]) expect(program.lines.at(-1)).toEqual(refusals());
    expect((await world.desk.find(second))?.state).toBe("open");
  });

  it("P8: that speaks no sense is cut off: no JSON, another shape, an unknown wish, a line without end", async () => {
    await door.start();
    const secret = await token();
    const bad: ((eve: Awaited<ReturnType<typeof program>>) => unknown)[] = [
      (eve) => eve.raw("GET / HTTP/1.1"),
      (eve) => eve.raw("null"),
      (eve) => eve.raw('{"seq":1,"body":"{}","mac":"00"}'),
      (eve) => eve.say(secret, 0, { do: "watch" }),
      (eve) => eve.say(secret, 2, { do: "watch" }),
      (eve) => eve.say(secret, 1, { do: "run", command: "id" }),
      (eve) => eve.say(secret, 1, { do: "answer", id: "x", decision: "allow-everything" }),
      (eve) => eve.raw("x".repeat(limits.approvalLineBytes + 1)),
    ];
    for (const speak of bad) {
      const eve = await program();
      speak(eve);
      await expect.poll(eve.closed).toBe(true);
      expect(eve.lines.at(-1)).toEqual(refusals());
    }
    const patient = await program();
    await world.clock.advance(limits.handshakeTimeoutMs);
    await expect.poll(patient.closed).toBe(true);
  });

  it("P8: takes a line of just the longest length, and only so many programs at once", async () => {
    await door.start();
    const eve = await program();
    eve.raw(`{"seq":1,"body":"{}","mac":"00"}`.padEnd(limits.approvalLineBytes, " "));
    await expect.poll(() => eve.lines.at(-1)).toEqual({ type: "refused", why: "that is no request" });
    await expect.poll(eve.closed).toBe(true);
    for (let count = 0; count < limits.localApprovers; count += 1) await program();
    const late = connect(place().address);
    sockets.push(late);
    await expect.poll(() => late.destroyed).toBe(true);
  });
});

describe("a place that others can reach", () => {
  const refused = (words: RegExp) => ({ code: "CFG_007", message: expect.stringMatching(words) });

  it("P8: is refused at start: an open folder, an open token, an open socket", async () => {
    await prepare(place(), systemIds());
    await chmod(place().folder, 0o755);
    await expect(door.start()).rejects.toMatchObject(refused(/Others can reach .*approvals \(mode 0755\): chmod 700/));
    await chmod(place().folder, 0o700);
    await chmod(place().tokenFile, 0o644);
    await expect(door.start()).rejects.toMatchObject(refused(/token \(mode 0644\): delete it/));
    await chmod(place().tokenFile, 0o600);
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(place().address, resolve));
    await chmod(place().address, 0o666);
    await expect(door.start()).rejects.toMatchObject(refused(/exec-approvals\.sock \(mode 0666\): delete it/));
    await expect(connectLocalApprover(stateDir, "linux")).rejects.toMatchObject({ code: "CFG_007" });
    await new Promise<void>((resolve) => squatter.close(() => resolve()));
  });

  it("P8: is refused where what stands there is something else: a link, a file, a token that is none", async () => {
    await prepare(place(), systemIds());
    await symlink("/tmp", place().address);
    await expect(door.start()).rejects.toMatchObject(refused(/is no socket: remove it/));
    await rm(place().address);
    await writeFile(place().address, "", { mode: 0o600 });
    await expect(door.start()).rejects.toMatchObject(refused(/is no socket/));
    await rm(place().address);
    await writeFile(place().tokenFile, "short\n", { mode: 0o600 });
    await expect(door.start()).rejects.toMatchObject(refused(/holds no token/));
  });

  it("P8: is refused where the path is too long for a socket, instead of opening another one", async () => {
    const deep = path.join(stateDir, "d".repeat(100));
    await expect(prepare(privatePlace(deep, "linux"), systemIds())).rejects.toMatchObject(refused(/too long/));
  });

  it.runIf(process.getuid?.() === 0)("P8: is refused where it belongs to another user", async () => {
    const { chown } = await import("node:fs/promises");
    await prepare(place(), systemIds());
    await chown(place().tokenFile, 65_534, 65_534);
    await expect(door.start()).rejects.toMatchObject(refused(/belongs to another user/));
  });

  it("P8: there is nobody where no gateway listens", async () => {
    await expect(connectLocalApprover(stateDir, "linux")).rejects.toMatchObject({ code: "SYS_002" });
  });

  it("P8: on Windows it is a pipe of this state directory's own", () => {
    const [one, other] = [privatePlace("C:\\a", "win32"), privatePlace("C:\\b", "win32")];
    expect(one.address).toMatch(/^\\\\\.\\pipe\\openclaw-approvals-[0-9a-f]{16}$/);
    expect(other.address).not.toBe(one.address);
  });
});

function stateDirApprovals(): string {
  return place().folder;
}
