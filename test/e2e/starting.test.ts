/** How a gateway starts, or says why it does not: what it prints, its exit code, and that nothing keeps a failed one alive. */
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startGatewayServer } from "../../src/app/compose.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { statePaths } from "../../src/config/paths.ts";
import { connect } from "../../src/gateway/wire-client.fixture.ts";
import { silentLog } from "../../src/platform/log.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-store.ts";
import { configWith, newStateDir, runCommand, startGateway, type GatewayProcess } from "./gateway-process.ts";
import { ask, client } from "./observe.ts";

let state: Awaited<ReturnType<typeof newStateDir>>;
let running: GatewayProcess | undefined;

beforeEach(async () => {
  state = await newStateDir();
});
afterEach(async () => {
  await running?.kill("SIGKILL");
  running = undefined;
  await state.remove();
});

const configFile = (): string => path.join(state.stateDir, "openclaw.json");

/** Waits for the end of a start that must fail: one that hangs is seen by the clock of the test. */
function failedStart(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  return runCommand(["gateway", "run", "--port", "0", ...args], { stateDir: state.stateDir, env });
}

async function start(): Promise<GatewayProcess> {
  running = await startGateway({ stateDir: state.stateDir });
  return running;
}

describe("a start that cannot be", () => {
  const refusals: readonly (readonly [title: string, text: string, code: string, sentence: RegExp])[] = [
    [
      "A14: lan without a credential",
      '{ gateway: { bind: "lan", auth: { mode: "none" } } }',
      "CFG_004",
      /:1: gateway\.auth\.mode none lets anybody in/,
    ],
    [
      "Q4: a token whose variable is not set",
      '{\n gateway: { auth: { token: "${NOT_SET}" } } }',
      "CFG_003",
      /:2: gateway\.auth\.token \$\{NOT_SET\} is not set/,
    ],
    [
      "a token that is a placeholder",
      '{ gateway: { auth: { token: "changeme" } } }',
      "CFG_004",
      /gateway\.auth\.token .*placeholder/,
    ],
    ["A14: a tailnet that is not there", '{ gateway: { bind: "tailnet" } }', "CFG_004", /no tailnet address/],
  ];
  it.each(refusals)(
    "%s ends with 78, says where and what to do, and leaves no process behind",
    async (_title, text, code, sentence) => {
      await writeFile(configFile(), text);
      const ended = await failedStart();
      expect(ended.code).toBe(78);
      expect(ended.stderr).toMatch(sentence);
      expect(ended.stderr).toMatch(new RegExp(`\\(${code}\\)\\n\\S.*\\.\\n$`));
      expect(ended.stderr).not.toMatch(/\n\s+at /);
    },
  );

  it("a port in use ends with 1 and names it", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const ended = await failedStart(["--port", String(port)]);
    other.close();
    expect(ended).toMatchObject({ code: 1 });
    expect(ended.stderr).toContain(`The address 127.0.0.1:${port} is in use. (SYS_005)`);
  });

  it("Y7: a wrong option is wrong usage, and not a start with something else", async () => {
    for (const args of [["--bind", "moon"], ["--port", "99999"], ["--port", "x"], ["--prot", "1"], ["extra"]]) {
      const ended = await failedStart(args);
      expect(ended.code, args.join(" ")).toBe(2);
      expect(ended.stderr).toMatch(/^openclaw: .*\(SYS_003\)\n/);
    }
  });

  it("a state directory that is a file, and a store that is none or a newer version's, end by name and stay as they are", async () => {
    const file = path.join(state.stateDir, "file");
    await writeFile(file, "not a folder");
    const noFolder = await runCommand(["gateway", "run", "--port", "0"], { stateDir: file });
    expect(noFolder).toMatchObject({ code: 1 });
    expect(noFolder.stderr).toMatch(/STORE_001/);

    const { storeFile } = statePaths(state.stateDir);
    await mkdir(path.dirname(storeFile), { recursive: true });
    const garbage = "this is no database, whoever wrote it ".repeat(500);
    await writeFile(storeFile, garbage);
    const broken = await failedStart();
    expect(broken).toMatchObject({ code: 1 });
    expect(broken.stderr).toMatch(/not a database.*\(STORE_001\)/);
    expect(await readFile(storeFile, "utf8")).toBe(garbage);

    await rm(storeFile);
    await (await openSqliteStore({ file: storeFile, log: silentLog() })).close();
    const newer = new DatabaseSync(storeFile);
    newer.exec("PRAGMA user_version = 9999");
    newer.close();
    const older = await failedStart();
    expect(older).toMatchObject({ code: 78 });
    expect(older.stderr).toMatch(/has schema 9999.*\(STORE_004\)/);
  });
});

