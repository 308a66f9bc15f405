import { link, mkdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { openRoom, page, type Room } from "../workspace/room.fixture.ts";

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.close());

const lines = async (input: unknown): Promise<string> => (await room.call("grep", input)).text;

describe("grep", () => {
  it("P15: lines that match, with file and number, and where they come from", async () => {
    await mkdir(join(room.workspace, "src"));
    await room.put("a.md", "one\r\nTwo (2)\n");
    await room.put("src/b.ts", "two\n");
    expect(await room.call("grep", { pattern: "^two", ignoreCase: true })).toEqual({
      text: "a.md:2: Two (2)\nsrc/b.ts:1: two",
      from: { class: "local", source: "files of ." },
    });
    expect(await lines({ pattern: "two", glob: "*.ts" })).toBe("src/b.ts:1: two");
    expect(await lines({ pattern: "(2)", literal: true })).toBe("a.md:2: Two (2)");
    expect(await lines({ pattern: "T.o (2", literal: true })).toBe("No line matches.");
    expect(await lines({ pattern: "T.o" })).toBe("a.md:2: Two (2)");
    expect(await lines({ pattern: "o", path: "a.md" })).toBe("a.md:1: one\na.md:2: Two (2)");
    expect(await lines({ query: "o", path: "src" })).toBe("src/b.ts:1: two");
    expect(await lines({ pattern: "three" })).toBe("No line matches.");
  });

  it("a pattern that would take for ever is ended, and the house goes on meanwhile", async () => {
    await room.put("evil", `${"a".repeat(60)}!`);
    const clock = new FakeClock();
    let isOver = false;
    const refusal = room
      .refusal("grep", { pattern: "^(a+)+$", path: "evil" }, { clock })
      .finally(() => void (isOver = true));
    await expect
      .poll(
        async () => {
          await clock.advance(limits.walkMs / 4);
          return isOver;
        },
        { timeout: 15_000 },
      )
      .toBe(true);
    expect(await refusal).toMatch(/^RUN_003 The search took too long and was ended/);
  });

  it("a turn that is aborted ends the search", async () => {
    await room.put("evil", `${"a".repeat(60)}!`);
    const abort = new AbortController();
    const refusal = room.refusal("grep", { pattern: "^(a+)+$", path: "evil" }, { signal: abort.signal });
    abort.abort();
    expect(await refusal).toContain("RUN_001");
  });

  it("says what is wrong with a pattern", async () => {
    expect(await room.refusal("grep", { pattern: "(" })).toMatch(
      /^RUN_003 The pattern cannot be read: .*set literal\.$/,
    );
    for (const bad of [
      { pattern: "" },
      { pattern: "x".repeat(limits.grepPatternChars + 1) },
      { limit: limits.grepMatches + 1 },
    ]) {
      expect(await room.refusal("grep", { pattern: "x", ...bad })).toContain("RUN_003");
    }
    await room.put("f", "x".repeat(limits.grepPatternChars));
    expect(await lines({ pattern: "x".repeat(limits.grepPatternChars) })).toContain("f:1:");
  });

  it("shows as many lines as it may, and the part of a long one that matches", async () => {
    await room.put("many", "x\n".repeat(5));
    expect(await lines({ pattern: "x", limit: 4 })).toMatch(
      /many:4: x\n\[there are more than 4 lines: narrow the search\]$/,
    );
    expect(await lines({ pattern: "x", limit: 5 })).not.toContain("more than");
    await room.put("many", `${"-".repeat(1_000)}needle${"-".repeat(1_000)}`);
    const text = await lines({ pattern: "needle" });
    expect(text).toMatch(/^many:1: …-+needle-+…$/);
    expect(text.length).toBe("many:1: ".length + limits.grepLineChars + 2);
    await room.put("many", "n".repeat(limits.grepLineChars));
    expect(await lines({ pattern: "n" })).not.toContain("…");
  });

  it("skips what is no text; tells of what is too large or may not be opened", async () => {
    await room.put("binary", Buffer.from("x\u0000x"));
    await room.put("utf16", Buffer.from("\ufeffxylophone", "utf16le"));
    await room.put("edge", "x");
    await truncate(join(room.workspace, "edge"), limits.grepFileBytes);
    await room.put("large", "x");
    await truncate(join(room.workspace, "large"), limits.grepFileBytes + 1);
    await room.put("hard", "x");
    await link(join(room.workspace, "hard"), join(room.workspace, "hard-2"));
    expect(await lines({ pattern: "x" })).toBe(
      "utf16:1: xylophone\n[1 files larger than 4194304 bytes were left out; 2 files could not be opened]",
    );
    expect(await room.refusal("grep", { pattern: "x", path: "hard" })).toContain("SEC_007");
    expect(await room.refusal("grep", { pattern: "x", path: "large" })).toContain("is larger than");
  });

  it("P15: lines of a file with words of a page are the page's; its neighbours' are not", async () => {
    await room.put("page.md", "alpha\nbeta");
    await room.put("own.md", "beta");
    room.marks.set(join(room.workspace, "page.md"), page);
    expect((await room.call("grep", { pattern: "beta" })).from).toEqual(page);
    expect((await room.call("grep", { pattern: "beta", path: "page.md" })).from).toEqual(page);
    expect((await room.call("grep", { pattern: "^beta", path: "own.md" })).from?.class).toBe("local");
  });
});
