/** Variables: where they come from, what they may set and what wins over what. */
import { chmod } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { getAt, parsePath, setAt } from "../dot-path.ts";
import { testHome, told } from "../fixtures/home.ts";

describe("variables", () => {
  it("Q4: a missing variable names key and file, and takes nothing else along", async () => {
    const home = await testHome(
      `{\n models: { providers: { p: { api: "ollama",\n baseUrl: "http://h",\n apiKey: "\${NO_SUCH_KEY}" } } } }`,
    );
    const loaded = await home.load();
    expect(told(loaded)).toEqual([
      "error openclaw.json:4 models.providers.p.apiKey ${NO_SUCH_KEY} is not set in the environment",
    ]);
    expect(loaded.config.models.providers["p"]).toEqual({
      api: "ollama",
      baseUrl: "http://h",
      headers: {},
      models: [],
    });
  });

  it("Q4: substitution inside text, several in one, and the escape", async () => {
    const home = await testHome(`{ messages: { responsePrefix: "\${A}-\${B} $\${A} \${lower} $A {A}" } }`);
    const { config } = await home.load({ environment: home.environment({ A: "1", B: "${A}" }) });
    expect(config.messages.responsePrefix).toBe("1-${A} ${A} ${lower} $A {A}");
  });

  it("Q3: env.vars reach the environment and do not win over the real one unless told", async () => {
    const home = await testHome(
      `{ env: { vars: { ONLY: "file", BOTH: "file", MADE: "\${REAL}!" } }, messages: { responsePrefix: "\${ONLY} \${BOTH} \${MADE}" } }`,
    );
    const environment = home.environment({ BOTH: "real", REAL: "r" });
    expect((await home.load({ environment })).config.messages.responsePrefix).toBe("file real r!");
    await home.put("openclaw.json", (await home.text()).replace("vars:", "override: true, vars:"));
    expect((await home.load({ environment })).config.messages.responsePrefix).toBe("file file r!");
    expect(process.env["ONLY"]).toBeUndefined();
  });

  it("Q3: provider keys of env.vars are those of the environment", async () => {
    const home = await testHome(`{ env: { vars: { OPENAI_API_KEY: "from-file" } } }`);
    expect((await home.load()).environment.providerKeys.openai).toBe("from-file");
  });

  it("Q3: variables that change what runs, or where we look, are not taken from files", async () => {
    const home = await testHome(
      `{ env: { vars: { NODE_OPTIONS: "--require /evil", LD_PRELOAD: "/evil", OPENCLAW_STATE_DIR: "/evil" } } }`,
    );
    await home.put(".env", "PATH=/evil\nHOME=/evil\nDYLD_INSERT_LIBRARIES=/evil\n");
    const loaded = await home.load();
    expect(JSON.stringify(loaded.environment)).not.toContain("/evil");
    expect(loaded.issues).toHaveLength(6);
  });

  it("R131: the state directory's .env is read, and no .env of the folder one stands in", async () => {
    const home = await testHome(`{ messages: { responsePrefix: "\${FROM_ENV_FILE}" } }`);
    await home.put(".env", "FROM_ENV_FILE=yes\nOPENCLAW_GATEWAY_PORT=5555\nOPENCLAW_CONFIG_PATH=/evil\nREAL=file\n");
    const hostile = await home.put(
      "workspace/.env",
      "FROM_ENV_FILE=evil\nOPENAI_API_KEY=evil\nOPENCLAW_GATEWAY_TOKEN=evil\nANTHROPIC_BASE_URL=http://evil\n",
    );
    const before = process.cwd();
    try {
      process.chdir(path.dirname(hostile));
      const loaded = await home.load({ environment: home.environment({ REAL: "real" }) });
      expect(loaded.config.messages.responsePrefix).toBe("yes");
      expect(loaded.config.gateway.port).toBe(5555);
      expect(loaded.path).toBe(home.configFile);
      expect(loaded.environment.variables["REAL"]).toBe("real");
      expect(JSON.stringify([loaded.environment, loaded.config])).not.toContain("evil");
    } finally {
      process.chdir(before);
    }
  });

  it("Q14: a key that only the login shell has is used, when asked for, and not longer than allowed", async () => {
    const home = await testHome(
      `{ env: { shellEnv: { enabled: true } }, models: { providers: { p: { api: "ollama", apiKey: "\${SHELL_ONLY_KEY}" } } } }`,
    );
    const shell = await home.put(
      "shell.sh",
      `#!/bin/sh\necho "welcome = to the profile"\nexport SHELL_ONLY_KEY=from-shell OPENAI_API_KEY=shell-openai OTHER=x\nexec env -0\n`,
    );
    await chmod(shell, 0o755);
    const environment = home.environment({ SHELL: shell, OPENAI_API_KEY: "real" });
    const loaded = await home.load({ environment });
    expect(loaded.config.models.providers["p"]?.apiKey).toBe("from-shell");
    expect(loaded.environment.providerKeys.openai).toBe("real");
    expect(loaded.environment.variables).not.toHaveProperty("OTHER");

    await home.put("openclaw.json", (await home.text()).replace("enabled: true", "enabled: false"));
    expect((await home.load({ environment })).config.models.providers["p"]).not.toHaveProperty("apiKey");

    await home.put("shell.sh", "#!/bin/sh\nsleep 600\n");
    await home.put("openclaw.json", (await home.text()).replace("enabled: false", "enabled: true, timeoutMs: 100"));
    const started = performance.now();
    const hung = await home.load({ environment });
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(hung.issues.map((issue) => issue.path)).toEqual(["env.shellEnv", "models.providers.p.apiKey"]);
  });
});

