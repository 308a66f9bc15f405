import { chmod, link, lstat, mkdir, readdir, rename, statfs, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../domain/limits.ts";
import { openRoom, page, type Room } from "../workspace/room.fixture.ts";

vi.mock("node:fs/promises", { spy: true });

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.close());

describe("write", () => {
  it("P15: makes a file and its folders, for the owner alone, and says so", async () => {
    const { text, from } = await room.call("write", { path: "a/b/notes.md", content: "hellö" });
    expect([text, from]).toEqual(["Wrote 6 bytes to a/b/notes.md (new).", undefined]);
    expect(await room.get("a/b/notes.md")).toBe("hellö");
    expect((await lstat(join(room.workspace, "a/b/notes.md"))).mode & 0o777).toBe(0o600);
    expect((await lstat(join(room.workspace, "a"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(room.workspace, "a/b"))).toEqual(["notes.md"]);
  });

  it("replaces a file, keeps what it may be run by, and drops the bits that lend rights", async () => {
    await room.put("run.sh", "old");
    await chmod(join(room.workspace, "run.sh"), 0o4755);
    expect((await room.call("write", { file_path: "run.sh", contents: "new" })).text).toContain("(replaced)");
    expect(await room.get("run.sh")).toBe("new");
    expect((await lstat(join(room.workspace, "run.sh"))).mode & 0o7777).toBe(0o755);
  });

  it("takes what its limit allows and not a byte more", async () => {
    await room.call("write", { path: "full", content: "x".repeat(limits.fileWriteBytes) });
    expect((await lstat(join(room.workspace, "full"))).size).toBe(limits.fileWriteBytes);
    const refusal = await room.refusal("write", { path: "more", content: "x".repeat(limits.fileWriteBytes + 1) });
    expect(refusal).toContain("RUN_003");
    expect(await readdir(room.workspace)).toEqual(["full"]);
  });

  it("a tool cannot fill the disk: what the house needs stays free", async () => {
    await room.put("kept", "old");
    const free = (bytes: number) => ({ bavail: bytes, blocks: 1, bsize: 1 }) as Awaited<ReturnType<typeof statfs>>;
    vi.mocked(statfs).mockResolvedValueOnce(free(limits.diskReserveBytes + 2) as never);
    expect(await room.refusal("write", { path: "kept", content: "new" })).toBe(
      "RUN_003 kept was not written: the disk is nearly full. Nothing was changed. Free some space, or write less.",
    );
    expect(await room.get("kept")).toBe("old");
    vi.mocked(statfs).mockResolvedValueOnce(free(limits.diskReserveBytes + 3) as never);
    await room.call("write", { path: "kept", content: "new" });
    expect(await room.get("kept")).toBe("new");
    // A disk that does not say how large it is.
    vi.mocked(statfs).mockResolvedValueOnce({ bavail: 0, blocks: 0, bsize: 1 } as never);
    await room.call("write", { path: "kept", content: "newer" });
    expect(await room.get("kept")).toBe("newer");
  });

  it.each([
    ["ENOSPC", "the disk is full"],
    ["EDQUOT", "the disk is full"],
    ["EROFS", "read-only"],
    ["EACCES", "no permission"],
    ["EIO", "reports an error"],
    ["EWEIRD", "could not be used (EWEIRD)"],
  ])("%s in the middle leaves the old file and nothing beside it", async (code, words) => {
    await room.put("kept", "old");
    vi.mocked(rename).mockRejectedValueOnce(Object.assign(new Error("raw words /proc/self/fd/9"), { code }));
    const refusal = await room.refusal("write", { path: "kept", content: "new" });
    expect(refusal).toMatch(/^RUN_003 kept /);
    expect(refusal).toContain(words);
    expect(refusal).not.toContain("/proc");
    expect([await room.get("kept"), await readdir(room.workspace)]).toEqual(["old", ["kept"]]);
  });

  it("R126: a file with a second name is not written to, nor is a folder, nor what changed meanwhile", async () => {
    await room.put("one", "old");
    await link(join(room.workspace, "one"), join(room.workspace, "two"));
    expect(await room.refusal("write", { path: "two", content: "new" })).toMatch(/^SEC_007 two has a second name/);
    await mkdir(join(room.workspace, "folder"));
    expect(await room.refusal("write", { path: "folder", content: "x" })).toBe(
      "RUN_003 folder is a folder, not a file.",
    );
    expect(await room.get("one")).toBe("old");
    expect(vi.mocked(rename).mock.calls.filter(([, to]) => String(to).endsWith("two"))).toEqual([]);
  });

  it("a link in the workspace that stays in it is followed to its file", async () => {
    await room.put("real", "old");
    await symlink("real", join(room.workspace, "alias"));
    await room.call("write", { path: "alias", content: "new" });
    expect(await room.get("real")).toBe("new");
    expect((await lstat(join(room.workspace, "alias"))).isSymbolicLink()).toBe(true);
  });

  it("a turn that was aborted writes nothing", async () => {
    await room.put("kept", "old");
    expect(await room.refusal("write", { path: "kept", content: "new" }, { signal: AbortSignal.abort() })).toContain(
      "RUN_001",
    );
    expect(await room.get("kept")).toBe("old");
  });

  it("P15: what a turn writes that has read a page counts as the page's, until a clean turn replaces it", async () => {
    const place = join(room.workspace, "copy.md");
    await room.call("write", { path: "copy.md", content: "x" }, { taint: [page] });
    expect(room.marks.get(place)).toEqual(page);
    expect((await room.call("read", { path: "copy.md" })).from).toEqual(page);
    await room.call("write", { path: "copy.md", content: "x" }, { taint: [{ class: "local", source: "file a" }] });
    expect(room.marks.has(place)).toBe(false);
    const mail = { class: "foreign", source: "mail from a@example.org" } as const;
    await room.call("write", { path: "copy.md", content: "x" }, { taint: [mail, page] });
    expect(room.marks.get(place)).toEqual({ class: "foreign", source: "mail from a@example.org and others" });
  });

  it("P15: is marked before it is written: what dies in between leaves a mark too many, not one too few", async () => {
    await room.put("copy.md", "old");
    vi.mocked(rename).mockRejectedValueOnce(Object.assign(new Error("gone"), { code: "EIO" }));
    await room.refusal("write", { path: "copy.md", content: "x" }, { taint: [page] });
    expect(room.marks.get(join(room.workspace, "copy.md"))).toEqual(page);
  });
});
