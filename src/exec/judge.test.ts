/** Levels, questions, whose rules hold, and what a person is told. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ExecAsk, ExecSecurity } from "./contract.ts";
import { levels } from "./fixtures/levels.ts";
import { createWorld, foreign, local, type World } from "./world.fixture.ts";

let world: World;

const list = {
  version: 1,
  agents: {
    main: {
      allowlist: [
        { pattern: "/usr/bin/ls" },
        { pattern: "/usr/bin/cat", argv: ["notes.md"] },
        { pattern: "/usr/bin/git", argv: ["status"] },
      ],
    },
  },
};

beforeAll(async () => {
  world = await createWorld();
  await world.file("notes.md", "notes\n");
  await world.repository();
  for (const name of ["run.sh", "run.bat"]) await world.program(`${world.workspace}/${name}`);
});

beforeEach(async () => {
  Object.assign(world.rules, { security: "allowlist", ask: "on-miss", agents: [], safeBins: [] });
  await put(list);
});

afterAll(() => world.close());

async function put(file: unknown): Promise<void> {
  const { hash, exists } = await world.desk.approvals.get();
  await world.desk.approvals.set(file, exists ? hash : null);
}

describe.each([
  ["deny", 1],
  ["allowlist", 2],
  ["full", 3],
] as const)("P4: at level %s", (security, column) => {
  test("each of the lines is allowed, asked about or refused as the table says", async () => {
    expect(levels.length).toBeGreaterThanOrEqual(30);
    world.rules.security = security;
    const effects = await Promise.all(levels.map(async ([line]) => [line, (await world.judge(line)).effect]));
    expect(effects).toEqual(levels.map((row) => [row[0], row[column]]));
  });
});

/** What becomes of a line that is on the list, and of one that is not. */
const matrix: readonly (readonly [ExecSecurity, ExecAsk, string, string])[] = [
  ["deny", "off", "deny tools.exec.security", "deny tools.exec.security"],
  ["deny", "on-miss", "deny tools.exec.security", "deny tools.exec.security"],
  ["deny", "always", "deny tools.exec.security", "deny tools.exec.security"],
  ["allowlist", "off", "allow exec-approvals:agents.main.allowlist[0]", "deny tools.exec.security"],
  ["allowlist", "on-miss", "allow exec-approvals:agents.main.allowlist[0]", "ask tools.exec.security"],
  ["allowlist", "always", "ask tools.exec.ask", "ask tools.exec.ask"],
  ["full", "off", "allow tools.exec.security", "allow tools.exec.security"],
  ["full", "on-miss", "allow tools.exec.security", "allow tools.exec.security"],
  ["full", "always", "ask tools.exec.ask", "ask tools.exec.ask"],
];

test.each(matrix)("P5: level %s, questions %s: on the list %s, else %s", async (security, ask, hit, miss) => {
  Object.assign(world.rules, { security, ask });
  const told = async (line: string): Promise<string> => {
    const { effect, where } = await world.judge(line);
    return `${effect} ${where}`;
  };
  expect([await told("ls"), await told("echo hello")]).toEqual([hit, miss]);
});

test("P7: of the house's, the agent's and the list's rules the strictest holds, whichever says it, and it is named", async () => {
  const securities: readonly ExecSecurity[] = ["deny", "allowlist", "full"];
  const effects = { deny: "deny", allowlist: "ask", full: "allow" } as const;
  for (const house of securities) {
    for (const agent of [...securities, undefined]) {
      for (const stored of [...securities, undefined]) {
        world.rules.security = house;
        world.rules.agents = agent === undefined ? [] : [{ id: "main", tools: { exec: { security: agent } } }];
        await put({
          ...list,
          agents: { main: { ...list.agents.main, ...(stored === undefined ? {} : { security: stored }) } },
        });
        const said = [house, agent, stored];
        const strictest = securities.find((one) => said.includes(one)) ?? "deny";
        const verdict = await world.judge("echo hello");
        expect([...said, verdict.effect]).toEqual([...said, effects[strictest]]);
        const places = [
          "tools.exec.security",
          "agents.list[0].tools.exec.security",
          "exec-approvals:agents.main.security",
        ];
        expect(verdict.where).toBe(places[said.indexOf(strictest)]);
      }
    }
  }
});

test("P7: questions too, and the list's defaults; another agent's rules and lines are not mine", async () => {
  world.rules.security = "full";
  await put({ version: 1, defaults: { ask: "always" }, agents: {} });
  expect(await world.judge("ls")).toMatchObject({ effect: "ask", where: "exec-approvals:defaults.ask" });
  await put({ version: 1, agents: { other: { security: "deny", allowlist: [{ pattern: "/usr/bin/ls" }] } } });
  expect(await world.judge("ls")).toMatchObject({ effect: "allow" });
  expect(await world.judge("ls", { agentId: "other" })).toMatchObject({ effect: "deny" });
  world.rules.security = "allowlist";
  expect(await world.judge("ls")).toMatchObject({ effect: "ask" });
});

