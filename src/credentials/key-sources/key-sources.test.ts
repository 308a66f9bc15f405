/** Each place that a key can be kept in: what it gives, what it refuses, and which one a new vault takes. */
import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createMasterKeys, type KeySetting, type MasterKeyOptions } from "../master-keys.ts";
import { cheap } from "../vault.fixture.ts";
import { keyFileSource } from "./key-file.ts";
import { systemKeychain, type Keychain, type KeyringModule } from "./keychain-entry.ts";
import { keychainSource } from "./keychain.ts";
import { noPassphrase, passphraseSource, type Passphrases } from "./passphrase.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "openclaw-keys-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

describe("a key file", () => {
  it("S2: holds a new key for its owner alone, and gives it back", async () => {
    const file = path.join(folder, "master.key");
    const source = keyFileSource(file);
    expect(await source.keys(null)).toEqual([]);
    const { key } = await source.create();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(key).toHaveLength(32);
    expect(await keyFileSource(file).keys(null)).toEqual([key]);
    const second = await source.create();
    expect(await source.keys(null)).toEqual([key, second.key]);
    await source.keepOnly(second.key);
    expect(await source.keys(null)).toEqual([second.key]);
    await source.keepOnly(null);
    expect(await source.keys(null)).toEqual([]);
  });

  it.each([0o640, 0o604, 0o660, 0o644, 0o620, 0o602])(
    "S2: that is open to others (%o) is refused with the command that closes it",
    async (mode) => {
      const file = path.join(folder, "master.key");
      await keyFileSource(file).create();
      await chmod(file, mode);
      for (const attempt of [() => keyFileSource(file).keys(null), () => keyFileSource(file).create()])
        await expect(attempt()).rejects.toMatchObject({
          code: "VAULT_001",
          message: expect.stringContaining(`chmod 600 ${file}`),
        });
      await chmod(file, 0o600);
      expect(await keyFileSource(file).keys(null)).toHaveLength(1);
    },
  );

  it.each([
    ["words", "not a key at all\n"],
    ["half a key", `${"A".repeat(20)}\n`],
    ["bytes", Buffer.alloc(32, 0xff)],
    ["far too much", "A".repeat(100_000)],
  ])("S2: that holds %s is VAULT_001, and is not written over", async (_name, content) => {
    const file = path.join(folder, "master.key");
    await writeFile(file, content, { mode: 0o600 });
    await expect(keyFileSource(file).keys(null)).rejects.toMatchObject({ code: "VAULT_001" });
    await expect(keyFileSource(file).create()).rejects.toMatchObject({ code: "VAULT_001" });
    expect(await readFile(file)).toEqual(Buffer.from(content));
  });

  it("S2: a folder or a link to nowhere in its place is no key, and no crash", async () => {
    await expect(keyFileSource(folder).keys(null)).rejects.toMatchObject({ code: "VAULT_001" });
    const link = path.join(folder, "master.key");
    await symlink(path.join(folder, "nowhere"), link);
    expect(await keyFileSource(link).keys(null)).toEqual([]);
  });
});

describe("a passphrase", () => {
  const known = (current: string | null, fresh = current): Passphrases => ({
    isGiven: current !== null,
    current: () => Promise.resolve(current),
    fresh: () => Promise.resolve(fresh),
  });

  it("S2: makes the same key again from the salt and cost that it was made with, and another from another salt", async () => {
    const made = await passphraseSource(known("correct horse"), cheap).create();
    const { derivation } = made;
    expect(derivation).toMatchObject(cheap);
    expect(await passphraseSource(known("correct horse")).keys(derivation)).toEqual([made.key]);
    expect(await passphraseSource(known("correct hose!")).keys(derivation)).not.toEqual([made.key]);
    expect((await passphraseSource(known("correct horse"), cheap).create()).key).not.toEqual(made.key);
  });

  it("S2: of few characters is refused, and one that nobody gives says what to set", async () => {
    await expect(passphraseSource(known("ninechars"), cheap).create()).rejects.toMatchObject({ code: "VAULT_001" });
    for (const attempt of [
      async () => passphraseSource(noPassphrase, cheap).create(),
      async () =>
        passphraseSource(noPassphrase, cheap).keys(
          (await passphraseSource(known("correct horse"), cheap).create()).derivation,
        ),
    ])
      await expect(attempt()).rejects.toMatchObject({ message: expect.stringContaining("OPENCLAW_VAULT_PASSPHRASE") });
  });
});

