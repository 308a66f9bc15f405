/** A file is the old one or the new one, and nobody else's to read. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensurePrivateDir, readFileBounded, sweepTemporaries, writeFileAtomic } from "./atomic-file.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "atomic-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

/** Runs a piece of a module in a process of its own, where the umask and a kill hurt nobody else. */
function runIsolated(source: string): ReturnType<typeof spawn> {
  const module = JSON.stringify(new URL("./atomic-file.ts", import.meta.url).href);
  return spawn(process.execPath, ["--input-type=module", "-e", `import * as atomic from ${module};\n${source}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

describe("writeFileAtomic", () => {
  it("replaces the content and leaves nothing else in the folder", async () => {
    const directory = await mkdtemp(join(root, "replace-"));
    const path = join(directory, "a.json");
    await writeFileAtomic(path, "one");
    await writeFileAtomic(path, Buffer.from("two"));
    expect(await readFile(path, "utf8")).toBe("two");
    expect(await readdir(directory)).toEqual(["a.json"]);
  });

  it.each(["000", "022", "077", "777"])("R020: with umask %s files are 0600 and folders 0700", async (umask) => {
    const directory = join(root, `umask-${umask}`, "b", "c");
    const path = join(directory, "secret");
    const child = runIsolated(`process.umask(0o${umask});
      await atomic.ensurePrivateDir(${JSON.stringify(directory)});
      await atomic.writeFileAtomic(${JSON.stringify(path)}, "x");`);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await modeOf(path)).toBe("600");
    for (const made of [directory, join(directory, ".."), join(directory, "..", "..")])
      expect(await modeOf(made)).toBe("700");
  });

  it("R020: a file that was open to others is closed by the next write", async () => {
    const path = join(root, "was-open");
    await writeFile(path, "old");
    await chmod(path, 0o666);
    await writeFileAtomic(path, "new");
    expect(await modeOf(path)).toBe("600");
  });

  it("R144: a process killed while it writes leaves the old content or the new, never a part", async () => {
    const directory = await mkdtemp(join(root, "kill-"));
    const path = join(directory, "state.json");
    const size = 200_000;
    // Twelve kills at different moments of an endless series of writes.
    for (let round = 0; round < 12; round += 1) {
      const child = runIsolated(`for (let i = 0; ; i += 1) {
        await atomic.writeFileAtomic(${JSON.stringify(path)}, String.fromCharCode(97 + (i % 26)).repeat(${size}));
        if (i === ${round}) process.stdout.write("ready");
      }`);
      await once(child.stdout!, "data");
      child.kill("SIGKILL");
      await once(child, "exit");
      const content = await readFile(path, "utf8");
      expect(content).toHaveLength(size);
      expect(content).toBe(content.slice(0, 1).repeat(size));
    }
    const left = (await readdir(directory)).filter((name) => name !== "state.json");
    expect(left.every((name) => name.endsWith(".tmp"))).toBe(true);
    expect(await sweepTemporaries(directory, { olderThanMs: 0, nowMs: Date.now() + 1_000 })).toBe(left.length);
    expect(await readdir(directory)).toEqual(["state.json"]);
  });

  it("replaces a link instead of writing through it", async () => {
    const target = join(root, "victim");
    await writeFile(target, "untouched");
    const path = join(root, "link");
    await symlink(target, path);
    await writeFileAtomic(path, "mine");
    expect(await readFile(target, "utf8")).toBe("untouched");
    expect((await stat(path)).isFile()).toBe(true);
  });

  it("says by code what went wrong, and keeps what was there", async () => {
    await expect(writeFileAtomic(join(root, "no", "folder"), "x")).rejects.toMatchObject({ code: "STORE_001" });
    await mkdir(join(root, "folder"));
    await expect(writeFileAtomic(join(root, "folder"), "x")).rejects.toMatchObject({ code: "STORE_001" });
    await expect(writeFileAtomic("/dev/full/x", "x")).rejects.toMatchObject({ code: "STORE_001" });
    expect((await readdir(root)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("does not sweep what a living write may still need", async () => {
    const directory = await mkdtemp(join(root, "sweep-"));
    for (const name of [".a.1.tmp", ".b.2.tmp", "c.tmp", ".d"]) await writeFile(join(directory, name), "");
    await utimes(join(directory, ".a.1.tmp"), 0, 0);
    expect(await sweepTemporaries(directory, { olderThanMs: 60_000, nowMs: Date.now() })).toBe(1);
    expect((await readdir(directory)).sort()).toEqual([".b.2.tmp", ".d", "c.tmp"]);
  });
});

describe("readFileBounded", () => {
  it("reads up to the limit, and refuses one byte more", async () => {
    const path = join(root, "bounded");
    await writeFile(path, "x".repeat(100_000));
    expect(await readFileBounded(path, 100_000)).toHaveLength(100_000);
    await expect(readFileBounded(path, 99_999)).rejects.toMatchObject({ code: "MSG_003" });
  });

  it("tells a missing file from a broken one, and does not hang on what has no end", async () => {
    expect(await readFileBounded(join(root, "missing"), 10)).toBeNull();
    expect(await readFileBounded(join(root, "missing", "deeper"), 10)).toBeNull();
    await expect(readFileBounded(root, 10)).rejects.toMatchObject({ code: "STORE_001" });
    await expect(readFileBounded("/dev/zero", 10)).rejects.toMatchObject({ code: "STORE_001" });
    expect((await readFileBounded("/proc/self/stat", 10_000))?.length).toBeGreaterThan(10);
  });
});

describe("ensurePrivateDir", () => {
  it("leaves a folder that was there as it is, unless it is ours to close", async () => {
    const path = await mkdtemp(join(root, "shared-"));
    await chmod(path, 0o755);
    await ensurePrivateDir(path);
    expect(await modeOf(path)).toBe("755");
    await ensurePrivateDir(path, { tighten: true });
    expect(await modeOf(path)).toBe("700");
  });

  it("refuses a file in the way", async () => {
    const path = join(root, "file");
    await writeFile(path, "");
    await expect(ensurePrivateDir(path)).rejects.toMatchObject({ code: "STORE_001" });
    await expect(ensurePrivateDir(join(path, "below"))).rejects.toMatchObject({ code: "STORE_001" });
  });
});
