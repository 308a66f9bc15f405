/** Speech in a whole gateway: asked over the wire, spoken by a played service, switched in the file and over a restart. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readEnvironment } from "../config/environment.ts";
import { connect, errorOf, type WireClient } from "../gateway/wire-client.fixture.ts";
import { silentOpus } from "../speech/audio.fixture.ts";
import { opusDurationMs } from "../speech/opus-duration.ts";
import { startGatewayServer, type RunningGateway } from "./compose.ts";

let home: string;
let server: Server;
let running: RunningGateway | undefined;
const spoken = silentOpus(75);

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "openclaw-home-"));
  await mkdir(path.join(home, ".openclaw", "workspace"), { recursive: true, mode: 0o700 });
  server = createServer((req, res) => void req.resume().on("end", () => res.end(spoken)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  await rm(home, { recursive: true, force: true });
});

const file = () => path.join(home, ".openclaw", "openclaw.json");

async function start(scopes?: readonly string[]): Promise<WireClient> {
  const environment = readEnvironment({ HOME: home, PATH: "/usr/bin:/bin", OLLAMA_HOST: "http://127.0.0.1:9" });
  running ??= await startGatewayServer(0, { environment });
  const token = (await readFile(path.join(running.stateDir, "gateway.token"), "utf8")).trim();
  return connect(running.url.replace("http", "ws"), { auth: { token }, ...(scopes === undefined ? {} : { scopes }) });
}

describe("speech over the wire", () => {
  it("C16: is in the sums of what was used, and silent while all spending is paused", async () => {
    let asked = 0;
    server.on("request", () => (asked += 1));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    await writeFile(file(), JSON.stringify({ messages: { tts: { providers: { openai: { baseUrl } } } } }));
    const client = await start();
    await client.ask("tts.convert", { text: "Hello there.", format: "opus" });
    expect(await client.ask("usage.cost", { by: "origin" })).toMatchObject({
      groups: [{ key: "speech", missingCostEntries: 1 }],
    });
    await client.ask("budget.pause", {});
    const refused = errorOf(await client.call("tts.convert", { text: "Hello there.", format: "opus" }));
    expect([refused.message, asked]).toEqual([expect.stringContaining("paused"), 1]);
  });

  it("C16: a text comes back as Opus that plays as long as it should; what is on stays on over a restart", async () => {
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const config = { messages: { tts: { maxTextLength: 20, providers: { openai: { baseUrl, voice: "sky" } } } } };
    await writeFile(file(), JSON.stringify(config));
    const client = await start();
    expect(await client.ask("tts.status")).toEqual({
      enabled: false,
      auto: "off",
      provider: "openai",
      maxTextLength: 20,
    });
    expect(await client.ask("tts.providers")).toMatchObject({
      active: "openai",
      providers: [
        { id: "openai", configured: true, voice: "sky" },
        { id: "elevenlabs", configured: false },
      ],
    });
    const answer = await client.ask("tts.convert", { text: "Hello.", format: "opus" });
    expect(answer).toMatchObject({ mimeType: "audio/ogg", durationMs: 1_500, voiceCompatible: true, voice: "sky" });
    const audio = Buffer.from(answer["audio"] as string, "base64");
    expect(audio.equals(spoken)).toBe(true);
    expect(opusDurationMs(audio)).toBe(1_500);
    expect(errorOf(await client.call("tts.convert", { text: "x".repeat(21) })).message).toContain("20");
    expect(await client.ask("tts.enable")).toEqual({ ok: true, enabled: true });
    expect(await client.ask("tts.enable")).toEqual({ ok: true, enabled: true });
    await running?.close();
    running = undefined;
    const second = await start();
    expect(await second.ask("tts.status")).toMatchObject({ enabled: true, auto: "always" });
    expect(await second.ask("tts.disable")).toEqual({ ok: true, enabled: false });
    expect(JSON.parse(await readFile(file(), "utf8"))).toMatchObject({ messages: { tts: { auto: "off" } } });
    const reader = await start(["operator.read"]);
    for (const method of ["tts.enable", "tts.disable", "tts.convert"])
      expect(errorOf(await reader.call(method, { text: "x" })).message, method).toContain("operator.write");
    expect(await reader.ask("tts.status")).toMatchObject({ enabled: false });
  });
});
