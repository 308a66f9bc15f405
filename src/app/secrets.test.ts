/** A gateway within this process whose secrets are in the vault: there, missing, expired, changed while it runs, closed. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startModelEmulator } from "../drill/model-emulator/server.ts";
import { listenOn } from "../gateway/listen.ts";
import { connect, type WireClient } from "../gateway/wire-client.fixture.ts";
import { readEnvironment, type Environment } from "../config/environment.ts";
import type { SecretScope } from "../domain/secret-scope.ts";
import { startGatewayServer, type RunningGateway } from "./compose.ts";
import { openSecrets } from "./secrets.ts";

interface House {
  readonly stateDir: string;
  readonly environment: Environment;
  keep(scope: SecretScope, name: string, value: string, expiresMs?: number): Promise<void>;
  start(): Promise<{ gateway: RunningGateway; socket: WireClient }>;
}

async function house(config: object, variables: Readonly<Record<string, string>> = {}): Promise<House> {
  const stateDir = await mkdtemp(path.join(tmpdir(), "openclaw-secrets-"));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  await writeFile(path.join(stateDir, "openclaw.json"), JSON.stringify(config));
  const environment = readEnvironment({
    HOME: stateDir,
    OPENCLAW_STATE_DIR: stateDir,
    OLLAMA_HOST: "http://127.0.0.1:9",
    ...variables,
  });
  return {
    stateDir,
    environment,
    keep: (scope, name, value, expiresMs) =>
      openSecrets({ environment })
        .vault.scoped(scope)
        .write(name, value, { expiresMs: expiresMs ?? null }),
    async start() {
      const gateway = await startGatewayServer(0, { environment });
      onTestFinished(() => gateway.close());
      const token = (await readFile(path.join(stateDir, "gateway.token"), "utf8")).trim();
      const socket = await connect(gateway.url.replace("http", "ws"), { auth: { token } });
      onTestFinished(() => socket.close());
      return { gateway, socket };
    },
  };
}

interface Account {
  readonly accountId: string;
  readonly healthState: string;
  readonly lastError?: string | null;
  readonly reason?: string | null;
}

async function accountOf(socket: WireClient, channel: string): Promise<Account | undefined> {
  const { channelAccounts } = (await socket.ask("channels.status")) as { channelAccounts: Record<string, Account[]> };
  return channelAccounts[channel]?.[0];
}

/** A Bot API that refuses everything and counts. */
async function botApi(): Promise<{ apiRoot: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((req, res) => {
    seen.push(req.url ?? "");
    res.writeHead(401, { "content-type": "application/json" });
    res.end(JSON.stringify({ ok: false, error_code: 401, description: "Unauthorized" }));
  });
  const { port } = await listenOn(server, 0, ["127.0.0.1"]);
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { apiRoot: `http://127.0.0.1:${port}`, seen };
}

const botToken = "123456:of-the-vault";

async function withModel(
  apiKey: string,
): Promise<{ model: Awaited<ReturnType<typeof startModelEmulator>>; models: object }> {
  const model = await startModelEmulator();
  onTestFinished(() => model.close());
  const provider = { baseUrl: `${model.url}/v1`, apiKey, api: "openai-completions", models: [{ id: "m" }] };
  return { model, models: { providers: { mock: provider } } };
}

