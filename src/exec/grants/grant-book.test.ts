/** What was allowed for good: kept in the store, taken over from a file, written to one, by one change at a time. */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "../../domain/limits.ts";
import { createWorld, type World } from "../world.fixture.ts";
import type { ApprovalsFile } from "./approvals-file.ts";
import { exactPattern, isUsablePattern, matchesPattern } from "./path-pattern.ts";

let world: World;

beforeEach(async () => {
  world = await createWorld();
});

afterEach(() => world.close());

const filePath = (): string => `${world.stateDir}/exec-approvals.json`;
const by = { by: "telegram:123", atMs: 1_000, expiresMs: null };

async function file(desk = world.desk): Promise<ApprovalsFile> {
  return (await desk.approvals.get()).file as ApprovalsFile;
}

async function put(value: unknown): Promise<void> {
  const { hash, exists } = await world.desk.approvals.get();
  await world.desk.approvals.set(value, exists ? hash : null);
}

async function effect(line: string, desk = world.desk): Promise<string> {
  const act = { kind: "command" as const, text: line, cwd: world.workspace, env: {} };
  return (await desk.judge({ agentId: "main", act, taint: [], sandboxed: false, workspace: world.workspace })).effect;
}

/** As another home has it. */
const foreign = {
  version: 1,
  socket: { path: "/run/x.sock", token: "secret-token" },
  defaults: { security: "allowlist", ask: "on-miss", askFallback: "deny", autoAllowSkills: false },
  agents: {
    main: {
      security: "allowlist",
      allowlist: [
        {
          id: "a",
          pattern: "/USR/bin/L?",
          lastUsedAt: 1_700_000_000_000,
          lastUsedCommand: "ls -la",
          lastResolvedPath: "/usr/bin/ls",
        },
        { pattern: "rg" },
        { pattern: "/usr/bin/../bin/cat" },
      ],
      somethingNewer: true,
    },
  },
};

test("P10: a file of another home is taken over once, with what we do not know of it, and lines that name no path allow nothing", async () => {
  await writeFile(filePath(), JSON.stringify(foreign));
  await world.desk.start();
  expect([await effect("ls -la"), await effect("cat x")]).toEqual(["allow", "ask"]);
  const known = await file();
  expect(known.agents["main"]).toMatchObject({ somethingNewer: true });
  expect(known.agents["main"]?.allowlist?.map(({ id }) => typeof id)).toEqual(["string", "string", "string"]);
  expect(world.logged.map(({ level, message }) => [level, message])).toEqual([
    ["info", "exec-approvals.json was taken over"],
    ["warn", "lines of exec-approvals.json name no absolute path and allow nothing"],
  ]);
  await writeFile(filePath(), JSON.stringify({ version: 1, agents: {} }));
  expect(await effect("ls", world.open())).toBe("allow");
  // Lines that allow nothing do not keep anybody from changing the others.
  await put(known);
  expect((await file()).agents["main"]?.allowlist).toHaveLength(3);
});

test.each([
  ["no JSON", "{ version: 1"],
  ["of another version", JSON.stringify({ version: 2, agents: {} })],
  ["of another shape", JSON.stringify({ version: 1, agents: { main: { security: "everything" } } })],
  ["empty", ""],
  ["a list", "[]"],
])("P10: a file that is %s is a warning; nothing of it is in force and it stays as it was", async (_what, text) => {
  await writeFile(filePath(), text);
  await world.desk.start();
  expect(await effect("ls")).toBe("ask");
  expect(world.logged).toContainEqual(
    expect.objectContaining({ level: "warn", message: expect.stringContaining("cannot be read") }),
  );
  expect(await readFile(filePath(), "utf8")).toBe(text);
  expect(await world.desk.approvals.get()).toMatchObject({ exists: false });
});

test("P10: so is one that is no file, or larger than its limit by a byte", async () => {
  await mkdir(filePath());
  await world.desk.start();
  expect(world.logged.map(({ level }) => level)).toEqual(["warn"]);
  const other = await createWorld();
  const text = JSON.stringify({ version: 1, agents: {} });
  await writeFile(`${other.stateDir}/exec-approvals.json`, text.padEnd(limits.execApprovalsBytes));
  await other.desk.start();
  expect(other.logged.map(({ level }) => level)).toEqual(["info"]);
  const third = await createWorld();
  await writeFile(`${third.stateDir}/exec-approvals.json`, text.padEnd(limits.execApprovalsBytes + 1));
  await third.desk.start();
  expect(third.logged.map(({ level }) => level)).toEqual(["warn"]);
  await Promise.all([other.close(), third.close()]);
});

