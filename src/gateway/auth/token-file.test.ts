import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemIds } from "../../platform/ids.ts";
import { openStage } from "../fake-deps.fixture.ts";
import { secretFault } from "./secret-fault.ts";
import { createSharedSecret } from "./shared-secret.ts";
import { ensureTokenFile, readTokenFile, tokenFilePath } from "./token-file.ts";

describe("the token file", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "openclaw-token-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is made once, long and for its owner alone, whatever the umask", async () => {
    const before = process.umask(0);
    try {
      const token = await ensureTokenFile(folder, systemIds());
      expect(Buffer.from(token, "base64url").length).toBeGreaterThanOrEqual(32);
      expect((await stat(tokenFilePath(folder))).mode & 0o777).toBe(0o600);
      expect(await ensureTokenFile(folder, systemIds())).toBe(token);
      expect(await readTokenFile(folder)).toBe(token);
    } finally {
      process.umask(before);
    }
  });

  it("has one content, also when two start at once", async () => {
    for (let round = 0; round < 20; round += 1) {
      await rm(tokenFilePath(folder), { force: true });
      const tokens = await Promise.all(Array.from({ length: 8 }, () => ensureTokenFile(folder, systemIds())));
      const kept = (await readFile(tokenFilePath(folder), "utf8")).trim();
      expect(new Set(tokens)).toEqual(new Set([kept]));
    }
    expect(await readdir(folder)).toEqual(["gateway.token"]);
  });

  it("is closed to others where somebody opened it", async () => {
    const token = await ensureTokenFile(folder, systemIds());
    await chmod(tokenFilePath(folder), 0o644);
    expect(await readTokenFile(folder)).toBe(token);
    expect((await stat(tokenFilePath(folder))).mode & 0o777).toBe(0o600);
  });

  it("R040: an empty file or a placeholder in it is refused, not taken for open", async () => {
    for (const text of ["", "\n", "undefined\n", "changeme"]) {
      await writeFile(tokenFilePath(folder), text);
      await expect(ensureTokenFile(folder, systemIds()), JSON.stringify(text)).rejects.toMatchObject({
        code: "CFG_004",
      });
    }
  });
});

describe("a configured secret", () => {
  it("R040: empty, undefined and placeholders are none, and the gateway does not start with them", async () => {
    const bad = [
      "",
      "   ",
      "undefined",
      "null",
      "NaN",
      "[object Object]",
      "changeme",
      "change-me",
      "YOUR_TOKEN_HERE",
      "<token>",
      "${OPENCLAW_GATEWAY_TOKEN}",
      "xxxxxxxx",
      "…",
    ];
    for (const secret of bad) expect(secretFault(secret), secret).not.toBeNull();
    expect(secretFault(undefined)).not.toBeNull();
    for (const secret of ["t", "correct horse", "0123456789abcdef"]) expect(secretFault(secret), secret).toBeNull();

    for (const token of ["", "undefined", "changeme"]) {
      const start = openStage({
        config: (config) => ({
          ...config,
          gateway: { ...config.gateway, auth: { ...config.gateway.auth, mode: "token", token } },
        }),
      });
      await expect(start, token).rejects.toMatchObject({ code: "CFG_004", row: { exit: 78 } });
    }
    await expect(
      openStage({
        config: (config) => ({
          ...config,
          gateway: { ...config.gateway, auth: { ...config.gateway.auth, mode: "password" } },
        }),
      }),
    ).rejects.toMatchObject({ code: "CFG_004" });
  });

  it("R040: one that turns bad while the gateway runs opens nothing", async () => {
    const stage = await openStage();
    for (const token of ["", "undefined"]) {
      stage.config.swap(
        (config) => ({ ...config, gateway: { ...config.gateway, auth: { ...config.gateway.auth, token } } }),
        ["gateway.auth.token"],
      );
      expect(stage.auth.secret.matches(token)).toBe(false);
    }
    await stage.close();
  });

  it("without a configured token the file's counts, and the configured one wins", async () => {
    const stage = await openStage();
    const { config } = stage.deps;
    const without = {
      ...config,
      current: () => {
        const now = config.current();
        const { token: _token, ...auth } = now.config.gateway.auth;
        return { ...now, config: { ...now.config, gateway: { ...now.config.gateway, auth } } };
      },
    };
    const secret = createSharedSecret({ config: without, stateDir: stage.folder, ids: systemIds() });
    await secret.load();
    const token = await readTokenFile(stage.folder);
    expect(token).not.toBeNull();
    expect(secret.matches(token ?? "")).toBe(true);
    expect(secret.matches("")).toBe(false);
    expect(stage.auth.secret.matches(token ?? "")).toBe(false);
    await stage.close();
  });
});
