/** What must not run and does not: a list of attempts under the widest allow-list there can be, and lines by chance. */
import { access, chmod, readdir } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../platform/subprocess.ts";
import { bypasses } from "./fixtures/bypasses.ts";
import { readLine } from "./parse.ts";
import { bindingOf } from "./plan.ts";
import { createWorld, type World } from "./world.fixture.ts";

let world: World;

/** Everything in the system's folders, with any words: what an import can bring at worst. */
const everything = {
  version: 1,
  agents: { main: { allowlist: ["/usr/bin/*", "/bin/*"].map((pattern) => ({ pattern })) } },
};

beforeAll(async () => {
  world = await createWorld();
  await world.desk.approvals.set(everything, null);
  for (const name of ["git", "x.sh", "x.bat", "x.cmd", "X.BAT.", "link-target"]) {
    await world.program(path.join(world.workspace, name), "#!/bin/sh\ntouch CANARY\n");
  }
  await world.link("link-target", "link-to-git-here");
  for (const name of ["x", "y", "x.py", "x.mk", "x.c", "x.js"]) await world.file(name, "touch CANARY\n");
  await world.repository();
  await world.program(path.join(world.root, "open", "hijacked"), "#!/bin/sh\ntouch CANARY\n");
  await chmod(path.join(world.root, "open"), 0o777);
  await chmod(await world.program("writable"), 0o777);
  world.rules.host = {
    ...world.rules.host,
    PATH: `${world.workspace}:${world.root}/open:.:${world.bin}:/usr/bin:/bin`,
  };
});

afterAll(() => world.close());

/** Runs what is allowed, as it would be run. */
async function obey(line: string): Promise<string> {
  const verdict = await world.judge(line);
  if (verdict.effect !== "allow") return verdict.effect;
  const { argv, cwd, env } = await world.desk.approve(verdict.command);
  await run(argv, { cwd, env, timeoutMs: 5_000, maxOutputBytes: 1_000_000 }).catch(
    () => "it was started: that is enough",
  );
  return "allow";
}

async function hasCanary(): Promise<boolean> {
  const places = [path.join(world.workspace, "CANARY"), path.join(world.root, "CANARY"), "CANARY"];
  return (
    await Promise.all(
      places.map((place) =>
        access(place).then(
          () => true,
          () => false,
        ),
      ),
    )
  ).includes(true);
}

describe.each(Object.entries(bypasses))("P12 R108 R109 R110 R111 R112 R123: attempts by %s", (family, attempts) => {
  test("none is allowed, and none makes its file", async () => {
    const allowed: string[] = [];
    for (const [line, note] of attempts) if ((await obey(line)) === "allow") allowed.push(`${note}: ${line}`);
    expect(allowed).toEqual([]);
    expect(await hasCanary()).toBe(false);
    expect(family).not.toBe("");
  });
});

test("P12: there are more than 200 attempts, and no two are alike", () => {
  const lines = Object.values(bypasses).flatMap((attempts) => attempts.map(([line]) => line));
  expect(new Set(lines).size).toBeGreaterThan(300);
});

test("P12: under the same list the harmless lines run, so the attempts were not refused for another reason", async () => {
  const lines = [
    "ls",
    "ls -la",
    "ls 'a b'",
    "cat x",
    "cat x y",
    "echo hello",
    'echo "a;b|c"',
    "wc -l x",
    "head -n 1 x",
    "git --version",
    "git status",
    "date",
    "uname -a",
    "stat x",
    "cut -c1 x",
    "/usr/bin/id",
    "grep bash x",
  ];
  const effects = await Promise.all(lines.map(async (line) => [line, await obey(line)]));
  expect(effects).toEqual(lines.map((line) => [line, "allow"]));
});

test("P12 R108: no line with anything for a shell in it is allowed, whatever stands where, and nothing is ever thrown", async () => {
  const piece = fc.oneof(
    fc.constantFrom(..."git|ls|cat|echo|status|-la|x|'a b'|\"a b\"|a\\ b|--|-|.|..|a=b|é|%X%|^|@x".split("|")),
    fc.constantFrom(
      ";",
      "&&",
      "||",
      "|",
      "&",
      "\n",
      "$(",
      ")",
      "`",
      "${",
      "}",
      "$x",
      "<",
      ">",
      ">>",
      "<<<",
      "<(",
      "#",
      "*",
      "?",
      "[a]",
      "{a,b}",
      "~",
      "!",
      "'",
      '"',
      "\\",
      "(",
      "{",
      "\r",
      "\0",
      "\u200B",
      "=",
      "$'",
      "if",
      "then",
      "fi",
    ),
    fc.string({ maxLength: 4, unit: "binary" }),
  );
  const line = fc
    .array(fc.tuple(piece, fc.constantFrom(" ", "", "  ", "\t")), { maxLength: 12 })
    .map((pieces) => pieces.flat().join(""));
  await fc.assert(
    fc.asyncProperty(line, async (text) => {
      const reading = await readLine(text);
      const verdict = await world.judge(text);
      if (verdict.effect === "deny") return;
      // What is shown is what is bound.
      expect(verdict.command.text).toBe(text);
      expect(verdict.command.binding).toBe(bindingOf(verdict.command));
      if (verdict.effect === "ask") return;
      expect(reading.kind).toBe("plain");
      expect(verdict.command.usesShell).toBe(false);
      if (reading.kind === "plain") expect(verdict.command.argv.slice(1)).toEqual(reading.words.slice(1));
    }),
    { numRuns: 1_500 },
  );
});

test("R108: the words of a plain line are those that bash would make of it", async () => {
  const bash = (await readdir("/bin")).includes("bash");
  if (!bash) return;
  const sign = fc.constantFrom(..."ab'\"\\ .-/=,:@%+é\t".split(""));
  await fc.assert(
    fc.asyncProperty(fc.array(sign, { maxLength: 16 }), async (signs) => {
      const text = `printf %s\\\\n ${signs.join("")}`.trimEnd();
      const reading = await readLine(text);
      if (reading.kind !== "plain") return;
      const script = `set -- ${signs.join("")}; for word in "$@"; do printf '%s\\0' "$word"; done`;
      const { stdout } = await run(["/bin/bash", "-c", script], { env: {}, timeoutMs: 10_000, maxOutputBytes: 10_000 });
      expect(reading.words.slice(2)).toEqual(stdout.toString("utf8").split("\0").slice(0, -1));
    }),
    { numRuns: 150 },
  );
});
