import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeClock } from "../platform/fake-clock.ts";
import { findControlGroups, type ControlGroups } from "./control-group.ts";

describe("control groups", () => {
  let base = "";
  beforeEach(async () => {
    base = await mkdtemp(path.join(tmpdir(), "openclaw-groups-"));
  });
  afterEach(async () => await rm(base, { recursive: true, force: true }));

  const found = async (lines: string, root = base): Promise<ControlGroups | null> => {
    await writeFile(path.join(base, "own"), lines);
    return await findControlGroups({ clock: new FakeClock(0), root, own: path.join(base, "own") });
  };

  it("P15: a plain folder, a missing one and a system without groups are none, and nothing is left in them", async () => {
    await mkdir(path.join(base, "pids/here"), { recursive: true });
    expect(await found("8:pids:/here\n4:memory:/there\n0::/\nnonsense\n")).toBeNull();
    expect(await found("")).toBeNull();
    const missing = { clock: new FakeClock(0), own: path.join(base, "missing") };
    expect(await findControlGroups(missing)).toBeNull();
    expect(await readdir(path.join(base, "pids/here"))).toEqual([]);
  });

  it("P15: where the kernel makes them, a group has its bounds, and is gone after it", async () => {
    const groups = await findControlGroups({ clock: new FakeClock(0) });
    // Only a gateway that is root, or was given a tree of its own, may make any.
    if (groups === null) return;
    const group = await groups.make("0011", { memoryMb: 64, processes: 7 });
    const folders = group.doors.map((door) => path.dirname(door));
    const texts = await Promise.all(
      folders.flatMap((folder) =>
        ["pids.max", "memory.max", "memory.limit_in_bytes"].map((file) =>
          readFile(path.join(folder, file), "utf8").catch(() => ""),
        ),
      ),
    );
    if (groups.processes) expect(texts).toContain("7\n");
    if (groups.memory) expect(texts).toContain(`${64 * 1024 * 1024}\n`);
    await group.remove();
    for (const folder of folders) await expect(readdir(folder)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
