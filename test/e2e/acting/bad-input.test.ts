/** Commands, folders and files as no manual has them: each gives words that a model can go on from, and the gateway lives. */
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../observe.ts";
import { openHouse, patience, said, type House } from "./house.ts";

let house: House;

beforeAll(async () => {
  house = await openHouse({
    tools: { exec: { security: "full", ask: "off", timeoutSeconds: 2 } },
  });
  await house.start();
});
afterAll(() => house?.close());
afterEach(() => expectUntouched());

async function expectUntouched(): Promise<void> {
  expect((await ask(house.gateway, "GET", "/healthz")).status).toBe(200);
  expect(house.gateway.output()).not.toMatch(/ERROR|FATAL|SYS_001|unhandled/i);
}

/** No process, or one that only waits to be counted. */
async function isGone(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => null);
  return stat === null || / [ZX] /.test(stat.slice(stat.lastIndexOf(")")));
}

describe("commands that do not end, or end badly", () => {
  it("P4: one that hangs is ended in its time with all that it started, whatever session that is in", async () => {
    const line =
      "sh -c 'sleep 600 & echo $! >> pids; setsid sleep 600 & echo $! >> pids; echo $$ >> pids; echo before; wait'";
    const text = await said(house, `run: ${line}`);
    expect(text).toBe(
      `I saw:\n${wrapped("sh", "before\n[ended: it ran longer than 2 s. All it started was ended too]")(text)}`,
    );
    const pids = (await readFile(path.join(house.workspace, "pids"), "utf8")).trim().split("\n");
    expect(pids).toHaveLength(3);
    for (const pid of pids) await expect.poll(() => isGone(pid), patience).toBe(true);
  }, 60_000);

  it("P4: one that ends and leaves something running behind it leaves nothing", async () => {
    const text = await said(house, "run: (setsid sleep 601 >/dev/null 2>&1 & echo $! > left); echo done");
    expect(text).toContain("done\n[exit code 0]");
    const pid = (await readFile(path.join(house.workspace, "left"), "utf8")).trim();
    await expect.poll(() => isGone(pid), patience).toBe(true);
  }, 60_000);

  it.each([
    ["a flood", "yes", /^y\n.*left out.*y\n\[ended .*(wrote too much|longer than 2 s)/s],
    ["a long output", "seq 1 20000", /^1\n2\n.*left out.*\n20000\n\[exit code 0\]/s],
    [
      "a program that there is not",
      "no-such-program --x",
      /^There is no program "no-such-program" that could be started\.$/,
    ],
    ["a program that fails", "ls /nowhere", /cannot access '\/nowhere': No such file or directory\n\[exit code 2\]/],
    ["nothing to say", "true", /^\(no output\)\n\[exit code 0\]/],
    ["a line that is none", "echo 'open", /^.*(quote|line|read).*$/is],
    ["an end by a signal", "kill -9 $$", /\[(ended by SIGKILL after [\d.]+ s|exit code 137)\]/],
    ["half a rune, a NUL and colours", String.raw`printf 'a\000b\377c\033[31mred\033[0m\r\n'`, /\[exit code 0\]/],
  ])(
    "P4: %s",
    async (_what, line, pattern) => {
      const text = await said(house, `run: ${line}`);
      expect(inner(text)).toMatch(pattern);
      expect(Buffer.byteLength(text)).toBeLessThan(70_000);
      // Nothing that styles, hides or ends a text.
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    },
    60_000,
  );

  it.each([
    ["tool: exec {}", /command/],
    ['tool: exec {"command":""}', /command/],
    [
      'tool: exec {"command":"ls","cwd":"/etc"}',
      /^Commands run in the workspace, and the folder "?\/etc"? is none of it\./,
    ],
    ['tool: exec {"command":"ls","cwd":"../.."}', /^Commands run in the workspace, and the folder .* is none of it\./],
    ['tool: exec {"command":"ls","cwd":"not-there"}', /not-there/],
    ['tool: exec {"command":"ls\\u0000"}', /command/],
    ['tool: read {"path":"/etc/passwd"}', /outside|out of reach/],
    ['tool: read {"path":"../openclaw.json"}', /outside|out of reach/],
    ['tool: nonsense {"a":1}', /^There is no tool named "nonsense"/],
  ])("R11: %s is refused in words", async (line, pattern) => {
    const text = await said(house, line);
    expect(inner(text)).toMatch(pattern);
    expect(text).not.toMatch(/root:x:0|apiKey/);
  });

  it("P12: a command that leaves its folder by itself is run there, and the next one begins in the workspace again", async () => {
    const text = await said(house, "run: cd / && pwd\nrun: pwd");
    expect(text).toMatch(/\n\/\n\[exit code 0\]/);
    expect(text).toContain(`\n${house.workspace}\n[exit code 0]`);
  });
});

describe("a workspace that is not as it was", () => {
  const away = (): string => `${house.workspace}-away`;
  afterEach(async () => {
    await chmod(house.workspace, 0o700).catch(() => undefined);
    await rm(house.workspace, { recursive: true, force: true });
    await rename(away(), house.workspace);
  });

  it.each([
    ["is gone", () => Promise.resolve(), /\[exit code 0\]/],
    ["is a file", () => writeFile(house.workspace, "x"), /The workspace cannot be used: .*a person has to mend it/],
    ["is a link to nothing", () => symlink("/nowhere/at/all", house.workspace), /The workspace cannot be used: /],
    ["is a link to another folder", () => symlink(away(), house.workspace), /\[exit code 0\]|workspace/],
    // Whoever is root may write all the same.
    ["may not be written to", () => mkdir(house.workspace, { mode: 0o500 }), /\[exit code 0\]/],
  ])(
    "P4: one that %s",
    async (_what, make, pattern) => {
      await rename(house.workspace, away());
      await make();
      const text = await said(house, 'run: pwd\ntool: write {"path":"a.txt","content":"x"}');
      expect(text).toMatch(pattern);
      expect(text).not.toMatch(/ENO|EACC|errno|undefined/);
    },
    60_000,
  );
});

/** What the tool said, without the marks of words from outside. */
function inner(text: string): string {
  return text
    .replace(/^I saw:\n/, "")
    .replace(/^<<<outside .*>>>\n.*\n/, "")
    .replace(/\n<<<end of outside .*>>>$/, "");
}

/** With the marks that this answer has. */
function wrapped(program: string, body: string): (text: string) => string {
  return (text) => {
    const [head = "", order = ""] = text.split("\n").slice(1, 3);
    expect(head).toMatch(new RegExp(`^<<<outside [0-9a-f]{16}: output of ${program}>>>$`));
    return [head, order, body, head.replace("<<<", "<<<end of ").replace(/: .*>>>/, ">>>")].join("\n");
  };
}
