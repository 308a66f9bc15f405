/** A repository that can make git run something is asked about each time, whatever is on the list. */
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createWorld, type World } from "../world.fixture.ts";

let world: World;

beforeEach(async () => {
  world = await createWorld();
  await world.desk.approvals.set(
    { version: 1, agents: { main: { allowlist: [{ pattern: "/usr/bin/git", argv: ["status"] }] } } },
    null,
  );
});

afterEach(() => world.close());

async function effect(): Promise<string> {
  return (await world.judge("git status")).effect;
}

test("R108: one with ordinary settings is not", async () => {
  await world.repository(
    '[remote "origin"]\n\turl = https://example.org/x.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch "main"]\n\tremote = origin\n; a comment\n',
  );
  expect(await effect()).toBe("allow");
  await mkdir(`${world.workspace}/.git/hooks`);
  await writeFile(`${world.workspace}/.git/hooks/pre-commit.sample`, "");
  expect(await effect()).toBe("allow");
});

test.each([
  ["a file monitor", "[core]\n\tfsmonitor = ./x\n"],
  ["in other letters", "[CORE]\n\tFsMonitor=./x\n"],
  ["hooks elsewhere", "[core]\n\thooksPath = ./x\n"],
  ["a filter", '[filter "x"]\n\tclean = ./x\n'],
  ["a filter in one line", '[filter "x"] clean = ./x\n'],
  ["a converter", '[diff "x"]\n\ttextconv = ./x\n'],
  ["an alias", "[alias]\n\tstatus = !./x\n"],
  ["an include", "[include]\n\tpath = ../x\n"],
  ["a conditional include", '[includeIf "gitdir:."]\n\tpath = ../x\n'],
  ["a continued line", "[user]\n\tname = a \\\n[core] fsmonitor = x\n"],
  ["a transport", '[remote "x"]\n\turl = ext::sh -c x\n'],
  ["another ssh", "[core]\n\tsshCommand = ./x\n"],
  ["what is no setting at all", "?\n"],
])("R108: one with %s is", async (_what, settings) => {
  await world.repository(settings);
  expect(await effect()).toBe("ask");
});

test("R108: so is one with hooks, with parts, that is elsewhere, bare, or cannot be read", async () => {
  const git = `${world.workspace}/.git`;
  await world.repository();
  expect(await effect()).toBe("allow");
  await mkdir(`${git}/hooks`);
  await writeFile(`${git}/hooks/post-index-change`, "");
  expect(await effect()).toBe("ask");
  await rm(`${git}/hooks`, { recursive: true });
  await mkdir(`${git}/modules`);
  expect(await effect()).toBe("ask");
  await rm(`${git}/modules`, { recursive: true });
  await mkdir(`${git}/info`);
  await writeFile(`${git}/info/attributes`, "* filter=x");
  expect(await effect()).toBe("ask");
  await rm(`${git}/info`, { recursive: true });
  expect(await effect()).toBe("allow");
  await writeFile(`${git}/config`, " ".repeat(64 * 1024 + 1));
  expect(await effect()).toBe("ask");
  await rm(git, { recursive: true });
  await writeFile(git, "gitdir: ../x\n");
  expect(await effect()).toBe("ask");
  await rm(git);
  await writeFile(`${world.workspace}/HEAD`, "ref: refs/heads/main\n");
  await mkdir(`${world.workspace}/objects`);
  expect(await effect()).toBe("ask");
});

test("R108: so is what git takes for one though a part of it is elsewhere, or leads nowhere", async () => {
  await writeFile(`${world.workspace}/HEAD`, "ref: refs/heads/main\n");
  await writeFile(`${world.workspace}/commondir`, "x\n");
  expect(await effect()).toBe("ask");
  await rm(`${world.workspace}/HEAD`);
  await rm(`${world.workspace}/commondir`);
  await world.repository();
  expect(await effect()).toBe("allow");
  await symlink("refs/heads/nothing", `${world.workspace}/HEAD`);
  await mkdir(`${world.workspace}/refs`);
  expect(await effect()).toBe("ask");
});

test.each(["empty", "without a branch"])(
  "R108: and the one above a folder whose own is %s: git passes it over",
  async (how) => {
    await world.repository("[core]\n\tfsmonitor = ./x\n");
    const below = `${world.workspace}/below`;
    await mkdir(`${below}/.git/objects`, { recursive: true });
    if (how !== "empty") {
      await mkdir(`${below}/.git/refs`);
      await writeFile(`${below}/.git/HEAD`, "nothing\n");
    }
    expect((await world.judge("git status", { cwd: below })).effect).toBe("ask");
    await mkdir(`${below}/.git/refs`, { recursive: true });
    await writeFile(`${below}/.git/HEAD`, "ref: refs/heads/main\n");
    expect((await world.judge("git status", { cwd: below })).effect).toBe("allow");
  },
);
