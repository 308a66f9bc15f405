/** Budgets from the command line, on a gateway as its users run it. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newStateDir, runCommand, startGateway, type CommandResult, type GatewayProcess } from "./gateway-process.ts";

let state: Awaited<ReturnType<typeof newStateDir>>;
let gateway: GatewayProcess;

beforeAll(async () => {
  state = await newStateDir();
  gateway = await startGateway({ stateDir: state.stateDir, config: { budgets: { agents: { main: { day: 3 } } } } });
}, 30_000);
afterAll(async () => {
  await gateway?.kill("SIGKILL");
  await state?.remove();
});

function run(...args: readonly string[]): Promise<CommandResult> {
  const env = { OPENCLAW_GATEWAY_PORT: String(gateway.port) };
  return runCommand(args, { stateDir: state.stateDir, env });
}

it("budget set writes a limit into the file, show tells what is left of it, and none takes it back", async () => {
  expect((await run("budget")).stdout).toMatch(/^agent:main +day +\$0\.00 +\$0\.00 +\$3\.00/m);
  const set = await run("budget", "set", "user:telegram:123", "--day", "2.50", "--month", "$20");
  expect(set).toMatchObject({ code: 0, stdout: "user:telegram:123: $2.50 a day, $20.00 a month\n" });
  const file = await readFile(path.join(state.stateDir, "openclaw.json"), "utf8");
  expect(JSON.parse(file)).toMatchObject({ budgets: { users: { "telegram:123": { day: 2.5, month: 20 } } } });
  const { stdout } = await run("budget", "show", "--json");
  const { purses } = JSON.parse(stdout) as { purses: { kind: string; id: string; period: string; limitUsd: number }[] };
  expect(purses.map(({ kind, id, period, limitUsd }) => [kind, id, period, limitUsd])).toEqual([
    ["agent", "main", "day", 3],
    ["user", "telegram:123", "day", 2.5],
    ["user", "telegram:123", "month", 20],
  ]);
  expect(await run("budget", "set", "user:telegram:123", "--day", "none")).toMatchObject({
    stdout: "user:telegram:123: no limit a day, $20.00 a month\n",
  });
}, 60_000);

it("pause and resume turn the switch, and show says so", async () => {
  expect(await run("pause", "--reason", "it burns")).toMatchObject({ code: 0 });
  expect((await run("budget")).stdout).toMatch(/^paused all agents since .*: it burns$/m);
  expect((await run("status")).stdout).toMatch(/^paused +all agents, by \S+: nothing is spent$/m);
  expect((await run("pause", "--agent", "main")).stdout).toMatch(/^paused: main/);
  expect((await run("resume", "--agent", "main")).stdout).toBe("goes on; 0 waiting messages are answered\n");
  expect((await run("resume")).stdout).toBe("goes on; 0 waiting messages are answered\n");
  expect((await run("resume")).stdout).toBe("nothing was paused\n");
}, 60_000);

it.each([
  [["budget", "set", "everybody", "--day", "1"], 2],
  [["budget", "set", "user:", "--day", "1"], 2],
  [["budget", "set", "global", "--day", "-1"], 2],
  [["budget", "set", "global", "--day", "lots"], 2],
  [["budget", "set", "global"], 2],
  [["budget", "settle", "x"], 2],
  [["pause", "--agent", "a", "--all"], 2],
  [["budget", "allow", "nothing"], 1],
  [["budget", "settle", "nothing", "--cost", "1"], 1],
])("%j ends with %i and says why", async (args, code) => {
  const result = await run(...args);
  expect(result.code, result.stdout + result.stderr).toBe(code);
  expect(result.stderr).toMatch(
    code === 2 ? /^openclaw: .+ \(SYS_003\)$/m : /^openclaw: there is no such .+ \(RPC_007\)$/m,
  );
});
