import { chmod, mkdir, opendir, symlink } from "node:fs/promises";
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

describe("ls", () => {
  it("P15: names, kinds and sizes, sorted, with where they come from", async () => {
    await room.put("b.txt", "12345");
    await mkdir(join(room.workspace, "a"));
    await symlink("/etc/passwd", join(room.workspace, "c"));
    expect(await room.call("ls", {})).toEqual({
      text: "a/\nb.txt 5 bytes\nc (link)",
      from: { class: "local", source: "folder ." },
    });
    expect((await room.call("ls", { path: "a" })).text).toBe("a is empty.");
    expect((await room.call("ls", { path: room.workspace })).text).toContain("b.txt");
    expect((await room.call("ls", { path: "b.txt" })).text).toBe("b.txt 5 bytes");
    expect(await room.refusal("ls", { path: "none" })).toBe("RUN_003 none does not exist.");
  });

  it("shows as many as it may and counts the rest", async () => {
    for (let index = 0; index < 5; index += 1) await room.put(`f${index}`, "");
    expect((await room.call("ls", { limit: 4 })).text).toMatch(/f3 0 bytes\n\[1 more\]$/);
    expect((await room.call("ls", { limit: 5 })).text).not.toContain("more");
    expect(await room.refusal("ls", { limit: limits.folderEntriesShown + 1 })).toContain("RUN_003");
  });

  it("looks at so many entries and no more", async () => {
    async function* names(count: number): AsyncGenerator<{ name: string }> {
      for (let index = 0; index < count; index += 1) yield { name: `n${index}` };
    }
    const openTo = (count: number): void => void vi.mocked(opendir).mockResolvedValueOnce(names(count) as never);
    openTo(limits.folderEntries);
    const left = limits.folderEntries - 1;
    expect((await room.call("ls", { limit: 1 })).text).toBe(`n0 (gone)\n[${left} more]`);
    openTo(limits.folderEntries + 1);
    expect((await room.call("ls", { limit: 1 })).text).toBe(`n0 (gone)\n[more than ${left} more]`);
  });

  it("a name that would break its line or turn words around is shown by numbers; files being written are not shown", async () => {
    await room.put("a\nb\u202egpj", "");
    await room.put(".openclaw-0011.tmp", "");
    expect((await room.call("ls", {})).text).toBe("a\\u000ab\\u202egpj 0 bytes");
  });

  it("P15: names of files that hold words of a page are the page's", async () => {
    await room.put("page.md", "");
    room.marks.set(join(room.workspace, "page.md"), page);
    expect((await room.call("ls", {})).from).toEqual(page);
  });

  const rootOpensAll = process.getuid?.() === 0 ? " (exempt: whoever runs this may open every folder)" : "";
  it.skipIf(rootOpensAll !== "")(`says that a folder may not be opened${rootOpensAll}`, async () => {
    await mkdir(join(room.workspace, "shut"));
    await chmod(join(room.workspace, "shut"), 0);
    expect(await room.refusal("ls", { path: "shut" })).toMatch(/^RUN_003 shut may not be opened/);
  });
});