test("P10: what is written is for its owner alone, whole, and reads as what it was; the token stays in it and goes nowhere else", async () => {
  await writeFile(filePath(), JSON.stringify(foreign), { mode: 0o666 });
  await world.desk.start();
  await world.desk.grant("main", { pattern: "/usr/bin/echo", argv: ["hello"], says: "" }, by);
  expect(await world.desk.approvals.export()).toBe(filePath());
  expect((await stat(filePath())).mode & 0o777).toBe(0o600);
  const written = JSON.parse(await readFile(filePath(), "utf8"));
  expect(written.socket).toEqual(foreign.socket);
  expect(written.agents.main.allowlist.at(-1)).toMatchObject({
    pattern: "/usr/bin/echo",
    argv: ["hello"],
    by: "telegram:123",
  });
  expect(JSON.stringify(await world.desk.approvals.get())).not.toContain("secret-token");
  const again = await createWorld();
  await writeFile(`${again.stateDir}/exec-approvals.json`, JSON.stringify(written));
  await again.desk.start();
  expect(await again.desk.approvals.get()).toMatchObject({ file: { agents: written.agents } });
  await again.close();
});

test("P10: it is replaced only by whoever has seen what it is now, and the token need not be sent back", async () => {
  await put(foreign.agents && { ...foreign, agents: {} });
  const seen = await world.desk.approvals.get();
  await world.desk.grant("main", { pattern: "/usr/bin/echo", argv: null, says: "" }, by);
  await expect(world.desk.approvals.set({ version: 1, agents: {} }, seen.hash)).rejects.toMatchObject({
    code: "CFG_005",
  });
  await expect(world.desk.approvals.set({ version: 1, agents: {} }, null)).rejects.toMatchObject({ code: "CFG_005" });
  const now = await world.desk.approvals.get();
  await world.desk.approvals.set(now.file, now.hash);
  await world.desk.approvals.export();
  expect(JSON.parse(await readFile(filePath(), "utf8")).socket.token).toBe("secret-token");
});

test("P10: two who change it at once: one is told", async () => {
  await put({ version: 1, agents: {} });
  const { hash } = await world.desk.approvals.get();
  const both = await Promise.allSettled(
    ["a", "b"].map((id) => world.desk.approvals.set({ version: 1, agents: { [id]: { ask: "always" } } }, hash)),
  );
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
});

test.each([
  ["a bare name", { pattern: "git" }],
  ["a relative path", { pattern: "./git" }],
  ["a way up", { pattern: "/usr/bin/../../home/x" }],
  ["everything", { pattern: "/**" }],
  ["everything in two", { pattern: "/*/*" }],
  ["a character that hides", { pattern: "/usr/bin/\u202Etig" }],
  ["nothing", { pattern: "" }],
  ["words that are no words", { pattern: "/usr/bin/git", argv: "status" }],
])("R111: a line for %s is refused", async (_what, entry) => {
  await expect(put({ version: 1, agents: { main: { allowlist: [entry] } } })).rejects.toMatchObject({
    code: "RPC_003",
  });
  if (typeof entry.pattern === "string" && entry.pattern !== "" && !("argv" in entry)) {
    await expect(world.desk.grant("main", { pattern: entry.pattern, argv: null, says: "" }, by)).rejects.toMatchObject({
      code: "RPC_003",
    });
  }
});

test("P6: what a person allowed for good is there after a restart, for these words and this agent alone", async () => {
  const verdict = await world.judge("echo 'a b'");
  if (verdict.effect !== "ask" || verdict.always === null) throw new Error(verdict.where);
  await world.desk.grant("main", verdict.always, by);
  const next = world.open();
  expect([
    await effect("echo 'a b'", next),
    await effect('echo "a b"', next),
    await effect("echo a b", next),
    await effect("echo", next),
  ]).toEqual(["allow", "allow", "ask", "ask"]);
  expect((await world.judge("echo 'a b'", { agentId: "other" })).effect).toBe("ask");
  await world.desk.grant("main", verdict.always, by);
  expect((await file()).agents["main"]?.allowlist).toHaveLength(1);
});

test("P6: until its time is over, to the millisecond", async () => {
  await world.desk.grant(
    "main",
    { pattern: "/usr/bin/echo", argv: ["x"], says: "" },
    { ...by, expiresMs: world.clock.nowMs() + 1_000 },
  );
  await world.clock.advance(999);
  expect(await effect("echo x")).toBe("allow");
  await world.clock.advance(1);
  expect(await effect("echo x")).toBe("ask");
});

