/** `openclaw secrets` as people use it: through pipes, beside a gateway that runs and without one. */
import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startModelEmulator } from "../../src/drill/model-emulator/server.ts";
import { configWith, newStateDir, runCommand, startGateway, type CommandResult } from "./gateway-process.ts";
import { complete } from "./observe.ts";

describe("openclaw secrets", () => {
  let state: Awaited<ReturnType<typeof newStateDir>>;
  beforeEach(async () => {
    state = await newStateDir();
  });
  afterEach(() => state.remove());

  const file = (name: string): string => path.join(state.stateDir, name);
  function secrets(words: string, input = "", env: Record<string, string> = {}): Promise<CommandResult> {
    return runCommand(["secrets", ...words.split(" ")], { stateDir: state.stateDir, input, env });
  }

  it("a value comes from standard input and is never a word of the command", async () => {
    const asWord = await secrets("set gateway token hunter2-hunter2");
    expect([asWord.code, asWord.stdout + asWord.stderr]).toEqual([2, expect.not.stringContaining("kept")]);
    expect(await readdir(state.stateDir)).toEqual([]);
    expect(await secrets("set gateway token", "hunter2-hunter2\n")).toMatchObject({
      code: 0,
      stdout: "kept: token of gateway\n",
    });
    const none = await secrets("set gateway other", "");
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("There is no secret on standard input.")]);
    const large = await secrets("set gateway other", "x".repeat(70_000));
    expect([large.code, large.stderr]).toEqual([1, expect.stringContaining("MSG_003")]);
    expect((await stat(file("credentials"))).mode & 0o777).toBe(0o700);
  });

  it("an owner or a name that none can have, a time that is over, a secret that is not there: each is said", async () => {
    for (const [words, code] of [
      ["set telegram bot", 2],
      ["set channel: bot", 2],
      ["set gateway ../bot", 2],
      ["set gateway bot --expires 2001-01-01", 2],
      ["set gateway bot --expires soon", 2],
      ["rekey --to pocket", 2],
      ["rekey", 2],
      ["remove gateway bot", 78],
    ] as const)
      expect((await secrets(words, "value")).code, words).toBe(code);
  });

  it("S7: the list has names and times and no value, needs no key, and says what is lacking", async () => {
    await writeFile(
      file("openclaw.json"),
      '{ channels: { telegram: {}, irc: { host: "h", nick: "n", password: "${secret:pass}" } } }',
    );
    await secrets("set channel:irc other --expires 30d", "hunter2-hunter2\n");
    await runCommand(["secrets", "rotate"], { stateDir: state.stateDir });
    const { rm } = await import("node:fs/promises");
    await rm(file("credentials/master.key"));
    const { code, stdout } = await secrets("list --json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      secrets: [expect.objectContaining({ scope: "channel:irc", name: "other", state: "" })],
      lacking: [
        expect.objectContaining({
          setting: "channels.irc.password",
          state: "missing",
          command: "openclaw secrets set channel:irc pass",
        }),
        expect.objectContaining({ setting: "channels.telegram.botToken", state: "unset" }),
      ],
    });
    const words = await secrets("list");
    expect(words.stdout).not.toContain("hunter2");
    expect(words.stdout).toContain("openclaw secrets set channel:telegram bot-token");
  });

  it("R14: import shows first, then moves, keeps comments and order, removes copies, and has nothing to do twice", async () => {
    const written = `{
  // the bot of the family
  channels: { telegram: { botToken: "123456:abc-plain", allowFrom: ["tg:1"] } }, // beside
  models: { providers: { p: { api: "openai-completions", baseUrl: "http://127.0.0.1:9/v1", apiKey: "plain-key", headers: { Authorization: "Bearer \${TOKEN}" }, models: [{ id: "m" }] } } },
}
`;
    await writeFile(file("openclaw.json"), written);
    await writeFile(file("openclaw.json.bak.1"), written);
    await writeFile(file("openclaw.json.bak.2"), "{}");
    const env = { TOKEN: "of the environment" };
    const shown = await secrets("import", "", env);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining("Nothing was changed.")]);
    expect(await readFile(file("openclaw.json"), "utf8")).toBe(written);
    expect(await readdir(state.stateDir)).not.toContain("credentials");
    const done = await secrets("import --write", "", env);
    expect([done.code, done.stdout]).toEqual([0, expect.stringContaining("removed, since it held a secret")]);
    const now = await readFile(file("openclaw.json"), "utf8");
    expect(now).toContain('botToken: "${secret:bot-token}", allowFrom: ["tg:1"] } }, // beside');
    expect(now).toContain("// the bot of the family");
    expect(now).toContain('apiKey: "${secret:api-key}", headers: { Authorization: "Bearer ${TOKEN}" }');
    for (const name of await readdir(state.stateDir)) {
      if (name.startsWith("openclaw.json"))
        expect(await readFile(file(name), "utf8")).not.toMatch(/abc-plain|plain-key/);
    }
    expect(await readFile(file("openclaw.json.bak.2"), "utf8").catch(() => "rotated away")).not.toContain("plain");
    const valid = await runCommand(["config", "validate"], { stateDir: state.stateDir, env });
    expect([valid.code, valid.stdout]).toEqual([0, expect.stringContaining("no mistakes")]);
    const again = await secrets("import --write", "", env);
    expect([again.code, again.stdout]).toEqual([0, "nothing to move\n"]);
    expect(await readFile(file("openclaw.json"), "utf8")).toBe(now);
  });

  it("R14: what import cannot move it names, with the reason", async () => {
    await writeFile(file("openclaw.json"), '{ $include: "./bot.json", hooks: { token: "sk-a-prefix-${TOKEN}" } }');
    await writeFile(file("bot.json"), '{ channels: { telegram: { botToken: "123456:included" } } }');
    const done = await secrets("import --write", "", { TOKEN: "x" });
    expect(done.code).toBe(1);
    expect(done.stdout).toContain("stays: hooks.token: it is made of several parts");
    expect(done.stdout).toContain("stays: channels.telegram.botToken: an included file brings it");
    expect(await readFile(file("bot.json"), "utf8")).toContain("123456:included");
  });

  it("S2: the key moves to a passphrase and back, and without it nothing opens", async () => {
    await secrets("set gateway token", "hunter2-hunter2");
    const locked = { OPENCLAW_VAULT_PASSPHRASE: "correct horse battery" };
    expect((await secrets("rekey --to passphrase", "", locked)).code).toBe(0);
    expect(await readdir(file("credentials"))).not.toContain("master.key");
    expect((await secrets("rotate")).stderr).toContain("VAULT_001");
    expect((await secrets("rotate", "", { OPENCLAW_VAULT_PASSPHRASE: "wrong horse battery" })).stderr).toContain(
      "VAULT_001",
    );
    expect((await secrets("rekey --to file", "", locked)).code).toBe(0);
    expect((await secrets("rotate")).stdout).toBe("sealed anew: 1 secrets\n");
  });

  it("S4: a gateway that runs takes over what the command line sets, rotates and removes", async () => {
    const model = await startModelEmulator();
    const config = configWith(model.url);
    const providers = (config["models"] as { providers: { mock: object } }).providers;
    const withReference = {
      ...config,
      models: { providers: { mock: { ...providers.mock, apiKey: "${secret:key}" } } },
    };
    await secrets("set provider:mock key", "first-key-of-the-vault");
    const gateway = await startGateway({ stateDir: state.stateDir, config: withReference });
    try {
      const key = async (): Promise<unknown> => {
        const { status } = await complete(gateway, "hello");
        return status === 200 ? model.requests.at(-1)?.headers["authorization"] : status;
      };
      expect(await key()).toBe("Bearer first-key-of-the-vault");
      await secrets("set provider:mock key", "second-key-of-the-vault");
      await expect.poll(key, { timeout: 10_000 }).toBe("Bearer second-key-of-the-vault");
      await secrets("rotate");
      expect(await key()).toBe("Bearer second-key-of-the-vault");
      await secrets("remove provider:mock key");
      await expect.poll(key, { timeout: 10_000 }).toBe(404);
      expect(gateway.output()).toContain("openclaw secrets set provider:mock key");
    } finally {
      await gateway.kill("SIGTERM");
      await model.close();
    }
  });

  it("doctor sees who else could read a secret, a key that is left over, an end that is near, and plain text", async () => {
    await writeFile(file("openclaw.json"), '{ hooks: { token: "plain-hook-token" } }');
    await secrets("set gateway token --expires 2d", "hunter2-hunter2");
    const { chmod } = await import("node:fs/promises");
    await chmod(file("credentials/vault.json"), 0o644);
    const key = await readFile(file("credentials/master.key"));
    const locked = { OPENCLAW_VAULT_PASSPHRASE: "correct horse battery" };
    await secrets("rekey --to passphrase", "", locked);
    await chmod(file("credentials/vault.json"), 0o644);
    await mkdir(file("credentials"), { recursive: true });
    await writeFile(file("credentials/master.key"), key, { mode: 0o600 });
    const { stdout } = await runCommand(["doctor"], { stateDir: state.stateDir, env: locked });
    for (const words of [
      `chmod 600 ${file("credentials/vault.json")}`,
      "1 secrets, locked with a passphrase",
      "master.key is left over",
      "token of gateway expires",
      "holds secrets as plain text: hooks.token",
    ])
      expect(stdout).toContain(words);
    expect(stdout).not.toMatch(/hunter2|plain-hook-token/);
  });
});
