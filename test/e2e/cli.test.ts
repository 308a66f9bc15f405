/** The command line as a person uses it, against a gateway of its own. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import {
  configWith,
  newStateDir,
  runCommand,
  startGateway,
  type CommandResult,
  type GatewayProcess,
} from "./gateway-process.ts";

describe("the command line", () => {
  let model: ModelEmulator;
  let state: Awaited<ReturnType<typeof newStateDir>>;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    model = await startModelEmulator({
      script: (request) => ({ text: `re: ${request.lastText}`, usage: { input: 4, output: 3 } }),
    });
    state = await newStateDir();
    gateway = await startGateway({ stateDir: state.stateDir, config: configWith(model.url) });
  }, 30_000);

  afterAll(async () => {
    await gateway?.kill("SIGTERM");
    await model?.close();
    await state?.remove();
  });

  const run = (args: readonly string[], input?: string): Promise<CommandResult> =>
    runCommand(args, {
      stateDir: state.stateDir,
      env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) },
      ...(input === undefined ? {} : { input }),
    });
  const json = async (args: readonly string[]): Promise<Record<string, unknown>> => {
    const result = await run([...args, "--json"]);
    expect(result.code, result.stdout + result.stderr).toBe(0);
    return JSON.parse(result.stdout) as Record<string, unknown>;
  };

  const routes = [
    "gateway",
    "chat",
    "agent",
    "message",
    "status",
    "health",
    "config",
    "sessions",
    "models",
    "channels",
    "trace",
    "outbox",
    "dlq",
    "logs",
    "doctor",
    "completion",
  ];

  it("Y1: help names every command, and each command explains itself", async () => {
    const help = await run(["--help"]);
    expect(help.code).toBe(0);
    for (const route of routes) expect(help.stdout).toContain(route);
    const each = await Promise.all(routes.map((route) => run([route, "--help"])));
    for (const [index, one] of each.entries()) {
      expect(one.code).toBe(0);
      expect(one.stdout).toContain(`Usage: openclaw ${routes[index] ?? ""}`);
    }
  });

  it("Y1: a command loads its own code and not the others'", async () => {
    const traced = await runCommand(["health"], {
      stateDir: state.stateDir,
      env: { OPENCLAW_GATEWAY_PORT: String(gateway.port), NODE_DEBUG: "esm" },
    });
    const loaded = [...new Set(traced.stderr.match(/dist\/[\w-]+\.js/g) ?? [])];
    expect(loaded.some((file) => file.includes("/health-"))).toBe(true);
    for (const other of ["sessions-", "doctor-", "gateway-main", "compose-"]) {
      expect(loaded.filter((file) => file.includes(`/${other}`))).toEqual([]);
    }
    expect(loaded.length).toBeLessThan(26);
  });

  it("Y2: status answers from the running gateway", async () => {
    expect(await json(["status"])).toMatchObject({ ready: true, sessions: { total: expect.any(Number) } });
    const words = await run(["status"]);
    expect(words.stdout).toContain("mock/mock-1");
  });

  it("Y3: what is asked for before a command is known needs no state, no configuration and no gateway", async () => {
    const nowhere = { stateDir: "/proc/no/such/folder", env: { OPENCLAW_GATEWAY_PORT: "1" } };
    expect((await runCommand(["--version"], nowhere)).stdout.trim()).toMatch(/^\d{4}\.\d+\.\d+/);
    expect((await runCommand(["--help"], nowhere)).code).toBe(0);
    expect((await runCommand(["completion", "zsh"], nowhere)).stdout).toContain("#compdef openclaw");
  });

  it("Y7: every way to end has its code, and words or JSON that say why", async () => {
    const cases: readonly (readonly [readonly string[], number, string])[] = [
      [["health"], 0, ""],
      [["gateway", "call", "no.such.method"], 1, "RPC_002"],
      [["no-such-command"], 2, "SYS_003"],
      [["health", "--no-such-option"], 2, "SYS_003"],
      [["sessions", "show"], 2, "SYS_003"],
      [["agent", "  "], 2, "SYS_003"],
      [["agent", "--message", "one", "two"], 2, "SYS_003"],
      [["agent", "--agent", "nobody", "hi"], 1, "MODEL_001"],
      [["sessions", "delete", "agent:main:never"], 1, "RPC_007"],
      [["sessions", "compact", "agent:main:never"], 1, "RPC_007"],
      [["sessions", "compact", "agent:main:never", "--max-lines", "0"], 2, "SYS_003"],
      [["sessions", "import", "agent:main:never", "no-such-file"], 2, "SYS_003"],
      [["config", "validate", "no-such-file"], 2, "SYS_003"],
      [["gateway", "call", "health", "--params", "{"], 2, "SYS_003"],
      [["health", "--url", "ws://127.0.0.1:9"], 69, "SYS_002"],
      [["health", "--token", "wrong-token-wrong-token"], 77, "SEC_003"],
      [["config", "validate", "broken.json"], 78, "CFG_001"],
    ];
    await writeFile(path.join(state.stateDir, "broken.json"), '{ gateway: { port: "not a port", }');
    for (const [args, code, word] of cases) {
      const options = {
        stateDir: state.stateDir,
        env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) },
        cwd: state.stateDir,
      };
      const words = await runCommand(args, options);
      expect(words.code, `${args.join(" ")}: ${words.stdout}${words.stderr}`).toBe(code);
      const machine = await runCommand([...args, "--json"], options);
      expect(machine.code).toBe(code);
      const answer = JSON.parse(machine.stdout) as { error?: { code: string } };
      if (code !== 0 && code !== 78) {
        expect(answer.error?.code).toBe(word);
        expect(words.stderr).toContain(word);
        expect(words.stderr).not.toMatch(/\n\s+at /);
      }
    }
  });

  it("Y7: words that were not understood lead to the help that explains them", async () => {
    expect((await run(["config", "set"])).stderr).toContain("See: openclaw config set --help");
    expect((await run(["config", "sett"])).stderr).toContain("See: openclaw config --help");
    expect((await run(["no-such-command"])).stderr).toContain("See: openclaw --help");
    expect((await run(["help", "config", "set"])).stdout).toContain("Usage: openclaw config set");
  });

  it("Y7: a reader who has seen enough is no failure", async () => {
    const { code, stderr } = await runCommand(["config", "schema"], {
      stateDir: state.stateDir,
      env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) },
      unread: true,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("Y7: what belongs to another folder's gateway is said to", async () => {
    const elsewhere = await newStateDir();
    try {
      const asked = await runCommand(["status"], {
        stateDir: elsewhere.stateDir,
        env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) },
      });
      expect(asked).toMatchObject({ code: 77, stderr: expect.stringContaining("another state directory") });
    } finally {
      await elsewhere.remove();
    }
  });

  it("Y7: without a gateway the log can still be read", async () => {
    const read = await runCommand(["logs", "-n", "1"], {
      stateDir: state.stateDir,
      env: { OPENCLAW_GATEWAY_PORT: "9" },
    });
    expect(read).toMatchObject({ code: 0, stderr: expect.stringContaining("No gateway runs") });
    expect(read.stdout).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it("has a conversation: agent, chat, and what they said is in the session", async () => {
    const answered = await run(["agent", "hello", "there"]);
    expect(answered).toMatchObject({ code: 0, stdout: "re: hello there\n" });
    expect((await run(["agent", "-"], "from a pipe")).stdout).toBe("re: from a pipe\n");
    const chat = await run(["chat", "--session", "agent:main:second"], "one\ntwo\n/quit\nthree\n");
    expect(chat.stdout).toBe("re: one\nre: two\n");
    const shown = await run(["sessions", "show", "agent:main:second"]);
    expect(shown.stdout).toMatch(/user> one\n.*assistant> re: one\n.*user> two\n.*assistant> re: two/s);
    const listed = (await json(["sessions", "list"])) as { sessions: { key: string; totalTokens: number }[] };
    expect(listed.sessions.find((one) => one.key === "agent:main:second")?.totalTokens).toBe(14);
  });

  it("I3: a session goes out as JSON lines and comes back the same", async () => {
    await run(["agent", "--session", "agent:main:exported", "keep this"]);
    const out = path.join(state.stateDir, "session.jsonl");
    expect((await run(["sessions", "export", "agent:main:exported", "--out", out])).code).toBe(0);
    const text = await readFile(out, "utf8");
    expect((await run(["sessions", "export", "agent:main:exported"])).stdout).toBe(text);
    expect((await run(["sessions", "delete", "agent:main:exported"])).code).toBe(0);
    expect((await run(["sessions", "export", "agent:main:exported"])).code).toBe(1);
    expect((await run(["sessions", "import", "agent:main:exported", out])).code).toBe(0);
    expect((await run(["sessions", "export", "agent:main:exported"])).stdout).toBe(text);
    expect((await run(["sessions", "import", "agent:main:exported", out])).code).toBe(1);
  });

  it("Q17: reads, sets and unsets one value, and says what would change without changing it", async () => {
    const file = path.join(state.stateDir, "openclaw.json");
    const before = await readFile(file, "utf8");
    const dry = await run(["config", "set", "agents.defaults.timeoutSeconds", "77", "--dry-run"]);
    expect(dry.stdout).toContain("would change");
    expect(await readFile(file, "utf8")).toBe(before);
    expect((await run(["config", "set", "agents.defaults.timeoutSeconds", "77"])).code).toBe(0);
    expect((await run(["config", "get", "agents.defaults.timeoutSeconds"])).stdout.trim()).toBe("77");
    const unset = await run(["config", "unset", "agents.defaults.timeoutSeconds"]);
    expect(unset).toMatchObject({ code: 0, stdout: expect.stringMatching(/before: 77\n {2}after: {2}600/) });
    expect((await run(["config", "get", "agents.defaults.timeoutSeconds"])).stdout.trim()).not.toBe("77");
    const slip = await run(["config", "set", "agents.defaults.timeoutSecond", "77"]);
    expect(slip).toMatchObject({ code: 0, stderr: expect.stringContaining("timeoutSecond is not known") });
    const nothing = await run(["config", "get", "agents.defaults.nothing"]);
    expect(nothing).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("is not set") });
    expect((await run(["config", "get"])).stdout).toContain("__OPENCLAW_REDACTED__");
    expect((await run(["config", "validate"])).code).toBe(0);
    expect((await run(["config", "diff"])).code).toBe(0);
    expect(JSON.parse((await run(["config", "schema"])).stdout)).toMatchObject({ type: "object" });
  });

  it("answers the rest: models, channels, logs, doctor, token", async () => {
    expect(await json(["models", "list"])).toMatchObject({
      models: [{ provider: "mock", id: "mock-1", cost: { input: 1 } }],
    });
    expect((await run(["channels"])).stdout).toContain("webchat/default");
    expect((await run(["logs", "-n", "5", "--scope", "app"])).code).toBe(0);
    const doctor = await run(["doctor"]);
    expect(doctor.stdout).toContain("ok   gateway");
    expect((await run(["gateway", "token"])).stdout.trim()).toBe(gateway.token);
    expect((await run(["message", "send", "--channel", "nowhere", "--to", "x", "-m", "hi"])).code).toBe(1);
  });
});
