/** What somebody does to the vault's file is noticed, whatever it is, and the file is left as it was found. */
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { VaultHandle } from "./vault.ts";
import { vaultScene, type VaultScene } from "./vault.fixture.ts";

interface Entry {
  scope: string;
  name: string;
  version: number;
  createdMs: number;
  updatedMs: number;
  expiresMs: number | null;
  sealed: string;
}

interface File {
  counter: number;
  entries: Entry[];
}

async function filled(): Promise<VaultScene & { readonly file: string; readonly text: string }> {
  const scene = await vaultScene();
  await scene.vault.scoped("channel:irc").write("password", "irc-secret-value");
  await scene.vault.scoped("channel:telegram").write("password", "telegram-secret-value");
  await scene.vault.scoped("gateway").write("token", "gateway-secret-value", { expiresMs: 5 });
  const file = path.join(scene.folder, "vault.json");
  return { ...scene, file, text: await readFile(file, "utf8") };
}

/** Every way to use it is refused, and none of them touches the file. */
async function refused(vault: VaultHandle, file: string, codes: RegExp): Promise<void> {
  const before = await readFile(file);
  const secrets = vault.scoped("channel:irc");
  const attempts = [
    () => secrets.read("password"),
    () => secrets.write("password", "new"),
    () => secrets.remove("password"),
    () => secrets.update("password", async () => ({ value: "new" })),
    () => vault.rotate(),
    () => vault.verify(),
    () => vault.rekey("file"),
  ];
  for (const attempt of attempts) {
    await expect(attempt()).rejects.toMatchObject({ code: expect.stringMatching(codes) });
    expect((await readFile(file)).equals(before)).toBe(true);
  }
}

const changes: readonly (readonly [string, (file: File) => void])[] = [
  ["an entry is taken out", ({ entries }) => void entries.pop()],
  ["all entries are taken out", (file) => void (file.entries = [])],
  ["an entry is there twice", ({ entries }) => void entries.unshift(entries[0]!)],
  ["entries change places", ({ entries }) => void entries.reverse()],
  ["an entry is renamed", ({ entries }) => void (entries[0]!.name = "passwork")],
  ["an entry goes to another scope", ({ entries }) => void (entries[0]!.scope = "channel:ira")],
  [
    "two secrets are swapped",
    ({ entries }) => void ([entries[0]!.sealed, entries[1]!.sealed] = [entries[1]!.sealed, entries[0]!.sealed]),
  ],
  ["one channel gets the other's secret", ({ entries }) => void (entries[0]!.sealed = entries[1]!.sealed)],
  ["an expiry is put off", ({ entries }) => void (entries[2]!.expiresMs = 9_999_999_999_999)],
  ["an expiry is taken away", ({ entries }) => void (entries[2]!.expiresMs = null)],
  ["a version is set back", ({ entries }) => void (entries[0]!.version = 0)],
  ["a time is changed", ({ entries }) => void (entries[0]!.updatedMs += 1)],
  ["the counter is raised", (file) => void (file.counter += 1)],
];

describe("a vault that was tampered with", () => {
  it.each(changes)("S3: %s: VAULT_002, and nothing is overwritten", async (_name, change) => {
    const { file, text, again } = await filled();
    const parsed = JSON.parse(text) as File;
    change(parsed);
    await writeFile(file, `${JSON.stringify(parsed, null, 1)}\n`);
    await refused(again(), file, /^VAULT_002$/);
  });

  it("S3: an entry of an older file does not pass for today's", async () => {
    const { file, text, vault, again } = await filled();
    const old = JSON.parse(text) as File;
    await vault.scoped("channel:irc").write("password", "irc-secret-newer");
    const now = JSON.parse(await readFile(file, "utf8")) as File;
    now.entries[0] = old.entries[0]!;
    await writeFile(file, `${JSON.stringify(now, null, 1)}\n`);
    await refused(again(), file, /^VAULT_002$/);
  });

  it("S3: a whole older file is noticed by whoever has seen the newer one, and taken by a fresh start", async () => {
    const { file, text, vault, again } = await filled();
    await vault.scoped("channel:irc").write("password", "irc-secret-newer");
    await writeFile(file, text);
    await refused(vault, file, /^VAULT_002$/);
    expect(await again().scoped("channel:irc").read("password")).toBe("irc-secret-value");
  });

  it("S3: a flipped bit of any byte is noticed", async () => {
    const { file, again } = await filled();
    const good = await readFile(file);
    // One handle, so that the key is derived once; a file that is not the last one is judged anew each time.
    const vault = again();
    for (let at = 0; at < good.length; at += 1) {
      const wrong = Buffer.from(good);
      wrong.writeUInt8(wrong.readUInt8(at) ^ (1 << (at % 7)), at);
      await writeFile(file, wrong);
      await expect(vault.verify(), `byte ${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/^VAULT_00[12]$/),
      });
    }
    await writeFile(file, good);
    await vault.verify();
  });

  it("S3: anything else in place of any stretch of it is noticed", async () => {
    const { file, text, again } = await filled();
    const vault = again();
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: text.length - 1 }),
        fc.nat({ max: 40 }),
        fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom("", " ", "\n", '"', "0", "null", "AAAA", "=")),
        async (from, length, put) => {
          const wrong = text.slice(0, from) + put + text.slice(from + length);
          if (wrong === text) return;
          await writeFile(file, wrong);
          await expect(vault.verify()).rejects.toMatchObject({ code: expect.stringMatching(/^VAULT_00[12]$/) });
        },
      ),
      { numRuns: 400 },
    );
  });

  it.each([
    ["empty", ""],
    ["no JSON", "not a vault\n"],
    ["another program's", '{"format":"other","version":1}\n'],
    ["a newer version's", '{"format":"openclaw-vault","version":2}\n'],
    ["a list", "[]\n"],
    ["null", "null\n"],
    ["deep", `${"[".repeat(50_000)}\n`],
  ])("S3: a file that is %s is VAULT_002 and stays as it is", async (_name, content) => {
    const { file, again } = await filled();
    await writeFile(file, content);
    await refused(again(), file, /^VAULT_002$/);
    await expect(again().list()).rejects.toMatchObject({ code: "VAULT_002" });
  });

  it("S3: a torn file is VAULT_002 at every length", async () => {
    const { file, text, again } = await filled();
    const vault = again();
    for (let length = text.length - 1; length >= 0; length -= 17) {
      await truncate(file, length);
      await expect(vault.verify()).rejects.toMatchObject({ code: "VAULT_002" });
      await expect(vault.scoped("gateway").write("a", "b")).rejects.toMatchObject({ code: "VAULT_002" });
    }
  });

  it("S3: a missing key, or another one, is VAULT_001 and changes nothing", async () => {
    const { folder, file, again } = await filled();
    const key = path.join(folder, "master.key");
    const other = await vaultScene();
    await other.vault.scoped("gateway").write("a", "b");
    await writeFile(key, await readFile(path.join(other.folder, "master.key")));
    await refused(again(), file, /^VAULT_001$/);
    await writeFile(key, "not a key\n");
    await refused(again(), file, /^VAULT_001$/);
    await rm(key);
    await refused(again(), file, /^VAULT_001$/);
    expect((await again().list()).length).toBe(3);
  });
});
