/**
 * Secrets in every place where a person can put one, each a canary, in a gateway that lives through everything that goes
 * wrong around it. Then every byte that it left or said is looked through: none of them is anywhere but where the
 * person wrote it.
 */
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSecrets } from "../../src/app/secrets.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { methods } from "../../src/protocol/registry.ts";
import { findIn, findInFolder, needlesOf, type Finding } from "../canary/find-canaries.ts";
import { hostileAnswers, startHostileWorld, type HostileWorld } from "../canary/hostile-world.ts";
import { newStateDir, runCommand, startGateway, type CommandResult, type GatewayProcess } from "./gateway-process.ts";
import { ask, client } from "./observe.ts";

/** By place. With the characters that each form of writing changes. */
const canaries = {
  "provider key of the vault": 'cnry-vault-key "a"/+&ü1',
  "header of the vault": "cnry-vault-header/+=~b2",
  "gateway token of the vault": "cnry-vault-gateway-token-c3",
  "irc password of the vault": "cnry-vault-irc-pass/+d4",
  "profile of the vault": "cnry-vault-profile-refresh-token-e5",
  "passphrase of the vault": "cnry the vault's passphrase/+f6",
  "provider key of the configuration": "cnry-config-key/+g7",
  "header of the configuration": "cnry-config-header~h8",
  "bot token of the configuration": "1234567890:cnry-config-bot-token-i9",
  "hook token of the configuration": "cnry-config-hook-token-j10",
  "variable of the configuration": "cnry-config-variable-k11",
  "key of the environment": "cnry-env-openrouter-key-l12",
  "key of AWS": "cnry-env-aws-secret-m13",
  "variable of the environment": "cnry-env-referred-n14",
  "key of the .env file": "cnry-dotenv-key-o15",
} as const;

const needles = needlesOf(canaries);

const environment = {
  OPENCLAW_VAULT_PASSPHRASE: canaries["passphrase of the vault"],
  OPENROUTER_API_KEY: canaries["key of the environment"],
  AWS_SECRET_ACCESS_KEY: canaries["key of AWS"],
  REFERRED: canaries["variable of the environment"],
};

/** One for each way to ask and each way to answer: one that has failed is left alone for a while. */
function providersFor(world: HostileWorld): string {
  return hostileAnswers
    .flatMap((how, index) => {
      const base = `baseUrl: "${world.modelUrl(how)}", api: "openai-completions", models: [{ id: "m" }]`;
      const sealed = `${base}, apiKey: "\${secret:key}", headers: { "x-own": "Own \${secret:header}" }`;
      const plain = `${base}, apiKey: "${canaries["provider key of the configuration"]}", headers: { "x-own": "${canaries["header of the configuration"]}", "x-referred": "\${REFERRED}" }`;
      return [`"chat-${index}": { ${sealed} }`, `"once-${index}": { ${plain} }`, `"stream-${index}": { ${sealed} }`];
    })
    .join(",\n");
}

function configFor(world: HostileWorld): string {
  return `{
  // what a person writes by hand
  logging: { level: "trace", consoleLevel: "trace" },
  gateway: { auth: { token: "\${secret:token}" } },
  env: { vars: { ANTHROPIC_API_KEY: "${canaries["variable of the configuration"]}" } },
  hooks: { enabled: true, token: "${canaries["hook token of the configuration"]}" },
  models: { providers: { ${providersFor(world)} } },
  agents: { defaults: { model: { primary: "chat-0/m" }, timeoutSeconds: 5 } },
  channels: {
    telegram: { botToken: "${canaries["bot token of the configuration"]}", apiRoot: "${world.botApiUrl}", allowFrom: ["tg:1"] },
    irc: {
      host: "127.0.0.1", port: ${world.ircPort}, tls: false, nick: "claw",
      password: "\${secret:pass}", sasl: { mechanism: "PLAIN", account: "claw", password: "\${secret:pass}" },
    },
  },
}
`;
}