async function say(socket: WireClient, runId: string): Promise<Record<string, unknown>> {
  await socket.ask("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: runId });
  return socket.ask("agent.wait", { runId, timeoutMs: 8_000 });
}

describe("a gateway with a vault", () => {
  it("S4: a channel whose secret is missing says so, is not tried, and runs as soon as the secret is set", async () => {
    const { apiRoot, seen } = await botApi();
    const one = await house({ channels: { telegram: { botToken: "${secret:bot}", apiRoot } } });
    const { gateway, socket } = await one.start();
    expect(gateway.configIssues.join()).toContain("openclaw secrets set channel:telegram bot");
    const account = await accountOf(socket, "telegram");
    expect(account?.healthState).toBe("PERMANENTLY_FAILED");
    expect(JSON.stringify(account)).toContain("openclaw secrets set channel:telegram bot");
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    // Another channel's secret of that name is none of this one's.
    await one.keep("channel:irc", "bot", "123456:of-another");
    await one.keep("gateway", "bot", "123456:of-the-house");
    expect(seen).toEqual([]);
    await one.keep("channel:telegram", "bot", botToken);
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(new Set(seen.map((address) => address.split("/")[1]))).toEqual(new Set([`bot${botToken}`]));
  });

  it("S4: a channel whose secret is taken away or expires while it runs stops using it", async () => {
    const { apiRoot, seen } = await botApi();
    const one = await house({ channels: { telegram: { botToken: "${secret:bot}", apiRoot } } });
    await one.keep("channel:telegram", "bot", botToken, Date.now() + 3_600_000);
    const { socket } = await one.start();
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await one.keep("channel:telegram", "bot", botToken, Date.now() - 1);
    await expect
      .poll(async () => JSON.stringify(await accountOf(socket, "telegram")), { timeout: 10_000 })
      .toContain("has expired");
    const asked = seen.length;
    await socket.call("channels.restart", { channel: "telegram" });
    expect(seen.length).toBe(asked);
  });

  it("S4 S5: a provider whose secret is missing is not asked, and answers with what to do; set, it answers", async () => {
    const { model, models } = await withModel("${secret:key}");
    const one = await house({ models, agents: { defaults: { model: { primary: "mock/m" } } } });
    const { socket } = await one.start();
    const refused = await say(socket, "without");
    expect(refused).toMatchObject({ status: "error", errorCode: "VAULT_003" });
    expect(String(refused["error"])).toContain("openclaw secrets set provider:mock key");
    expect(model.requests).toHaveLength(0);
    await one.keep("provider:mock", "key", "key-of-the-vault");
    let round = 0;
    await expect
      .poll(async () => (await say(socket, `with ${(round += 1)}`))["status"], { timeout: 15_000 })
      .toBe("ok");
    expect(model.requests.at(-1)?.headers["authorization"]).toBe("Bearer key-of-the-vault");
  });

  it("S2: a vault whose passphrase nobody gives closes what needs it, and the house starts", async () => {
    const { models } = await withModel("${secret:key}");
    const config = { models, vault: { key: "passphrase" }, agents: { defaults: { model: { primary: "mock/m" } } } };
    const locked = await house(config, { OPENCLAW_VAULT_PASSPHRASE: "correct horse battery" });
    await locked.keep("provider:mock", "key", "key-of-the-vault");
    const withoutPassphrase = readEnvironment({
      HOME: locked.stateDir,
      OPENCLAW_STATE_DIR: locked.stateDir,
      OLLAMA_HOST: "http://127.0.0.1:9",
    });
    const gateway = await startGatewayServer(0, { environment: withoutPassphrase });
    onTestFinished(() => gateway.close());
    expect(gateway.configIssues.join()).toContain("set OPENCLAW_VAULT_PASSPHRASE");
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });

  it("R008: the gateway's token in the vault is the one that lets in, and a new one shuts the old one out", async () => {
    const one = await house({ gateway: { auth: { token: "${secret:token}" } } });
    await one.keep("gateway", "token", "first-token-of-the-vault");
    const gateway = await startGatewayServer(0, { environment: one.environment });
    onTestFinished(() => gateway.close());
    const statusWith = async (token: string): Promise<number> =>
      (await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect([await statusWith("first-token-of-the-vault"), await statusWith("second-token")]).toEqual([200, 401]);
    await one.keep("gateway", "token", "second-token-of-the-vault");
    await expect.poll(() => statusWith("second-token-of-the-vault"), { timeout: 10_000 }).toBe(200);
    expect(await statusWith("first-token-of-the-vault")).toBe(401);
  });

  it("the vault is not looked at, and nothing is made, where nothing refers to it", async () => {
    const one = await house({});
    const { gateway } = await one.start();
    await gateway.close();
    await expect(readFile(path.join(one.stateDir, "credentials", "vault.json"))).rejects.toMatchObject({
      code: "ENOENT",
    });
    await expect(readFile(path.join(one.stateDir, "credentials", "master.key"))).rejects.toMatchObject({
      code: "ENOENT",
    });
  });
});