test("P6: its last use is kept, a little later and at the end, and is no change that an editor has to know of", async () => {
  await put({
    version: 1,
    agents: {
      main: { allowlist: [{ id: "a", pattern: "/usr/bin/ls" }] },
      "*": { allowlist: [{ id: "b", pattern: "/usr/bin/echo" }] },
    },
  });
  const before = await world.desk.approvals.get();
  for (const line of ["ls -la", "echo x"]) {
    const verdict = await world.judge(line);
    if (verdict.effect !== "allow") throw new Error(verdict.where);
    world.desk.used("main", verdict.command);
  }
  await world.clock.advance(limits.grantUseWriteMs - 1);
  expect((await file()).agents["main"]?.allowlist?.[0]?.lastUsedAt).toBeUndefined();
  await world.clock.advance(1);
  await world.desk.close();
  expect((await file(world.open())).agents).toMatchObject({
    main: {
      allowlist: [
        {
          lastUsedAt: world.clock.nowMs() - limits.grantUseWriteMs,
          lastUsedCommand: "ls -la",
          lastResolvedPath: "/usr/bin/ls",
        },
      ],
    },
    "*": { allowlist: [{ lastUsedCommand: "echo x" }] },
  });
  expect((await world.desk.approvals.get()).hash).toBe(before.hash);
  await world.desk.approvals.set(before.file, before.hash);
  expect((await file()).agents["main"]?.allowlist?.[0]).toMatchObject({ lastUsedCommand: "ls -la" });
  const verdict = await world.judge("ls");
  if (verdict.effect !== "allow") throw new Error(verdict.where);
  world.desk.used("main", verdict.command);
  await new Promise((resolve) => setImmediate(resolve));
  await world.desk.close();
  expect((await file(world.open())).agents["main"]?.allowlist?.[0]).toMatchObject({ lastUsedCommand: "ls" });
});

test("P6: a list has an end", async () => {
  const allowlist = Array.from({ length: limits.commandGrants - 1 }, (_, index) => ({ pattern: `/usr/bin/x${index}` }));
  await put({ version: 1, agents: { main: { allowlist } } });
  await world.desk.grant("main", { pattern: "/usr/bin/y", argv: null, says: "" }, by);
  await expect(world.desk.grant("main", { pattern: "/usr/bin/z", argv: null, says: "" }, by)).rejects.toMatchObject({
    code: "RPC_003",
  });
});

test("P6: patterns: a star stays in its folder, two do not, case does not matter, and every other sign means itself", () => {
  const home = "/home/ada";
  const matches: readonly (readonly [string, string, boolean])[] = [
    ["/usr/bin/*", "/usr/bin/git", true],
    ["/usr/bin/*", "/usr/bin/sub/git", false],
    ["/usr/**/git", "/usr/bin/sub/git", true],
    ["/usr/**/git", "/usr/git", true],
    ["/usr/**", "/usr/a/b", true],
    ["/usr/bin/g?t", "/usr/bin/git", true],
    ["/usr/bin/g?t", "/usr/bin/g/t", false],
    ["/USR/bin/GIT", "/usr/bin/git", true],
    ["/usr/bin/git", "/usr/bin/git2", false],
    ["/usr/bin/git", "/x/usr/bin/git", false],
    ["/opt/a+b (1)/x", "/opt/a+b (1)/x", true],
    ["/opt/a.b/x", "/opt/aXb/x", false],
    ["/opt/[ab]/x", "/opt/a/x", false],
    ["~/bin/*", "/home/ada/bin/x", true],
    ["~/bin/*", "/home/eve/bin/x", false],
    ["~/bin/../../*", "/home/x", false],
  ];
  for (const [pattern, file, expected] of matches)
    expect([pattern, file, matchesPattern(pattern, file, home)]).toEqual([pattern, file, expected]);
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[^/\0*?]{1,8}$/), { minLength: 1, maxLength: 4 }), (parts) => {
      const real = `/${parts.join("/")}`;
      const pattern = exactPattern(real);
      if (pattern === null) return;
      expect(isUsablePattern(pattern)).toBe(true);
      expect(matchesPattern(pattern, real, home)).toBe(true);
      expect(matchesPattern(pattern, `${real}x`, home)).toBe(false);
    }),
  );
});
