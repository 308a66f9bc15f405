/** What no setting and no yes lets run, at any depth of a line; and its harmless neighbours. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askable, never } from "./fixtures/hard-lines.ts";
import { bindingOf } from "./plan.ts";
import { createWorld, foreign, type World } from "./world.fixture.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
  for (const name of ["sudo", "mkfs", "mkfs.ext4", "shutdown", "reboot", "openclaw", "rm", "find"])
    await world.program(name);
  world.rules.security = "full";
  world.rules.ask = "off";
});

afterAll(() => world.close());

const placed = (line: string): string =>
  line
    .replaceAll(/\bSTATE\b/g, world.stateDir)
    .replaceAll(/\bWORK\b/g, world.workspace)
    .replaceAll(/(?<![$\w{])HOME\b/g, world.home);

describe.each(Object.entries(never))("P13: %s", (_what, lines) => {
  test("is refused with every command allowed and nobody asked", async () => {
    const passed: string[] = [];
    for (const line of lines) {
      const verdict = await world.judge(placed(line));
      if (verdict.effect !== "deny" || verdict.where !== "built-in: hard line")
        passed.push(`${verdict.where}: ${line}`);
    }
    expect(passed).toEqual([]);
  });
});

test("P13: its neighbours are not", async () => {
  const refused: string[] = [];
  for (const line of askable) {
    const verdict = await world.judge(placed(line));
    if (verdict.effect === "deny" && verdict.where === "built-in: hard line") refused.push(`${verdict.says}: ${line}`);
  }
  expect(refused).toEqual([]);
});

test("P13: neither an agent's own rules, nor a sandbox, nor words from outside make a difference", async () => {
  world.rules.agents = [{ id: "main", tools: { exec: { security: "full", ask: "off" } } }];
  for (const more of [{}, { sandboxed: true }, { taint: foreign }, { agentId: "other" }]) {
    expect(await world.judge("rm -rf /", more)).toMatchObject({ effect: "deny", where: "built-in: hard line" });
  }
  world.rules.agents = [];
});

test("P13: a yes that was written down by whatever means does not lift it", async () => {
  const harmless = await world.judge("rm -rf build");
  if (harmless.effect !== "allow") throw new Error(harmless.where);
  const { binding: _binding, ...content } = {
    ...harmless.command,
    text: "rm -rf /",
    argv: [...harmless.command.argv.slice(0, 2), "/"],
  };
  const forged = { ...content, binding: bindingOf(content) };
  await expect(world.desk.approve(forged)).rejects.toMatchObject({ code: "SEC_010" });
});

test("P13: a link to what never may be touched is as good as its name", async () => {
  await world.file("../openclaw.json", "{}");
  await world.link("../openclaw.json", "innocent");
  await world.link("..", "up");
  await world.link("/", "root");
  for (const line of [
    "echo x > innocent",
    "tee innocent",
    "echo x > up/new",
    "rm -rf root/",
    "rm -rf root/*",
    "cd root && rm -rf *",
  ]) {
    expect([line, (await world.judge(line)).where]).toEqual([line, "built-in: hard line"]);
  }
  expect((await world.judge("rm -rf *", { cwd: `${world.workspace}/root` })).where).toBe("built-in: hard line");
  expect((await world.judge("rm -rf *", { cwd: `${world.workspace}` })).where).not.toBe("built-in: hard line");
});

test("P13: a system without a home folder is protected all the same", async () => {
  const { HOME: _home, ...host } = world.rules.host;
  const before = world.rules.host;
  world.rules.host = host;
  for (const line of ["rm -rf /", "rm -rf /etc", "cd / && rm -rf *"]) {
    expect((await world.judge(line)).where).toBe("built-in: hard line");
  }
  world.rules.host = before;
});