describe("a start with a mistake in the configuration", () => {
  it("Q4: unknown keys and wrong kinds are told once, with line and path, and cost themselves alone", async () => {
    await writeFile(
      configFile(),
      '{\n  wibble: 1,\n  gateway: { prot: 2 },\n  agents: { defaults: { timeoutSeconds: "soon" } },\n}',
    );
    const gateway = await start();
    for (const line of [
      /^warning: \S+openclaw\.json:2: wibble is not known/m,
      /^warning: \S+openclaw\.json:3: gateway\.prot is not known/m,
      /^error: \S+openclaw\.json:4: agents\.defaults\.timeoutSeconds expected a number, got "soon"/m,
    ])
      expect(gateway.output().match(new RegExp(line.source, "gm"))).toHaveLength(1);
    // Not a second time as lines of the log.
    expect(gateway.output()).not.toMatch(/WARN|\n\s+at |undefined|\[object/);
    expect((await ask(gateway, "GET", "/readyz")).status).toBe(200);
  });

  it("Q1: a broken file leads to the last one that was good, else to defaults, and is taken over when it is mended", async () => {
    await writeFile(configFile(), "{\n  gateway: { port: 18789,\n  agents");
    const first = await start();
    expect(first.output()).toMatch(/^error: \S+openclaw\.json is not valid JSON5 at line 3/m);
    expect(first.output()).toMatch(/Safe defaults are in force/);
    const socket = await client(first);
    await writeFile(configFile(), '{ agents: { defaults: { timeoutSeconds: 77 } }, logging: { level: "debug" } }');
    await expect.poll(async () => timeout(await socket.ask("config.get")), { timeout: 2_000 }).toBe(77);
    expect(socket.socket.readyState).toBe(1);
    expect(await first.kill("SIGTERM")).toBe(0);

    await writeFile(configFile(), '{ $include: "./openclaw.json" }');
    const second = await start();
    expect(second.output()).toMatch(/includes itself/);
    expect(second.output()).toMatch(/The last configuration that was good is in force/);
    expect(timeout(await (await client(second)).ask("config.get"))).toBe(77);
  });

  it("Q10: a broken edit while it runs is kept out with one warning and one event, and costs no socket", async () => {
    await writeFile(configFile(), JSON.stringify(configWith("http://127.0.0.1:9")));
    const gateway = await start();
    const socket = await client(gateway);
    await writeFile(configFile(), "{ broken");
    await socket.event("config.refused");
    await writeFile(
      configFile(),
      JSON.stringify({ ...configWith("http://127.0.0.1:9"), session: { mainKey: "house" } }),
    );
    await socket.event("config.changed");
    expect(socket.events("config.refused")).toHaveLength(1);
    expect(gateway.output().match(/WARN .*An edit of the configuration was kept out/g)).toHaveLength(1);
    expect((await socket.call("health")).ok).toBe(true);
  });
});

describe("a part that cannot be reached", () => {
  it("A2: leaves the gateway ready, and says of itself what is wrong", async () => {
    const irc = {
      host: "127.0.0.1",
      port: 9,
      tls: false,
      nick: "claw",
      channels: ["#x"],
      dmPolicy: "open",
      allowFrom: ["*"],
    };
    await writeFile(
      configFile(),
      JSON.stringify({ ...configWith("http://127.0.0.1:9"), channels: { irc, telegram: { botToken: 7 } } }),
    );
    const gateway = await start();
    expect((await ask(gateway, "GET", "/readyz")).status).toBe(200);
    const socket = await client(gateway);
    const own = async () =>
      ((await socket.ask("status"))["channels"] as { channel: string; state: string; reason: string }[]).find(
        ({ channel }) => channel === "irc",
      );
    await expect.poll(own, { timeout: 5_000 }).toMatchObject({ reason: expect.stringMatching(/refused|reach/i) });
    expect((await own())?.state).not.toBe("CONNECTED");
    const command = await runCommand(["status"], {
      stateDir: state.stateDir,
      env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) },
    });
    expect(command).toMatchObject({ code: 0 });
    expect(command.stdout).toContain("irc/default");
  });
});

describe("two gateways in one process", () => {
  it("A1: start beside each other, answer, and leave nothing behind when they are closed", async () => {
    const other = await newStateDir();
    const environmentOf = (stateDir: string) =>
      readEnvironment({ HOME: stateDir, OPENCLAW_STATE_DIR: stateDir, OLLAMA_HOST: "http://127.0.0.1:9" });
    const round = async (): Promise<void> => {
      const gateways = await Promise.all(
        [state.stateDir, other.stateDir].map((stateDir) =>
          startGatewayServer(0, { environment: environmentOf(stateDir) }),
        ),
      );
      for (const gateway of gateways) {
        const token = (await readFile(path.join(gateway.stateDir, "gateway.token"), "utf8")).trim();
        const socket = await connect(gateway.url.replace("http", "ws"), { auth: { token } });
        await socket.ask("agent", { message: "hello", idempotencyKey: `hello ${gateway.port}` });
        expect(await socket.ask("agent.wait", { runId: `hello ${gateway.port}` })).toMatchObject({ status: "ok" });
        await socket.close();
      }
      await Promise.all(gateways.map((gateway) => gateway.close()));
      for (const gateway of gateways) await expect(fetch(`${gateway.url}/health`)).rejects.toThrow("fetch failed");
    };
    // The first round loads what is loaded once in a process.
    await round();
    const before = resources();
    await round();
    await round();
    await expect.poll(resources).toEqual(before);
    await other.remove();
  }, 30_000);
});

/** What keeps a process alive, but for the runner's own. */
function resources(): readonly string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => name !== "Timeout" && name !== "Immediate")
    .toSorted();
}

function timeout(answer: Record<string, unknown>): number {
  return (answer["config"] as { agents: { defaults: { timeoutSeconds: number } } }).agents.defaults.timeoutSeconds;
}
