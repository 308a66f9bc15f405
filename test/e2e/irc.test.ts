/** The main job over a real chat server: a client and a server that are not ours, and a gateway that is killed. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "irc-framework";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import { seededIds } from "../../src/platform/seeded-ids.ts";
import { configWith, newStateDir, runCommand, startGateway, type GatewayProcess } from "./gateway-process.ts";

const required = process.env["OPENCLAW_TEST_SERVICES"] === "required";
const hasNgircd = spawnSync("ngircd", ["--version"]).status === 0;
if (!hasNgircd && required) throw new Error("ngircd is required and was not found");

/** Real kills of the gateway in this test; more with OPENCLAW_KILLS. */
const kills = Number(process.env["OPENCLAW_KILLS"] ?? 6);

describe.skipIf(!hasNgircd)("IRC, end to end (needs ngircd)", () => {
  let folder: string;
  let server: ChildProcess;
  let port: number;
  let model: ModelEmulator;
  let state: Awaited<ReturnType<typeof newStateDir>>;
  let gateway: GatewayProcess;
  let ada: Client;
  const heard: { from: string; target: string; text: string }[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "openclaw-ngircd-"));
    port = await freePort();
    server = await startNgircd(folder, port);
    model = await startModelEmulator({ script: (request) => ({ text: `re: ${request.lastText}`, deltaDelayMs: 5 }) });
    state = await newStateDir();
    gateway = await start();
    ada = await connectClient(port);
    ada.on("privmsg", (event: { nick: string; target: string; message: string }) => {
      heard.push({ from: event.nick, target: event.target, text: event.message });
    });
    await present();
  }, 60_000);

  afterAll(async () => {
    ada?.quit();
    await gateway?.kill("SIGTERM");
    await model?.close();
    server?.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
    await state?.remove();
  });

  function start(): Promise<GatewayProcess> {
    const irc = {
      host: "127.0.0.1",
      port,
      tls: false,
      nick: "claw",
      channels: ["#room"],
      dmPolicy: "open",
      groupPolicy: "open",
      allowFrom: ["*"],
    };
    return startGateway({ stateDir: state.stateDir, config: configWith(model.url, { channels: { irc } }) });
  }

  /** Resolves when the assistant is on the server, as the server says. */
  async function present(): Promise<void> {
    await vi.waitFor(
      async () => {
        const found = await new Promise<boolean>((resolve) => {
          ada.whois("claw", (event: { error?: string }) => resolve(event.error === undefined));
        });
        if (!found) throw new Error("the assistant is not on the server");
      },
      { timeout: 30_000, interval: 200 },
    );
  }

  const answersTo = (text: string): string[] =>
    heard.filter((one) => one.from === "claw" && one.text.endsWith(`re: ${text}`)).map((one) => one.text);

  it("K14: a person on a real server gets an answer, directly and in a room when the assistant is addressed", async () => {
    ada.say("claw", "hello there");
    await expect.poll(() => answersTo("hello there"), { timeout: 15_000 }).toEqual(["re: hello there"]);
    ada.join("#room");
    await expect.poll(() => gateway.output() !== "" && heard.length > 0).toBe(true);
    ada.say("#room", "claw: are you here?");
    await expect
      .poll(
        () => heard.some((one) => one.target === "#room" && one.from === "claw" && one.text.includes("are you here?")),
        { timeout: 15_000 },
      )
      .toBe(true);
    ada.say("#room", "not for the assistant");
    ada.say("claw", "and this one is");
    await expect.poll(() => answersTo("and this one is").length, { timeout: 15_000 }).toBe(1);
    expect(model.requests.some((request) => request.lastText.includes("not for the assistant"))).toBe(false);
  });

  it(
    `M4: ${kills} kills at any moment lose no accepted message and repeat none without a label`,
    async () => {
      const chance = seededIds(Number(process.env["OPENCLAW_SEED"] ?? 7));
      for (let round = 0; round < kills; round += 1) {
        const text = `message ${round} ${chance.hex(4)}`;
        ada.say("claw", text);
        // From before the line is read to after the answer is out.
        await new Promise((resolve) => setTimeout(resolve, chance.random() * 120));
        await gateway.kill("SIGKILL");
        gateway = await start();
        await present();
        await settled(text);
      }
    },
    kills * 20_000,
  );

  /** One answer, and beyond it only labelled ones. A line that was never accepted is said again, as a person would. */
  async function settled(text: string): Promise<void> {
    const accepted = await isAccepted(text);
    if (!accepted) ada.say("claw", text);
    await expect.poll(() => answersTo(text).length, { timeout: 15_000 }).toBeGreaterThan(0);
    const plain = answersTo(text).filter((answer) => !answer.startsWith("(may repeat)"));
    expect(plain.length, `answers to ${text}: ${JSON.stringify(answersTo(text))}`).toBeLessThanOrEqual(1);
  }

  async function isAccepted(text: string): Promise<boolean> {
    if (answersTo(text).length > 0) return true;
    const listed = await runCommand(["sessions", "list", "--json", "--url", gateway.url], { stateDir: state.stateDir });
    const { sessions } = JSON.parse(listed.stdout) as { sessions: { key: string }[] };
    for (const { key } of sessions) {
      const exported = await runCommand(["sessions", "export", key, "--url", gateway.url], {
        stateDir: state.stateDir,
      });
      if (exported.stdout.includes(text)) return true;
    }
    return false;
  }
});

async function startNgircd(folder: string, port: number): Promise<ChildProcess> {
  const file = path.join(folder, "ngircd.conf");
  await writeFile(
    file,
    [
      "[Global]",
      "Name = irc.test.example",
      "Info = test",
      "Listen = 127.0.0.1",
      `Ports = ${port}`,
      "[Limits]",
      "MaxConnectionsIP = 0",
      "[Options]",
      "PAM = no",
      "Ident = no",
      "DNS = no",
      "",
    ].join("\n"),
  );
  return spawn("ngircd", ["-n", "-f", file], { stdio: "ignore" });
}

function connectClient(port: number): Promise<Client> {
  const client = new Client();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the test's own client could not sign on")), 30_000);
    client.on("registered", () => {
      clearTimeout(timer);
      resolve(client);
    });
    client.connect({ host: "127.0.0.1", port, nick: "ada", auto_reconnect: true, auto_reconnect_max_retries: 10 });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
