/** What is done in an open folder stays in it, whatever becomes of its path. */
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isTemporaryName, SafeFolder } from "./safe-folder.ts";
import { resolveInside, resolveRoot } from "./safe-path.ts";

let base = "";
let root = "";
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), "folder-")));
  root = join(base, "root");
  await mkdir(join(root, "in"), { recursive: true });
  await mkdir(join(base, "out"));
  await writeFile(join(base, "out", "file"), "outside");
});
afterEach(() => rm(base, { recursive: true, force: true }));

const open = async (name: string, made?: string[]): Promise<SafeFolder> =>
  SafeFolder.open(await resolveInside(root, name), made === undefined ? {} : { made });
const namesIn = async (folder: SafeFolder): Promise<readonly string[]> => {
  const names: string[] = [];
  for await (const { name } of folder.entries()) names.push(name);
  return names.toSorted();
};

describe("SafeFolder", () => {
  it("R126: after its path was exchanged for a link it still is the folder that was opened", async () => {
    await writeFile(join(root, "in", "file"), "inside");
    const folder = await open("in");
    await rename(join(root, "in"), join(root, "moved"));
    await symlink(join(base, "out"), join(root, "in"));
    expect(await namesIn(folder)).toEqual(["file"]);
    const handle = await folder.openFile("file");
    expect(await handle.readFile("utf8")).toBe("inside");
    await handle.close();
    await folder.replace("file", Buffer.from("new"), { mode: 0o600 });
    await folder.remove("none");
    expect((await folder.inspect("file"))?.size).toBe(3);
    await folder.close();
    expect(await readFile(join(base, "out", "file"), "utf8")).toBe("outside");
    expect(await readFile(join(root, "moved", "file"), "utf8")).toBe("new");
  });

  it("R094: a folder that became a link before it was opened is refused, also while folders are made", async () => {
    const safe = await resolveInside(root, "in/new/deep");
    await rm(join(root, "in"), { recursive: true });
    await symlink(join(base, "out"), join(root, "in"));
    for (const options of [{}, { made: [] }]) {
      await expect(SafeFolder.open(safe, options)).rejects.toMatchObject({ code: "SEC_007" });
    }
    expect(await readdir(join(base, "out"))).toEqual(["file"]);
  });

  it("R094: a link is not opened, not followed by a look, and replaced by a write", async () => {
    await symlink(join(base, "out", "file"), join(root, "in", "link"));
    const folder = await open("in");
    await expect(folder.openFile("link")).rejects.toMatchObject({ code: "ELOOP" });
    await expect(folder.child("link")).rejects.toMatchObject({ code: "SEC_007" });
    expect((await folder.inspect("link"))?.isSymbolicLink()).toBe(true);
    await folder.replace("link", Buffer.from("new"), { mode: 0o640 });
    expect(await readFile(join(base, "out", "file"), "utf8")).toBe("outside");
    expect((await stat(join(root, "in", "link"))).mode & 0o777).toBe(0o640);
    await folder.close();
  });

  it("makes what is missing for its owner alone, and tells what it made", async () => {
    const made: string[] = [];
    const folder = await open("in/a/b", made);
    expect(made).toEqual([join(root, "in", "a"), join(root, "in", "a", "b")]);
    expect((await stat(join(root, "in", "a"))).mode & 0o777).toBe(0o700);
    await folder.close();
    await expect(open("in/x")).rejects.toMatchObject({ code: "ENOENT" });
    const holder = await SafeFolder.open(await resolveRoot(root));
    expect([await holder.removeEmptyChild("in"), await namesIn(holder)]).toEqual([false, ["in"]]);
    await holder.close();
  });

  it.each(["", ".", "..", "a/b", "../out/file", "a\u0000b"])("R092: %j is no name in a folder", async (name) => {
    const folder = await open("in");
    for (const act of [
      () => folder.inspect(name),
      () => folder.openFile(name),
      () => folder.child(name),
      () => folder.remove(name),
      () => folder.replace(name, Buffer.from("x"), { mode: 0o600 }),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: "SEC_007" });
    }
    await folder.close();
  });

  it("R097: a file is written under a name of ours, of the same length for every name, and gone when the write fails", async () => {
    const folder = await open("in");
    const name = "n".repeat(255);
    let seen: readonly string[] = [];
    await folder.replace(name, Buffer.from("x"), {
      mode: 0o600,
      beforeRename: async () => {
        seen = await namesIn(folder);
      },
    });
    expect(seen.map((one) => isTemporaryName(one))).toEqual([true]);
    const refusal = folder.replace(name, Buffer.from("y"), {
      mode: 0o600,
      beforeRename: () => Promise.reject(new Error("no")),
    });
    await expect(refusal).rejects.toThrow("no");
    expect(await namesIn(folder)).toEqual([name]);
    expect(await readFile(join(root, "in", name), "utf8")).toBe("x");
    await folder.close();
  });

  it("many can be opened one after the other: none is left open", async () => {
    const before = (await readdir("/proc/self/fd")).length;
    for (let round = 0; round < 50; round += 1) {
      await (await open("in/a/b/c", [])).close();
      await open("in/none").catch(() => null);
    }
    expect((await readdir("/proc/self/fd")).length).toBeLessThan(before + 10);
  });
});
