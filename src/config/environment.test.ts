/** The variables of the environment: which are read, which win, and what a bad value does. */
import { describe, expect, it } from "vitest";
import { environmentSecrets, extendEnvironment, readEnvironment } from "./environment.ts";
import { statePaths } from "./paths.ts";

const home = { HOME: "/home/someone" };

describe("the environment", () => {
  it("Z1: both names of the port are accepted, and the product's own name wins", () => {
    expect(readEnvironment({ ...home, GATEWAY_PORT: "3000" }).port).toBe(3000);
    expect(readEnvironment({ ...home, OPENCLAW_GATEWAY_PORT: "4000" }).port).toBe(4000);
    expect(readEnvironment({ ...home, OPENCLAW_GATEWAY_PORT: "4000", GATEWAY_PORT: "3000" }).port).toBe(4000);
    expect(readEnvironment(home).port).toBeNull();
  });

  it.each(["", "abc", "70000", "-1", "1e3", "0x10", "80 80", "3.5"])(
    "Z1: the port %j is refused as an issue, not a crash",
    (bad) => {
      const environment = readEnvironment({ ...home, OPENCLAW_GATEWAY_PORT: bad, GATEWAY_PORT: "3000" });
      expect(environment.port).toBe(3000);
      expect(environment.issues.map((issue) => issue.path)).toEqual(bad === "" ? [] : ["OPENCLAW_GATEWAY_PORT"]);
    },
  );

  it("Z1: every documented variable reaches its field", () => {
    const environment = readEnvironment({
      ...home,
      OPENCLAW_STATE_DIR: "~/state",
      OPENCLAW_CONFIG_PATH: "/etc/openclaw.json",
      OPENCLAW_GATEWAY_TOKEN: "gateway-token",
      OPENCLAW_GATEWAY_PASSWORD: "gateway-password",
      OPENCLAW_GATEWAY_BIND: "lan",
      OPENCLAW_LOG_LEVEL: "DEBUG",
      REDIS_URL: "redis://localhost:6379",
      DATABASE_URL: "postgres://localhost/test",
      OPENAI_API_KEY: "o",
      ANTHROPIC_API_KEY: "a",
      GEMINI_API_KEY: "g",
      OPENROUTER_API_KEY: "r",
      AWS_ACCESS_KEY_ID: "id",
      AWS_SECRET_ACCESS_KEY: "key",
      AWS_SESSION_TOKEN: "session",
      AWS_REGION: "eu-central-1",
      AWS_PROFILE: "work",
      AWS_BEARER_TOKEN_BEDROCK: "bearer",
      OLLAMA_HOST: "0.0.0.0",
      SHELL: "/bin/sh",
      OPENCLAW_VAULT_PASSPHRASE: "long enough",
      OPENCLAW_DRILL_FAILPOINT: "settled:1:kill",
    });
    expect({ ...environment, variables: {} }).toEqual({
      variables: {},
      homeDir: "/home/someone",
      stateDir: "/home/someone/state",
      configPath: "/etc/openclaw.json",
      port: null,
      bind: "lan",
      token: "gateway-token",
      password: "gateway-password",
      logLevel: "debug",
      redisUrl: "redis://localhost:6379",
      databaseUrl: "postgres://localhost/test",
      providerKeys: { openai: "o", anthropic: "a", gemini: "g", openrouter: "r" },
      aws: {
        accessKeyId: "id",
        secretAccessKey: "key",
        sessionToken: "session",
        bearerToken: "bearer",
        profile: "work",
        region: "eu-central-1",
      },
      ollamaHost: "http://127.0.0.1:11434",
      vaultPassphrase: "long enough",
      shell: "/bin/sh",
      drillPlan: "settled:1:kill",
      issues: [],
    });
  });

  it("Z1: addresses that are none are issues", () => {
    const environment = readEnvironment({
      ...home,
      REDIS_URL: "localhost",
      DATABASE_URL: "mysql://x",
      OLLAMA_HOST: "http://",
    });
    expect([environment.redisUrl, environment.databaseUrl, environment.ollamaHost]).toEqual([null, null, null]);
    expect(environment.issues.map((issue) => issue.path)).toEqual(["REDIS_URL", "DATABASE_URL", "OLLAMA_HOST"]);
  });

  it("R040: a secret that is a leftover word is an issue and no credential, and the issue does not repeat it", () => {
    for (const word of ["undefined", "null", "NaN", "[object Object]"]) {
      const environment = readEnvironment({ ...home, OPENCLAW_GATEWAY_TOKEN: word });
      expect(environment.token).toBeNull();
      expect(environment.issues.map((issue) => issue.path)).toEqual(["OPENCLAW_GATEWAY_TOKEN"]);
      expect(environment.issues[0]?.message).not.toContain(word === "null" ? " null" : word);
    }
  });

  it("the vault's passphrase is among no variables that a text could refer to, and comes from no file", () => {
    const environment = readEnvironment({ ...home, OPENCLAW_VAULT_PASSPHRASE: "long enough" });
    expect(environment.vaultPassphrase).toBe("long enough");
    expect(JSON.stringify(environment.variables)).not.toContain("long enough");
    const extended = extendEnvironment(
      readEnvironment(home),
      { OPENCLAW_VAULT_PASSPHRASE: "of a file", NEW: "1" },
      true,
    );
    expect(extended.vaultPassphrase).toBeNull();
    expect(extendEnvironment(environment, { NEW: "1" }).vaultPassphrase).toBe("long enough");
  });

  it("R131: added variables cannot move the state directory or the configuration", () => {
    const base = readEnvironment({ ...home, FIRST: "real" });
    const extended = extendEnvironment(base, {
      OPENCLAW_STATE_DIR: "/evil",
      OPENCLAW_CONFIG_PATH: "/evil",
      FIRST: "added",
      NEW: "1",
    });
    expect([extended.stateDir, extended.configPath]).toEqual([base.stateDir, base.configPath]);
    expect(extended.variables).toMatchObject({ FIRST: "real", NEW: "1" });
    expect(extended.variables).not.toHaveProperty("OPENCLAW_STATE_DIR");
  });

  it("where it was started from is no secret, and what is named like one is", () => {
    const secrets = environmentSecrets(
      readEnvironment({ ...home, PWD: "/srv/claw", OLDPWD: "/home", MYSQL_PWD: "hush" }),
    );
    expect(secrets).toEqual(["hush"]);
  });

  it("P11: what npm put before the PATH for its script is taken off, and nothing that a person put there", () => {
    const pathOf = (searched: string, description?: string) =>
      readEnvironment({
        ...home,
        PATH: searched,
        ...(description === undefined ? {} : { npm_package_json: description }),
      }).variables["PATH"];
    const added = "/srv/claw/node_modules/.bin:/srv/node_modules/.bin:/node_modules/.bin:/npm/lib/node-gyp-bin";
    const own = "/home/ann/app/node_modules/.bin:/usr/bin:/srv/node_modules/.bin";
    expect(pathOf(`${added}:${own}`, "/srv/claw/package.json")).toBe(own);
    expect(pathOf(own, "/srv/claw/package.json")).toBe(own);
    expect(pathOf(`${added}:${own}`)).toBe(`${added}:${own}`);
    expect(pathOf(added, "/srv/claw/package.json")).toBe(added);
  });

  it("a profile has a state directory of its own, and a profile that is a path is refused", () => {
    expect(readEnvironment({ ...home, OPENCLAW_PROFILE: "dev" }).stateDir).toBe("/home/someone/.openclaw-dev");
    const bad = readEnvironment({ ...home, OPENCLAW_PROFILE: "../etc" });
    expect(bad.stateDir).toBe("/home/someone/.openclaw");
    expect(bad.issues).toHaveLength(1);
  });

  it("every path of the state directory is inside it", () => {
    for (const file of Object.values(statePaths("/s"))) expect(file === "/s" || file.startsWith("/s/")).toBe(true);
  });
});