test("P5: where nobody can be asked it is no, unless the list says otherwise; never for words from outside", async () => {
  const fallback = async (line: string, more = {}): Promise<string> => {
    const verdict = await world.judge(line, more);
    return verdict.effect === "ask" ? verdict.fallback : verdict.effect;
  };
  expect(await fallback("echo hello")).toBe("deny");
  await put({ ...list, defaults: { askFallback: "full", ask: "always" } });
  expect([await fallback("echo hello"), await fallback("ls"), await fallback("ls | wc")]).toEqual([
    "allow",
    "allow",
    "allow",
  ]);
  expect(await fallback("ls", { taint: foreign })).toBe("deny");
  expect(await fallback("$SHELL x")).toBe("deny");
  await put({ ...list, defaults: { askFallback: "allowlist", ask: "always" } });
  expect([await fallback("echo hello"), await fallback("ls"), await fallback("ls | wc")]).toEqual([
    "deny",
    "allow",
    "deny",
  ]);
});

test("P12: words from outside make a question of everything that would be allowed, with where they came from", async () => {
  for (const security of ["allowlist", "full"] as const) {
    world.rules.security = security;
    expect(await world.judge("ls", { taint: foreign })).toMatchObject({
      effect: "ask",
      where: "built-in: words from outside",
      always: null,
      fallback: "deny",
      reasons: ["The assistant has read words from outside: web page https://example.org/a."],
    });
    expect(await world.judge("ls", { taint: local })).toMatchObject({ effect: "allow" });
  }
  Object.assign(world.rules, { security: "allowlist", ask: "off" });
  expect(await world.judge("echo hello", { taint: foreign })).toMatchObject({ effect: "deny" });
});

test("P4: reasons are sentences for a person, and say each thing once", async () => {
  const reasons = async (line: string, env = {}): Promise<readonly string[]> => {
    const verdict = await world.judge(line, { env });
    return verdict.effect === "ask" ? verdict.reasons : [verdict.effect];
  };
  expect(await reasons("ls | wc -l | wc -l")).toEqual(["This line uses a pipe, so a shell would run it."]);
  expect(await reasons("echo hello")).toEqual(["echo with these words is not on the list of what may run."]);
  expect(await reasons("env ls")).toEqual(["env starts other programs."]);
  expect(await reasons("cd sub")).toEqual(["cd is a part of the shell, so a shell would run this line."]);
  expect(await reasons("echo hello", { LD_PRELOAD: "x" })).toContain("Not passed on to it: LD_PRELOAD.");
  expect(await reasons("./run.sh")).toContainEqual(expect.stringContaining("could be exchanged"));
  expect(await reasons("cat ../gateway.token")).toContain("It names the gateway's own files.");
  expect(await reasons("grep -r token ..")).toContain("It names the gateway's own files.");
});

test("R109 R110: only a plain command of a program that runs nothing else can be allowed for good, with its words", async () => {
  const always = async (line: string, more = {}): Promise<unknown> => {
    const verdict = await world.judge(line, more);
    return verdict.effect === "ask" ? verdict.always : verdict.effect;
  };
  expect(await always("echo 'a b' c")).toEqual({
    pattern: "/usr/bin/echo",
    argv: ["a b", "c"],
    says: "echo 'a b' c, exactly these words, in any folder",
  });
  const lines = [
    "env ls",
    "sh -c ls",
    "awk 1 x",
    "ls | wc",
    "ls *",
    "./run.sh",
    "git -p log",
    "sort -o a b",
    "make",
    "less x",
    "cd x",
    "something-else sh -c x",
  ];
  for (const line of lines)
    expect([line, await always(line)]).toEqual([line, line.startsWith("something") ? "deny" : null]);
  expect(await always("echo hello", { taint: foreign })).toBeNull();
});

test("R112: a file that nobody asked about stays unread: a list for any words is no list for the gateway's files", async () => {
  await put({ version: 1, agents: { main: { allowlist: [{ pattern: "/usr/bin/*" }] } } });
  await world.link("../gateway.token", "innocent.md");
  await import("node:fs/promises").then((fs) => fs.writeFile(`${world.stateDir}/gateway.token`, "secret"));
  for (const line of [
    "cat innocent.md",
    "cat ../gateway.token",
    `head ${world.stateDir}/gateway.token`,
    "grep -r x ..",
    "ls -R /",
  ]) {
    expect([line, (await world.judge(line)).effect]).toEqual([line, "ask"]);
  }
});
