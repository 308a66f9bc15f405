/** Logins of every kind and source: which there are, what a provider is given, and what is told when they change. */
import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import type { ProviderLogin } from "./profiles/ambient-profiles.ts";
import { noAws, oauthLogin, profilesWorld } from "./profiles-world.fixture.ts";

const login = (more: Partial<ProviderLogin> = {}): ProviderLogin => ({
  id: "openai",
  usesAws: false,
  configKey: null,
  environmentKey: null,
  ...more,
});
const keys = { region: "eu-west-1", accessKeyId: "AKIA", secretAccessKey: "secret", sessionToken: null };

describe("logins", () => {
  it("H13: a key, an OAuth login, a token and AWS keys of the vault are given out as what they are", async () => {
    const world = profilesWorld();
    await world.store("openai:key", { kind: "api-key", apiKey: "sk-stored" });
    await world.store("openai:page", oauthLogin(world.clock, 3_600_000, { headers: { "x-account": "7" } }));
    await world.store("openai:token", { kind: "token", token: "long-lived-token" });
    const stored = { accessKeyId: "AKIA", secretAccessKey: "secret", sessionToken: null };
    await world.store("bedrock:keys", { kind: "aws-sdk", keys: stored, awsProfile: null, region: "eu-west-1" });
    const desk = world.desk({ aws: { ...noAws, credential: (of) => Promise.resolve({ ...keys, ...of?.keys }) } });
    await desk.look();
    expect(desk.of("openai").map(({ id, kind, source }) => [id, kind, source])).toEqual([
      ["openai:key", "api-key", "vault"],
      ["openai:page", "oauth", "vault"],
      ["openai:token", "token", "vault"],
    ]);
    expect(await desk.credential("openai:key")).toEqual({ kind: "key", apiKey: "sk-stored" });
    expect(await desk.credential("openai:page")).toEqual({
      kind: "bearer",
      token: "access-0",
      headers: { "x-account": "7" },
    });
    expect(await desk.credential("openai:token")).toEqual({ kind: "bearer", token: "long-lived-token" });
    expect(await desk.credential("bedrock:keys")).toEqual({ kind: "aws", aws: keys });
    expect([...world.redacted]).toEqual(expect.arrayContaining(["sk-stored", "long-lived-token", "secret", "7"]));
  });

  it("H13: settings, environment and AWS's chain are logins too; one key under two names is one login", async () => {
    const world = profilesWorld();
    const aws = { ...noAws, isPresent: () => true, identity: () => "x", credential: () => Promise.resolve(keys) };
    const logins = [
      login({ configKey: "sk-config", environmentKey: "sk-env" }),
      login({ id: "same", configKey: "sk-one", environmentKey: "sk-one" }),
      login({ id: "bedrock", usesAws: true, environmentKey: "bedrock-key" }),
    ];
    const desk = world.desk({ aws, logins: () => logins });
    expect(desk.of("openai").map(({ id }) => id)).toEqual(["openai:config", "openai:env"]);
    expect(desk.of("same").map(({ id }) => id)).toEqual(["same:config"]);
    expect(desk.of("bedrock").map(({ id, kind }) => [id, kind])).toEqual([
      ["bedrock:aws", "aws-sdk"],
      ["bedrock:env", "token"],
    ]);
    expect(desk.of("unknown")).toEqual([]);
    expect(await desk.credential("openai:env")).toEqual({ kind: "key", apiKey: "sk-env" });
    expect(await desk.credential("bedrock:aws")).toEqual({ kind: "aws", aws: keys });
    expect(await desk.credential("bedrock:env")).toEqual({ kind: "bearer", token: "bedrock-key" });
  });

  it("H16: a revision changes with the secret alone, outlives a restart, and does not tell the secret", async () => {
    const world = profilesWorld();
    await world.store("openai:other", { kind: "api-key", apiKey: "sk-0" });
    let logins = [login({ configKey: "sk-config" })];
    const desk = world.desk({ logins: () => logins });
    desk.start();
    await world.clock.advance(0);
    const first = desk.get("openai:config")?.revision ?? "";
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    logins = [login({ configKey: "sk-other" })];
    expect(desk.get("openai:config")?.revision).not.toBe(first);
    logins = [login({ configKey: "sk-config" })];
    expect(desk.get("openai:config")?.revision).toBe(first);
    const restarted = world.desk({ logins: () => logins });
    restarted.start();
    await world.clock.advance(0);
    expect(restarted.get("openai:config")?.revision).toBe(first);
    // Another installation has another key: nobody can compare guesses.
    const elsewhere = profilesWorld().desk({ logins: () => logins });
    expect(elsewhere.get("openai:config")?.revision).not.toBe(first);
    await world.store("openai:work", { kind: "api-key", apiKey: "sk-1" });
    await desk.look();
    const { revision } = desk.get("openai:work") ?? { revision: "" };
    await world.clock.advance(10);
    await world.store("openai:work", { kind: "api-key", apiKey: "sk-2" });
    await desk.look();
    expect(Number(desk.get("openai:work")?.revision)).toBeGreaterThan(Number(revision));
  });

  it("no vault is begun for the sake of revisions", async () => {
    const world = profilesWorld();
    const desk = world.desk({ logins: () => [login({ configKey: "sk-config" })] });
    desk.start();
    await world.clock.advance(60_000);
    expect(desk.get("openai:config")?.revision).toMatch(/^[0-9a-f]{16}$/);
    expect(world.vault.writes).toBe(0);
  });

  it("what another program stores or removes is noticed while the gateway runs, and told to who listens", async () => {
    const world = profilesWorld();
    const desk = world.desk();
    const told: string[] = [];
    const stop = desk.subscribe((provider) => told.push(provider));
    desk.start();
    await desk.looked;
    await world.store("openai:work", { kind: "api-key", apiKey: "sk-1" });
    // Asked for by name it is there at once.
    expect(await desk.credential("openai:work")).toEqual({ kind: "key", apiKey: "sk-1" });
    await world.store("openai:home", { kind: "api-key", apiKey: "sk-2" });
    await world.clock.advance(5_000);
    expect(desk.of("openai").map(({ id }) => id)).toEqual(["openai:home", "openai:work"]);
    expect(desk.storedProviders()).toEqual(["openai"]);
    await world.vault.scoped("profile:openai:work").remove("api-key");
    await world.clock.advance(5_000);
    expect(desk.of("openai").map(({ id }) => id)).toEqual(["openai:home"]);
    expect(told).toEqual(["openai", "openai", "openai"]);
    stop();
    await world.vault.scoped("profile:openai:home").remove("api-key");
    await world.clock.advance(5_000);
    expect(told).toHaveLength(3);
  });

  it("S4: a stored token that has run out is told as expired and refused without asking anybody", async () => {
    const world = profilesWorld();
    await world.store("openai:short", { kind: "token", token: "t-1234567" }, world.clock.nowMs() + 60_000);
    const desk = world.desk();
    await desk.look();
    expect(desk.get("openai:short")).toMatchObject({ state: "usable", expiresMs: world.clock.nowMs() + 60_000 });
    await world.clock.advance(60_000);
    expect(desk.get("openai:short")?.state).toBe("expired");
    for (let call = 0; call < 20; call += 1) {
      await expect(desk.credential("openai:short")).rejects.toMatchObject({
        code: "MODEL_002",
        details: { reason: "auth" },
      });
    }
    expect(world.endpoint.forms).toHaveLength(0);
  });

  it("every bad twin is a typed error: no such login, not readable, of another kind, one whose key was taken away", async () => {
    const world = profilesWorld();
    let logins = [login({ configKey: "sk-config" })];
    const desk = world.desk({ logins: () => logins });
    await world.vault.scoped("profile:openai:broken").write("api-key", "no json");
    await world.vault.scoped("profile:openai:other").write("api-key", JSON.stringify({ kind: "token", token: "x" }));
    for (const id of ["openai:none", "nonsense", "", "openai:broken", "openai:other"]) {
      await expect(desk.credential(id), id).rejects.toMatchObject({ code: "MODEL_002", details: { reason: "auth" } });
    }
    logins = [];
    await expect(desk.credential("openai:config")).rejects.toMatchObject({ code: "MODEL_002" });
  });

  it("a vault that cannot be opened still tells the names; its own error is what a call gets", async () => {
    const world = profilesWorld();
    await world.store("openai:page", oauthLogin(world.clock, 3_600_000));
    await world.store("openai:key", { kind: "api-key", apiKey: "sk-1" });
    const locked = new AppError("VAULT_001", "The key of the vault is missing.");
    const closed = {
      ...world.vault,
      scoped: (scope: Parameters<typeof world.vault.scoped>[0]) => ({
        ...world.vault.scoped(scope),
        read: () => Promise.reject(locked),
        update: () => Promise.reject(locked),
      }),
    };
    const desk = world.desk({ vault: closed });
    desk.start();
    await world.clock.advance(60_000);
    expect(desk.of("openai").map(({ id, kind }) => [id, kind])).toEqual([
      ["openai:key", "api-key"],
      ["openai:page", "oauth"],
    ]);
    await expect(desk.credential("openai:key")).rejects.toMatchObject({ code: "VAULT_001" });
  });

  it("a vault that cannot be listed for a while changes nothing, and is told once", async () => {
    const world = profilesWorld();
    await world.store("openai:key", { kind: "api-key", apiKey: "sk-1" });
    let isDown = false;
    const list = () => (isDown ? Promise.reject(new Error("EIO")) : world.vault.list());
    const desk = world.desk({ vault: { ...world.vault, list } });
    desk.start();
    await world.clock.advance(6_000);
    isDown = true;
    await world.clock.advance(60_000);
    expect(desk.of("openai")).toHaveLength(1);
    expect(world.lines.filter((line) => line.includes("cannot be listed"))).toHaveLength(1);
  });

  it("auth.order is asked each time, and names of every object are no order", async () => {
    const world = profilesWorld();
    await world.store("openai:a", { kind: "api-key", apiKey: "sk-1" });
    await world.store("openai:b", { kind: "api-key", apiKey: "sk-2" });
    let order: Record<string, string[]> = {};
    const desk = world.desk({ settings: () => ({ order }) });
    await desk.look();
    expect(desk.of("openai").map(({ id }) => id)).toEqual(["openai:a", "openai:b"]);
    order = { openai: ["openai:b"] };
    expect(desk.of("openai").map(({ id }) => id)).toEqual(["openai:b", "openai:a"]);
    expect(desk.of("constructor")).toEqual([]);
    expect(desk.explain("openai", "openai:a").ordered[0]?.step).toBe("explicit");
  });
});
