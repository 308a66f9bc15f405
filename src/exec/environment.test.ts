/** Nothing that makes a program run, load or read something gets into a command's environment, whoever sets it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../platform/subprocess.ts";
import { commandEnvironment, isCommandEnvironment } from "./environment.ts";
import { dangerousVariables } from "./fixtures/variables.ts";
import { createWorld, type World } from "./world.fixture.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
  world.rules.security = "full";
});

afterAll(() => world.close());

test("R118 R134: more than 80 variables are dropped, from the host and from the call", () => {
  expect(new Set(dangerousVariables).size).toBeGreaterThan(80);
  for (const name of dangerousVariables.flatMap((one) => [one, one.toLowerCase()])) {
    const { env, dropped } = commandEnvironment({ [name]: "evil" }, { [name]: "evil" }, "/usr/bin");
    expect(env).toEqual({ PATH: "/usr/bin" });
    expect(dropped).toEqual([name]);
    if (name !== "PATH") expect(isCommandEnvironment({ PATH: "/usr/bin", [name]: "evil" })).toBe(false);
  }
});

test("R118: what is on the list is kept only in a harmless shape, and a home only from the host", () => {
  const host = {
    HOME: "/home/ada",
    USER: "ada",
    LANG: "de_DE.UTF-8",
    TZ: "Europe/Berlin",
    TERM: "xterm",
    TMPDIR: "/tmp",
  };
  expect(commandEnvironment(host, {}, "/bin").env).toEqual({ PATH: "/bin", ...host });
  const added = { LC_ALL: "C", TZ: "UTC", COLUMNS: "80", NO_COLOR: "1", CI: "true" };
  expect(commandEnvironment({}, added, "/bin")).toEqual({ env: { PATH: "/bin", ...added }, dropped: [] });
  const bad = {
    TZ: ":/etc/x",
    LANG: "../../x",
    LC_ALL: "a b",
    TERM: "../x",
    COLUMNS: "1;x",
    HOME: "/work",
    USER: "root",
    TMPDIR: "/x",
  };
  expect(commandEnvironment({}, bad, "/bin")).toEqual({ env: { PATH: "/bin" }, dropped: Object.keys(bad) });
  expect(commandEnvironment({}, { TZ: "a/../../x" }, "/bin").dropped).toEqual(["TZ"]);
  expect(commandEnvironment({}, { constructor: "x", __proto__x: "y" }, "/bin").dropped).toEqual([
    "constructor",
    "__proto__x",
  ]);
  expect(commandEnvironment({ HOME: "relative", TMPDIR: "/a:/b" }, {}, "/bin").env).toEqual({ PATH: "/bin" });
});

test("R118: a command really has this environment and no other", async () => {
  world.rules.host = {
    ...world.rules.host,
    LD_LIBRARY_PATH: "/x",
    OPENAI_API_KEY: "sk-secret",
    NODE_OPTIONS: "--x",
    BASH_ENV: "/x",
  };
  const verdict = await world.judge("env", { env: { GIT_SSH_COMMAND: "x", LC_ALL: "C" } });
  if (verdict.effect !== "allow") throw new Error(verdict.where);
  const { argv, cwd, env } = await world.desk.approve(verdict.command);
  const { stdout } = await run(argv, { cwd, env, timeoutMs: 10_000, maxOutputBytes: 10_000 });
  const names = stdout
    .toString("utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split("=")[0]);
  expect(new Set(names)).toEqual(new Set(["HOME", "LANG", "LC_ALL", "PATH", "USER"]));
});

test("P6 R111: the search path has no folder that is relative, missing, the assistant's, the gateway's or open to others", async () => {
  await world.program(`${world.root}/open/x`);
  const { chmod } = await import("node:fs/promises");
  await chmod(`${world.root}/open`, 0o777);
  const hostile = [
    "",
    ".",
    "bin",
    "/no/such/folder",
    world.workspace,
    `${world.workspace}/bin`,
    world.stateDir,
    `${world.root}/open`,
    "/a\u001Bb",
  ];
  world.rules.host = { ...world.rules.host, PATH: [...hostile, world.bin, `${world.bin}/`, "/usr/bin"].join(":") };
  const verdict = await world.judge("env");
  if (verdict.effect !== "allow") throw new Error(verdict.where);
  const folders = (verdict.command.env["PATH"] ?? "").split(":");
  expect(folders.slice(0, 2)).toEqual([world.bin, "/usr/bin"]);
  for (const folder of hostile) expect(folders).not.toContain(folder);
});