/** Throws inside the gateway when it gets the signal, with secrets in the error, its cause and its fields. */
const saboteur = `
process.on("SIGALRM", () => {
  const env = process.env;
  const cause = Object.assign(new Error("the key " + env.OPENROUTER_API_KEY + " was refused"), { headers: { authorization: "Bearer " + env.REFERRED } });
  throw new Error("unforeseen: " + env.OPENCLAW_VAULT_PASSPHRASE + " " + ${JSON.stringify(canaries["provider key of the vault"])}, { cause });
});
`;

/** Everything that anybody got to see. */
interface Said {
  readonly place: string;
  readonly text: string;
}

describe("canaries", () => {
  let world: HostileWorld;
  let state: Awaited<ReturnType<typeof newStateDir>>;
  const said: Said[] = [];
  let listing: readonly string[] = [];

  async function command(args: readonly string[], input = ""): Promise<CommandResult> {
    const result = await runCommand(args, { stateDir: state.stateDir, env: environment, input });
    said.push({ place: `openclaw ${args.join(" ")}`, text: `${result.stdout}\n${result.stderr}` });
    return result;
  }

  async function setSecret(scope: string, name: string, value: string): Promise<void> {
    const { code } = await command(["secrets", "set", scope, name], `${value}\n`);
    expect(code).toBe(0);
  }

  async function keepProviderSecrets(): Promise<void> {
    const variables = { HOME: state.stateDir, OPENCLAW_STATE_DIR: state.stateDir, ...environment };
    const { vault } = openSecrets({ environment: readEnvironment(variables) });
    for (const index of hostileAnswers.keys()) {
      for (const scope of [`provider:chat-${index}`, `provider:stream-${index}`] as const) {
        await vault.scoped(scope).write("key", canaries["provider key of the vault"]);
        await vault.scoped(scope).write("header", canaries["header of the vault"]);
      }
    }
  }

  async function start(args: readonly string[] = []): Promise<GatewayProcess> {
    const preload = path.join(state.stateDir, "..", `${path.basename(state.stateDir)}-saboteur.mjs`);
    await writeFile(preload, saboteur);
    const options = [
      `--import=${preload}`,
      "--report-on-signal",
      "--report-uncaught-exception",
      "--report-on-fatalerror",
      `--report-directory=${state.stateDir}`,
    ];
    const gateway = await startGateway({
      stateDir: state.stateDir,
      env: { ...environment, NODE_OPTIONS: options.join(" ") },
      args: ["--verbose", ...args],
    });
    return { ...gateway, token: canaries["gateway token of the vault"] };
  }

  /** All that a day can bring. Returns when everything was asked for. */
  async function live(gateway: GatewayProcess): Promise<void> {
    const socket = await client(gateway);
    for (const [index, how] of hostileAnswers.entries()) {
      const runId = `${how} ${gateway.pid}`;
      await socket.call("sessions.patch", { key: "main", model: `chat-${index}/m` });
      await socket.call("chat.send", { sessionKey: "main", message: `say: ${how}`, idempotencyKey: runId });
      await socket.call("agent.wait", { runId, timeoutMs: 8_000 });
      for (const [name, part] of [
        ["once", {}],
        ["stream", { stream: true }],
      ] as const)
        said.push({ place: `HTTP ${name} ${how}`, text: await answerOf(gateway, `${name}-${index}/m`, part) });
    }
    await socket.call("sessions.patch", { key: "main", model: "chat-0/m" });
    for (const slash of ["/status", "/models", "/model", "/help", "/new"]) {
      const runId = `${slash} ${gateway.pid}`;
      await socket.call("chat.send", { sessionKey: "main", message: slash, idempotencyKey: runId });
      await socket.call("agent.wait", { runId, timeoutMs: 5_000 });
    }
    await askEverything(socket, gateway);
    said.push({ place: "frames", text: socket.frames.map((frame) => JSON.stringify(frame)).join("\n") });
    await socket.close();
  }

  async function answerOf(gateway: GatewayProcess, model: string, part: object): Promise<string> {
    const body = JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "hello" }], ...part });
    const { text, headers } = await ask(gateway, "POST", "/v1/chat/completions", {
      body,
      headers: { "x-openclaw-model": model },
    });
    return `${JSON.stringify([...headers])}\n${text}`;
  }

  /** Every method that there is, with nothing and with what is most likely to tell something. */
  async function askEverything(socket: Awaited<ReturnType<typeof client>>, gateway: GatewayProcess): Promise<void> {
    // What ends the gateway, or would take away what is looked for.
    const ending = ["connect", "gateway.stop", "gateway.restart", "config.set", "config.patch", "config.apply"];
    const likely = [
      {},
      { path: "models.providers.chat-0.apiKey" },
      { path: "channels" },
      { sessionKey: "main" },
      { key: "main" },
      { limit: 500, level: "trace" },
      { probe: true },
      { channel: "telegram" },
      { model: canaries["header of the vault"].slice(0, 4) },
    ];
    for (const { name } of methods) {
      if (ending.includes(name)) continue;
      for (const params of likely) await socket.call(name, params);
    }
    // What comes back for a wrong change quotes what was there.
    await socket.call("config.set", { path: "models.providers.chat-0.apiKey", value: 7 });
    await socket.call("config.patch", { patch: { channels: { irc: { port: "${secret:pass}" } } } });
    for (const route of [
      "/health",
      "/healthz",
      "/readyz",
      "/metrics",
      "/v1/models",
      "/chat",
      "/nothing",
      "/hooks/wake",
    ]) {
      const response = await fetch(`${gateway.url}${route}`, { headers: { authorization: `Bearer ${gateway.token}` } });
      said.push({ place: route, text: `${JSON.stringify([...response.headers])}\n${await response.text()}` });
    }
  }

  async function lookAround(gateway: GatewayProcess): Promise<void> {
    const port = { OPENCLAW_GATEWAY_PORT: String(gateway.port) };
    const run = async (args: readonly string[]): Promise<void> => {
      const result = await runCommand(args, { stateDir: state.stateDir, env: { ...environment, ...port } });
      said.push({ place: `openclaw ${args.join(" ")}`, text: `${result.stdout}\n${result.stderr}` });
    };
    const commands = [
      "doctor",
      "doctor --json",
      "status",
      "health",
      "config get",
      "config get --json",
      "config validate",
      "config diff",
      "config schema",
      "models list",
      "channels status",
      "sessions list",
      "sessions show main",
      "sessions export main",
      "logs",
      "secrets list",
      "secrets list --json",
      "secrets import",
      "dlq list",
      "outbox list",
    ];
    // A few at a time: each is a process of its own.
    for (let from = 0; from < commands.length; from += 4)
      await Promise.all(commands.slice(from, from + 4).map((words) => run(words.split(" "))));
  }

  function findingsInWords(place: string, text: string, isOwn: (finding: Finding) => boolean = () => false): Finding[] {
    return findIn(text, place, needles).filter((finding) => !isOwn(finding));
  }

  beforeAll(async () => {
    world = await startHostileWorld();
    state = await newStateDir();
    await writeFile(path.join(state.stateDir, "openclaw.json"), configFor(world));
    await writeFile(path.join(state.stateDir, ".env"), `GEMINI_API_KEY=${canaries["key of the .env file"]}\n`);
    for (const file of ["openclaw.json", ".env"]) await chmod(path.join(state.stateDir, file), 0o600);
    await keepProviderSecrets();
    await setSecret("gateway", "token", canaries["gateway token of the vault"]);
    await setSecret("channel:irc", "pass", canaries["irc password of the vault"]);
    const login = JSON.stringify({ access: "not-a-canary", refresh: canaries["profile of the vault"] });
    await setSecret("profile:vault:work", "login", login);
  }, 60_000);

  afterAll(async () => {
    await world?.close();
    await state?.remove();
  });

  it("S8: in a day of failures no secret comes out in a frame, an answer, a prompt, a line of output or a report", async () => {
    const gateway = await start();
    await live(gateway);
    await lookAround(gateway);
    // A report of the running process, and then an error that nobody caught.
    process.kill(gateway.pid, "SIGUSR2");
    await expect
      .poll(async () => (await filesIn(state.stateDir)).some((file) => file.startsWith("report.")))
      .toBe(true);
    process.kill(gateway.pid, "SIGALRM");
    expect(await gateway.ended).toBe(1);
    said.push({ place: "standard output and error", text: gateway.output() });
    expect(gateway.output()).toContain("unforeseen: [redacted] [redacted]");
    const report = (await filesIn(state.stateDir)).find((file) => file.startsWith("report."));
    said.push({ place: "report", text: await readFile(path.join(state.stateDir, report ?? ""), "utf8") });
    // Enough was said for its silence to mean something.
    expect(new Set(world.prompts.map((call) => call.path.split("/")[1])).size).toBe(hostileAnswers.length);
    expect(world.prompts.length).toBeGreaterThanOrEqual(3 * hostileAnswers.length);
    for (const { place, text } of said) expect(findingsInWords(place, text)).toEqual([]);
    for (const { path: where, body } of world.prompts) expect(findingsInWords(`prompt ${where}`, body)).toEqual([]);
    // Where a redirect leads to is not where the key belongs.
    for (const { headers, body } of world.led)
      expect(findingsInWords("led elsewhere", `${headers} ${body}`)).toEqual([]);
  }, 180_000);

  it("S8: nothing that it left on the disk holds one, except what the person wrote by hand", async () => {
    const { findings, files } = await findInFolder(state.stateDir, needles, (file) =>
      /^(openclaw\.json(\..*)?|\.env)$/.test(file),
    );
    expect(files).toEqual(
      expect.arrayContaining(["logs/openclaw.log", "state/openclaw.sqlite", "credentials/vault.json"]),
    );
    expect(findings).toEqual([]);
    // The search sees what is there.
    const own = await findInFolder(state.stateDir, needles, (file) => file !== "openclaw.json" && file !== ".env");
    expect(new Set(own.findings.map(({ canary }) => canary)).size).toBe(6);
  });

  it("R14: with the secrets moved into the vault, no file of the home holds one at all", async () => {
    const moved = await command(["secrets", "import", "--write"]);
    expect(moved.code).toBe(0);
    // A file of the person's own that nothing may refer out of: it goes the same way by hand.
    await writeFile(path.join(state.stateDir, ".env"), "");
    said.length = 0;
    world.prompts.length = 0;
    const gateway = await start();
    await live(gateway);
    await command(["secrets", "rotate"]);
    expect(await gateway.kill("SIGTERM")).toBe(0);
    said.push({ place: "standard output and error", text: gateway.output() });
    for (const { place, text } of said) expect(findingsInWords(place, text)).toEqual([]);
    // Every secret came where it belongs, out of the vault.
    const headers = world.prompts.map((call) => call.headers).join("\n");
    for (const name of [
      "provider key of the configuration",
      "header of the configuration",
      "header of the vault",
    ] as const)
      expect(headers).toContain(canaries[name]);
    const { findings, files } = await findInFolder(state.stateDir, needles);
    expect(findings).toEqual([]);
    listing = files;
    expect(listing.length).toBeGreaterThan(6);
    expect(await readFile(path.join(state.stateDir, "openclaw.json"), "utf8")).toContain(
      "// what a person writes by hand",
    );
  }, 180_000);
});

async function filesIn(folder: string): Promise<readonly string[]> {
  const { readdir } = await import("node:fs/promises");
  return readdir(folder);
}
