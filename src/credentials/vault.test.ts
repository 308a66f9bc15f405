/** The vault as its users see it: what goes in comes out, for its owner alone, also over processes and restarts. */
import { readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { systemClock } from "../platform/clock.ts";
import { createRedactor } from "../platform/redact.ts";
import type { SecretScope } from "./contract.ts";
import { vaultScene } from "./vault.fixture.ts";

describe("the vault", () => {
  it("S3: what is written is read by its owner, by another process and after a restart", async () => {
    const { vault, again } = await vaultScene();
    const irc = vault.scoped("channel:irc");
    expect(await irc.read("password")).toBeNull();
    await irc.write("password", "hunter2-hunter2");
    expect(await irc.read("password")).toBe("hunter2-hunter2");
    expect(await again().scoped("channel:irc").read("password")).toBe("hunter2-hunter2");
    await again().scoped("channel:irc").write("password", "another one");
    expect(await irc.read("password")).toBe("another one");
    expect(await irc.remove("password")).toBe(true);
    expect(await irc.remove("password")).toBe(false);
    expect(await irc.read("password")).toBeNull();
  });

  it("S1: every scope is a world of its own: no other one reads, changes or removes what is in it", async () => {
    const scopes: readonly SecretScope[] = [
      "channel:irc",
      "channel:irc2",
      "provider:irc",
      "profile:irc",
      "profile:irc:work",
      "gateway",
    ];
    const { vault } = await vaultScene();
    for (const scope of scopes) await vault.scoped(scope).write("key", `of ${scope}`);
    for (const scope of scopes) expect(await vault.scoped(scope).read("key")).toBe(`of ${scope}`);
    await vault.scoped("channel:irc").remove("key");
    for (const scope of scopes.slice(1)) expect(await vault.scoped(scope).read("key")).toBe(`of ${scope}`);
  });

  it.each(["", "*", "channel:", "channel:a\0b", "channel:../x y", "Gateway", "provider", "channel:a\nprovider:b"])(
    "S1: %j is no scope, and is refused before anything is read",
    async (scope) => {
      const { vault } = await vaultScene();
      expect(() => vault.scoped(scope as SecretScope)).toThrow(expect.objectContaining({ code: "RPC_003" }));
    },
  );

  it.each(["", ".hidden", "a/b", "../x", "a b", "ä", "a\0", "x".repeat(65), "provider:x"])(
    "S1: %j is no name of a secret",
    async (name) => {
      const secrets = (await vaultScene()).vault.scoped("gateway");
      for (const attempt of [
        () => secrets.read(name),
        () => secrets.write(name, "value"),
        () => secrets.update(name, async () => null),
        () => secrets.remove(name),
      ])
        await expect((async () => attempt())()).rejects.toMatchObject({ code: "RPC_003" });
    },
  );

  it("S3: any text comes back as it was, up to the limit and not beyond", async () => {
    const { vault, again } = await vaultScene();
    const secrets = vault.scoped("gateway");
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }), async (text) => {
        await secrets.write("any", text);
        expect(await again().scoped("gateway").read("any")).toBe(text);
      }),
      { numRuns: 25 },
    );
    await secrets.write("large", "x".repeat(limits.secretBytes));
    await expect(secrets.write("large", "ä".repeat(limits.secretBytes / 2 + 1))).rejects.toMatchObject({
      code: "MSG_003",
    });
    await expect(secrets.write("none", "")).rejects.toMatchObject({ code: "RPC_003" });
    expect((await secrets.read("large"))?.length).toBe(limits.secretBytes);
  });

  it("S3: files are for their owner alone, and hold neither a secret nor the key that opens it", async () => {
    const { folder, vault } = await vaultScene();
    await vault.scoped("provider:openai").write("api-key", "canary-canary-canary");
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await readdir(folder)).sort()).toEqual(["locks", "master.key", "vault.json", "vault.json.lock"]);
    for (const name of ["master.key", "vault.json"])
      expect((await stat(path.join(folder, name))).mode & 0o777).toBe(0o600);
    const bytes = await readFile(path.join(folder, "vault.json"));
    for (const form of ["utf8", "base64", "hex"] as const)
      expect(bytes.includes(Buffer.from("canary-canary-canary").toString(form))).toBe(false);
    expect(bytes.includes((await readFile(path.join(folder, "master.key"), "utf8")).trim())).toBe(false);
  });

  it("S4: what has expired is not read any more; the list says so, and it can be set anew", async () => {
    const { clock, vault } = await vaultScene();
    const secrets = vault.scoped("channel:telegram");
    await secrets.write("token", "for an hour", { expiresMs: clock.nowMs() + 3_600_000 });
    await clock.advance(3_599_999);
    expect(await secrets.read("token")).toBe("for an hour");
    await clock.advance(1);
    expect(await secrets.read("token")).toBeNull();
    expect(await vault.list()).toEqual([
      {
        scope: "channel:telegram",
        name: "token",
        createdMs: Date.UTC(2026, 0, 1),
        updatedMs: Date.UTC(2026, 0, 1),
        expiresMs: Date.UTC(2026, 0, 1, 1),
      },
    ]);
    await secrets.write("token", "for good");
    expect(await secrets.read("token")).toBe("for good");
  });

  it("the list needs no key, and tells the names of all scopes without a value", async () => {
    const { folder, vault, again } = await vaultScene();
    await vault.scoped("gateway").write("b", "value of b");
    await vault.scoped("channel:irc").write("a", "value of a");
    await rm(path.join(folder, "master.key"));
    const list = await again().list();
    expect(list.map(({ scope, name }) => [scope, name])).toEqual([
      ["channel:irc", "a"],
      ["gateway", "b"],
    ]);
    expect(JSON.stringify(list)).not.toContain("value");
  });

  it("every secret is told to the redactor before it is handed out, parts of a login included", async () => {
    const { vault, told, again } = await vaultScene();
    const login = JSON.stringify({ access: "access-token-0123456789", refresh_token: "short!", account: "work" });
    await vault.scoped("profile:x:work").write("login", login);
    expect(told).toEqual([login, "access-token-0123456789", "short!"]);
    told.length = 0;
    await again().scoped("profile:x:work").read("login");
    expect(told).toEqual([login, "access-token-0123456789", "short!"]);
    const redactor = createRedactor();
    redactor.add("access-token-0123456789");
    expect(redactor.text("Bearer? access-token-0123456789")).not.toContain("0123456789");
  });

  it("updates of one secret follow each other over all handles: none reads what another has spent", async () => {
    const { vault, again } = await vaultScene(systemClock());
    await vault.scoped("profile:x").write("count", "0");
    const handles = [vault, again(), vault];
    let inside = 0;
    await Promise.all(
      handles
        .flatMap((one) => [one, one])
        .map((one) =>
          one.scoped("profile:x").update("count", async (current) => {
            inside += 1;
            expect(inside).toBe(1);
            await new Promise((resolve) => setImmediate(resolve));
            inside -= 1;
            return { value: String(Number(current) + 1) };
          }),
        ),
    );
    expect(await again().scoped("profile:x").read("count")).toBe("6");
  });

  it("an update that fails or declines leaves what was there, and lets the next one in", async () => {
    const { vault } = await vaultScene();
    const secrets = vault.scoped("profile:x");
    await secrets.write("login", "first");
    await expect(secrets.update("login", () => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
    await secrets.update("login", async () => null);
    expect(await secrets.read("login")).toBe("first");
    await secrets.update("login", async (current) => ({ value: `${current} and second`, expiresMs: 1 }));
    expect((await vault.list())[0]?.expiresMs).toBe(1);
  });

  it("a key file that others can read is refused with the command that closes it", async () => {
    const { folder, vault, again } = await vaultScene();
    await vault.scoped("gateway").write("a", "value");
    const file = path.join(folder, "master.key");
    const key = await readFile(file);
    await rm(file);
    await writeFile(file, key, { mode: 0o640 });
    await expect(again().scoped("gateway").read("a")).rejects.toMatchObject({
      code: "VAULT_001",
      message: expect.stringContaining(`chmod 600 ${file}`),
    });
  });
});
