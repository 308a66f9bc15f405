/** New keys for old secrets: all of it or nothing, also where the process dies in the middle. */
import { spawn } from "node:child_process";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { keySourceIds } from "./key-sources/contract.ts";
import { vaultScene } from "./vault.fixture.ts";

describe("new keys", () => {
  it("S3: rotation seals every entry anew and changes nothing else", async () => {
    const { vault, again, folder } = await vaultScene();
    const names = ["a", "b", "c"];
    for (const name of names) await vault.scoped("gateway").write(name, `value of ${name}`);
    const read = async (): Promise<{ key: { wrapped: string; check: string }; entries: { sealed: string }[] }> =>
      JSON.parse(await readFile(path.join(folder, "vault.json"), "utf8")) as Awaited<ReturnType<typeof read>>;
    const before = await read();
    const list = await vault.list();
    await vault.rotate();
    const after = await read();
    expect(after.key.wrapped).not.toBe(before.key.wrapped);
    expect(after.key.check).toBe(before.key.check);
    for (const [index, { sealed }] of before.entries.entries()) expect(after.entries[index]?.sealed).not.toBe(sealed);
    expect(await again().list()).toEqual(list);
    for (const name of names) expect(await again().scoped("gateway").read(name)).toBe(`value of ${name}`);
    // The handle that has the old key in memory follows.
    expect(await vault.scoped("gateway").read("a")).toBe("value of a");
  });

  it("S3: there is nothing to rotate in a vault that is not there, and none is made", async () => {
    const { vault, folder } = await vaultScene();
    await vault.rotate();
    expect((await readdir(folder)).sort()).toEqual(["vault.json.lock"]);
  });

  it.each(keySourceIds.flatMap((from) => keySourceIds.map((to) => [from, to] as const)))(
    "S2: the key moves from %s to %s, and the old one opens nothing any more",
    async (from, to) => {
      const { again, folder, keychain } = await vaultScene();
      const first = again({ preferred: from });
      await first.scoped("channel:irc").write("password", "a-secret-value");
      expect(await first.keySource()).toBe(from);
      const keyFile = path.join(folder, "master.key");
      const oldFile = await readFile(keyFile, "utf8").catch(() => null);
      const oldChain = new Map(keychain.held);
      await again({ fresh: "another passphrase" }).rekey(to);
      const passphrase = to === "passphrase" ? "another passphrase" : null;
      const now = again({ passphrase });
      expect(await now.keySource()).toBe(to);
      expect(await now.scoped("channel:irc").read("password")).toBe("a-secret-value");
      await now.verify();
      // Nothing of the old key is left, and what a thief kept of it is not the key.
      expect((await readFile(keyFile, "utf8").catch(() => null)) === null).toBe(to !== "file");
      expect(keychain.held.size).toBe(to === "keychain" ? 1 : 0);
      if (oldFile !== null) await writeFile(keyFile, oldFile, { mode: 0o600 });
      for (const [account, text] of oldChain) keychain.held.set(account, text);
      const thief = again({ passphrase: from === "passphrase" ? "correct horse battery" : null });
      if (from === to) await expect(thief.verify()).rejects.toMatchObject({ code: "VAULT_001" });
    },
  );

  it("S2: a key that is being replaced opens the vault on both sides of the moment", async () => {
    const { vault, again, folder } = await vaultScene();
    await vault.scoped("gateway").write("a", "value");
    const keyFile = path.join(folder, "master.key");
    const file = path.join(folder, "vault.json");
    const old = { key: await readFile(keyFile, "utf8"), vault: await readFile(file) };
    await vault.rekey("file");
    const made = await readFile(keyFile, "utf8");
    // Died after the new key was written, and after the vault was: the key file holds both.
    await writeFile(keyFile, old.key + made);
    await again().verify();
    await writeFile(file, old.vault);
    await again().verify();
  });

  it.each(keySourceIds)(
    "S2: who dies right behind making a new key for the %s has lost nothing, and the next attempt tidies up",
    async (to) => {
      const { folder, keychain, again } = await vaultScene();
      await again({ preferred: to }).scoped("gateway").write("a", "value");
      const dying = again({ fresh: "another passphrase", diesBehindCreate: true });
      await expect(dying.rekey(to)).rejects.toThrow("died");
      expect(await again().scoped("gateway").read("a")).toBe("value");
      await again({ fresh: "another passphrase" }).rekey(to);
      expect(await again({ passphrase: "another passphrase" }).scoped("gateway").read("a")).toBe("value");
      const file = await readFile(path.join(folder, "master.key"), "utf8").catch(() => "");
      const chain = [...keychain.held.values()].join("");
      expect((file + chain).trim().split("\n").length).toBe(1);
    },
  );

  it("S2: a wrong passphrase and a short one are VAULT_001, and nothing is changed", async () => {
    const { again, folder } = await vaultScene();
    await again({ preferred: "passphrase" }).scoped("gateway").write("a", "value");
    const before = await readFile(path.join(folder, "vault.json"));
    for (const passphrase of ["wrong horse battery", "correct horse batterY", "", null]) {
      await expect(again({ passphrase }).scoped("gateway").read("a")).rejects.toMatchObject({ code: "VAULT_001" });
    }
    await expect(again({ fresh: "short" }).rekey("passphrase")).rejects.toMatchObject({ code: "VAULT_001" });
    expect((await readFile(path.join(folder, "vault.json"))).equals(before)).toBe(true);
    expect(await again().scoped("gateway").read("a")).toBe("value");
    expect(await readdir(folder)).not.toContain("master.key");
  });

  it("S3: killed at any moment while it rotates, moves keys and writes, it opens with all that was confirmed", async () => {
    const { folder, vault } = await vaultScene();
    const fixed = { "channel:irc": "irc-value", "provider:p": "p-value", gateway: "g-value" } as const;
    for (const [scope, value] of Object.entries(fixed)) await vault.scoped(scope as "gateway").write("fixed", value);
    let confirmed = 0;
    for (let round = 0; round < 12; round += 1) {
      confirmed = await runUntilKilled(folder, confirmed, 40 + round * 13);
      // The killed process held locks; the system has taken them back.
      const { again } = { again: vault };
      await again.verify();
      for (const [scope, value] of Object.entries(fixed))
        expect(await again.scoped(scope as "gateway").read("fixed")).toBe(value);
      expect(Number((await again.scoped("gateway").read("count")) ?? 0)).toBeGreaterThanOrEqual(confirmed);
      confirmed = Number((await again.scoped("gateway").read("count")) ?? 0);
    }
    expect(confirmed).toBeGreaterThan(0);
    await rm(path.join(folder, "locks"), { recursive: true });
    await vault.verify();
  });
});

/** Returns the last count that the process said was durable. `afterLines`: when it is killed, which is never between two steps of it. */
function runUntilKilled(folder: string, from: number, afterBytes: number): Promise<number> {
  const program = fileURLToPath(new URL("busy-vault.fixture.ts", import.meta.url));
  const child = spawn(process.execPath, [program, folder, String(from)], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      if (text.length >= afterBytes) child.kill("SIGKILL");
    });
    child.once("error", reject);
    child.once("close", () => {
      const counts = [...text.matchAll(/^count (\d+)$/gm)].map(([, count]) => Number(count));
      resolve(counts.at(-1) ?? from);
    });
  });
}
