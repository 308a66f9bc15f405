/** A drill works on a copy of a real configuration: none of its secrets goes along, and nobody but this machine is reached. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDrillPort } from "../../src/app/drill-port.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { drillConfig, type DrillSurroundings } from "../../src/drill/crash/drill-config.ts";
import { runCommand } from "../e2e/gateway-process.ts";

const run = promisify(execFile);
const botToken = "123456789:AAreal-token-of-a-person-0123456789";
const apiKey = "sk-real-key-of-a-person";

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(path.join(tmpdir(), "openclaw-drill-user-"));
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

const surroundings: DrillSurroundings = {
  telegramUrl: "http://127.0.0.1:40001",
  modelUrl: "http://127.0.0.1:40002",
  modelKey: "canary",
  accounts: [{ name: "bot1", token: "1:emulated", streaming: "off" as const }],
  closedGroups: ["-100"],
  logLevel: "debug",
  timeoutSeconds: 600,
};

async function writeUsersConfig(): Promise<void> {
  const config = {
    agents: { defaults: { model: { primary: "openai/gpt-5", fallbacks: [] } }, list: [{ id: "main", name: "Claw" }] },
    models: {
      providers: { openai: { baseUrl: "https://api.example.com/v1", apiKey, api: "openai-responses", models: [] } },
    },
    channels: { telegram: { botToken, allowFrom: ["tg:1"] } },
    gateway: { auth: { token: "a-token-that-opens-the-real-gateway" } },
  };
  await writeFile(path.join(stateDir, "openclaw.json"), JSON.stringify(config));
}

describe("the copy of a configuration", () => {
  it("keeps how messages are treated, and takes no secret and no address along", async () => {
    await writeUsersConfig();
    const port = await openDrillPort(readEnvironment({ OPENCLAW_STATE_DIR: stateDir, HOME: stateDir }));
    expect(port.secrets).toEqual(expect.arrayContaining([botToken, apiKey]));
    const copy = drillConfig(port.written, port.secrets, surroundings);
    const text = JSON.stringify(copy);
    for (const secret of port.secrets) expect(text).not.toContain(secret);
    expect(text.match(/https?:\/\/[^/"]+/g)?.filter((url) => !url.startsWith("http://127.0.0.1:"))).toEqual([]);
    expect(copy).toMatchObject({
      agents: { defaults: { model: { primary: "openai/gpt-5" } }, list: [{ id: "main", name: "Claw" }] },
      models: { mode: "replace", providers: { openai: { api: "openai-responses", apiKey: "canary" } } },
    });
  });

  it("is refused where a secret stands in what is kept", () => {
    const written = { agents: { list: [{ id: "main", name: `my key is ${apiKey}` }] } };
    expect(() => drillConfig(written, [apiKey], surroundings)).toThrow(expect.objectContaining({ code: "SEC_005" }));
  });
});

describe("a process in a drill", () => {
  /** Tries one address with the trap around it, and prints what became of it. */
  async function tryToReach(code: string): Promise<string> {
    const trap = new URL("../../src/drill/loopback-only.ts", import.meta.url).href;
    const script = `
      const { allowLoopbackOnly } = await import(${JSON.stringify(trap)});
      allowLoopbackOnly((address) => console.log("refused", address));
      const told = (error) => console.log("error", error.code ?? error.cause?.code, error.cause?.cause?.code ?? "");
      ${code}`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], { timeout: 20_000 });
    return stdout;
  }

  it("reaches no other machine: by address, by name, over HTTP, over TLS, by datagram", async () => {
    // Addresses that belong to nobody (RFC 5737, RFC 2606): where the trap fails, nobody hears of it.
    const attempts = [
      `const { connect } = await import("node:net"); connect(80, "192.0.2.1").on("error", told);`,
      `const { connect } = await import("node:net"); connect({ host: "nobody.invalid", port: 80 }).on("error", told);`,
      `const { connect } = await import("node:tls"); connect({ host: "192.0.2.1", port: 443 }).on("error", told);`,
      `const { get } = await import("node:http"); get("http://192.0.2.1/").on("error", told);`,
      `await fetch("http://192.0.2.1/").catch(told);`,
      `const { createSocket } = await import("node:dgram"); const s = createSocket("udp4"); try { s.send("x", 53, "192.0.2.1"); } catch (error) { told(error); } s.close();`,
    ];
    for (const attempt of attempts)
      expect(await tryToReach(attempt), attempt).toMatch(/^refused (192\.0\.2\.1|nobody\.invalid)$/m);
  });

  it("reaches this machine", async () => {
    const server = `const { createServer } = await import("node:http"); const server = createServer((_, r) => r.end("here")); server.listen(0, "127.0.0.1", async () => { console.log(await (await fetch("http://127.0.0.1:" + server.address().port)).text()); server.close(); });`;
    expect(await tryToReach(server)).toBe("here\n");
  });
});

describe("openclaw drill crash", () => {
  it("leaves the user's folder as it was, prints what it found, and writes it down", async () => {
    await writeUsersConfig();
    const before = await readFile(path.join(stateDir, "openclaw.json"), "utf8");
    const file = path.join(stateDir, "reports", "drill.json");
    await mkdir(path.dirname(file));
    const { code, stdout, stderr } = await runCommand(
      ["drill", "crash", "--kills", "4", "--seed", "7", "--json", "--report", file],
      { stateDir },
    );
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({ seed: 7, kills: 4, lost: 0, unlabelledDuplicates: 0, violations: [] });
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(report);
    expect(`${stdout}${stderr}`).not.toContain(botToken);
    expect(await readFile(path.join(stateDir, "openclaw.json"), "utf8")).toBe(before);
  }, 120_000);
});