describe("paths and overrides", () => {
  it("Q7: every path is absolute; ~ is the home directory and the rest starts at the file's folder", async () => {
    const home = await testHome(`{
      gateway: { tls: { certPath: "~/c.pem", keyPath: "k.pem" } },
      agents: { defaults: { workspace: "~" }, list: [{ id: "a", workspace: "./w" }] },
      hooks: { transformsDir: "t" }, plugins: { load: { paths: ["~/p", "q"] } }, skills: { load: { extraDirs: ["/abs"] } },
      browser: { executablePath: "~/b" }, logging: { file: "~/l/x.log" },
    }`);
    const { config } = await home.load();
    const at = (...names: string[]): string => path.join(home.dir, ...names);
    expect(config.gateway.tls).toMatchObject({ certPath: at("home", "c.pem"), keyPath: at("k.pem") });
    expect(config.agents.defaults.workspace).toBe(at("home"));
    expect(config.agents.list[0]?.workspace).toBe(at("w"));
    expect(config.hooks.transformsDir).toBe(at("t"));
    expect(config.plugins.load.paths).toEqual([at("home", "p"), at("q")]);
    expect(config.skills.load.extraDirs).toEqual(["/abs"]);
    expect([config.browser.executablePath, config.logging.file]).toEqual([at("home", "b"), at("home", "l", "x.log")]);
  });

  it("Q8: command line over environment over file over default, for each that has all four", async () => {
    const home = await testHome(`{}`);
    const cases = [
      { key: "gateway.port", variable: "OPENCLAW_GATEWAY_PORT", values: [1001, 1002, 1003], fallback: 18_789 },
      {
        key: "gateway.bind",
        variable: "OPENCLAW_GATEWAY_BIND",
        values: ["lan", "tailnet", "auto"],
        fallback: "loopback",
      },
      {
        key: "gateway.auth.token",
        variable: "OPENCLAW_GATEWAY_TOKEN",
        values: ["t-file", "t-env", "t-flag"],
        fallback: undefined,
      },
      {
        key: "gateway.auth.password",
        variable: "OPENCLAW_GATEWAY_PASSWORD",
        values: ["p-file", "p-env", "p-flag"],
        fallback: undefined,
      },
      { key: "logging.level", variable: "OPENCLAW_LOG_LEVEL", values: ["debug", "warn", "error"], fallback: "info" },
    ];
    for (const { key, variable, values, fallback } of cases) {
      const [inFile, inEnvironment, onLine] = values;
      const file = JSON.stringify(setAt({}, parsePath(key), inFile));
      const environment = home.environment({ [variable]: String(inEnvironment) });
      const effective = async (text: string, options: object): Promise<unknown> => {
        await home.put("openclaw.json", text);
        return getAt((await home.load(options)).config, parsePath(key));
      };
      expect(await effective("{}", {})).toBe(fallback);
      expect(await effective(file, {})).toBe(inFile);
      expect(await effective(file, { environment })).toBe(inEnvironment);
      expect(await effective(file, { environment, overrides: { [key]: onLine } })).toBe(onLine);
    }
  });

  it("Q8: an override is checked like the file, and a masked setting is told", async () => {
    const home = await testHome("{ gateway: { port: 1000, trustedProxies: ['10.0.0.1'] } }");
    const bad = await home.load({ overrides: { "gateway.port": 99_999 } });
    expect(bad.config.gateway).toMatchObject({ port: 18_789, trustedProxies: ["10.0.0.1"] });
    expect(told(bad)).toContain("error openclaw.json:1 gateway.port expected at most 65535, got 99999");
    const masked = await home.load({ environment: home.environment({ GATEWAY_PORT: "2000" }) });
    expect(told(masked)).toEqual([
      "warning openclaw.json:1 gateway.port is overridden by the environment or the command line",
    ]);
  });

  it("Z1: a platform's variable stands in for the setting its channel names", async () => {
    const home = await testHome(`{ channels: { b: { token: "own" } } }`);
    const environment = home.environment({ A_TOKEN: "a", B_TOKEN: "b", C_TOKEN: "" });
    const channelEnvironment = { a: { token: "A_TOKEN" }, b: { token: "B_TOKEN" }, c: { token: "C_TOKEN" } };
    expect((await home.load({ environment, channelEnvironment })).config.channels).toEqual({
      a: { token: "a" },
      b: { token: "own" },
    });
  });
});