/** A keychain of this test, in the shape of the library's. */
function fakeKeyring(held: Map<string, string>, fault?: Error): () => Promise<KeyringModule> {
  class AsyncEntry {
    readonly #name: string;
    constructor(service: string, account: string, options?: { linux: { store: string } }) {
      if (options?.linux.store !== "secret-service") throw new Error("would fall back to what forgets");
      this.#name = `${service}/${account}`;
    }
    getPassword(): Promise<string | null> {
      return fault === undefined ? Promise.resolve(held.get(this.#name) ?? null) : Promise.reject(fault);
    }
    setPassword(text: string): Promise<void> {
      return fault === undefined ? Promise.resolve(void held.set(this.#name, text)) : Promise.reject(fault);
    }
    deletePassword(): Promise<boolean> {
      return Promise.resolve(held.delete(this.#name));
    }
  }
  return () => Promise.resolve({ AsyncEntry });
}

describe("the system's keychain", () => {
  it("S2: keeps a key under the vault it is of, and forgets it", async () => {
    const held = new Map<string, string>();
    const source = keychainSource(systemKeychain(fakeKeyring(held)), folder);
    const other = keychainSource(systemKeychain(fakeKeyring(held)), path.join(folder, "other"));
    const { key } = await source.create();
    expect([await source.keys(null), await other.keys(null)]).toEqual([[key], []]);
    const { key: next } = await source.create();
    await source.keepOnly(next);
    expect(await source.keys(null)).toEqual([next]);
    await source.keepOnly(null);
    expect(held.size).toBe(0);
  });

  it.each([
    ["denies access", new Error("Couldn't access platform storage: AccessDenied"), "denies access"],
    ["does not run", new Error("Platform failure: DBus error: no session"), "no Secret Service runs"],
    ["fails in its own words", new Error("Something odd\nsecond line"), "Something odd."],
  ])("S2: that %s is a reason, never a crash", async (_name, fault, words) => {
    const source = keychainSource(systemKeychain(fakeKeyring(new Map(), fault)), folder);
    expect(await source.trouble()).toContain(words);
    await expect(source.keys(null)).rejects.toMatchObject({ code: "VAULT_001" });
    await expect(source.create()).rejects.toMatchObject({ code: "VAULT_001" });
  });

  it("S2: whose library is not installed says so", async () => {
    const keychain = systemKeychain(() => Promise.reject(new Error("Cannot find package")));
    expect(await keychainSource(keychain, folder).trouble()).toContain("not installed");
  });

  it("S2: the real one of this machine answers or gives a reason", async () => {
    const source = keychainSource(systemKeychain(), folder);
    const trouble = await source.trouble();
    if (trouble === null) expect(await source.keys(null)).toEqual([]);
    else await expect(source.keys(null)).rejects.toMatchObject({ code: "VAULT_001", message: trouble });
  });
});

describe("the key of a new vault", () => {
  const working: Keychain = {
    get: () => Promise.resolve(null),
    set: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  };
  const broken = systemKeychain(fakeKeyring(new Map(), new Error("AccessDenied")));
  const given: Passphrases = { ...noPassphrase, isGiven: true };

  // oxfmt-ignore
  const cases: readonly (readonly [KeySetting, NodeJS.Platform, Partial<MasterKeyOptions>, string])[] = [
    ["auto", "linux", {}, "file"],
    ["auto", "linux", { passphrases: given }, "passphrase"],
    ["auto", "darwin", {}, "keychain"],
    ["auto", "win32", {}, "keychain"],
    ["auto", "darwin", { keychain: broken }, "file"],
    ["auto", "darwin", { passphrases: given }, "passphrase"],
    ["file", "darwin", { passphrases: given }, "file"],
    ["passphrase", "linux", { passphrases: given }, "passphrase"],
    ["keychain", "linux", {}, "keychain"],
  ];

  it.each(cases)("S2: vault.key %s on %s is kept by the %$", async (setting, platform, part, expected) => {
    const base = { folder, setting: () => setting, passphrases: noPassphrase, keychain: working, platform };
    expect(await createMasterKeys({ ...base, ...part }).preferred()).toBe(expected);
  });

  it("S2: where the one that is asked for cannot keep it, no weaker one is taken in silence", async () => {
    const base = { folder, passphrases: noPassphrase, keychain: broken, platform: "linux" as const };
    for (const setting of ["keychain", "passphrase"] as const) {
      const keys = createMasterKeys({ ...base, setting: () => setting });
      await expect(keys.preferred()).rejects.toMatchObject({ code: "VAULT_001" });
    }
  });
});
