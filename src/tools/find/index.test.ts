import { chmod, mkdir, opendir, symlink } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../domain/limits.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { globOf } from "../workspace/glob.ts";
import { openRoom, page, type Room } from "../workspace/room.fixture.ts";

vi.mock("node:fs/promises", { spy: true });

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.close());

const make = async (...paths: readonly string[]): Promise<void> => {
  for (const path of paths) {
    await mkdir(join(room.workspace, path, ".."), { recursive: true });
    await room.put(path, "");
  }
};
const found = async (input: unknown): Promise<string> => (await room.call("find", input)).text;

describe("find", () => {
  it("P15: by name anywhere, by path, below a folder; not inside what programs made", async () => {
    await make("a.md", "src/b.ts", "src/deep/c.ts", ".git/config.ts", "node_modules/x/d.ts");
    expect(await found({ pattern: "*.ts" })).toBe("src/b.ts\nsrc/deep/c.ts");
    expect(await found({ glob: "src/*.ts" })).toBe("src/b.ts");
    expect(await found({ pattern: "**/*.{md,ts}", path: "src" })).toBe("src/b.ts\nsrc/deep/c.ts");
    expect(await found({ pattern: "*.ts", path: "node_modules" })).toBe("node_modules/x/d.ts");
    expect(await found({ pattern: "deep" })).toBe("src/deep/");
    expect(await found({ pattern: "nothing" })).toBe("Nothing in . has such a name.");
  });

  it("R094: follows no link and goes in no circle", async () => {
    await make("real/x.ts");
    await symlink(".", join(room.workspace, "real", "circle"));
    await symlink("/etc", join(room.workspace, "etc"));
    expect(await found({ pattern: "*" })).toBe("etc\nreal/\nreal/circle\nreal/x.ts");
  });

  it("shows as many as it may, goes as deep as it may, and says what it left out", async () => {
    await make("1", "2", "3");
    expect(await found({ pattern: "*", limit: 2 })).toBe("1\n2\n[there are more than 2: narrow the pattern]");
    expect(await found({ pattern: "*", limit: 3 })).toBe("1\n2\n3");
    await make(`${"d/".repeat(limits.walkDepth)}deep.ts`);
    const gap = `[folders deeper than ${limits.walkDepth} were left out]`;
    expect(await found({ pattern: "deep.ts" })).toContain(gap);
    await make(`${"e/".repeat(limits.walkDepth - 1)}edge.ts`);
    expect(await found({ pattern: "edge.ts" })).toContain("e/edge.ts");
    for (const bad of [
      { limit: limits.findResults + 1 },
      { limit: 0 },
      { pattern: "x".repeat(limits.globChars + 1) },
    ]) {
      expect(await room.refusal("find", { pattern: "*", ...bad })).toContain("RUN_003");
    }
  });

  it("looks at so many entries and no more", async () => {
    async function* entries(count: number): AsyncGenerator<unknown> {
      const kinds = { isDirectory: () => false, isFile: () => true };
      for (let index = 0; index < count; index += 1) yield { name: `n${index}`, ...kinds };
    }
    for (const [count, isCut] of [
      [limits.walkEntries - 1, false],
      [limits.walkEntries + 1, true],
    ] as const) {
      vi.mocked(opendir).mockResolvedValueOnce(entries(count) as never);
      expect((await found({ pattern: "none" })).includes("entries were looked at")).toBe(isCut);
    }
  });

  it("stops when its time is over, with what it has", async () => {
    await make("a/1", "b/2");
    class HurriedClock extends FakeClock {
      #calls = 0;
      override monotonicMs(): number {
        this.#calls += 1;
        return this.#calls > 4 ? limits.walkMs + 1 : 0;
      }
    }
    const { text } = await room.call("find", { pattern: "*" }, { clock: new HurriedClock() });
    expect(text).toContain("[there was no time for the rest]");
  });

  const rootOpensAll = process.getuid?.() === 0 ? " (exempt: whoever runs this may open every folder)" : "";
  it.skipIf(rootOpensAll !== "")(`a folder that may not be opened is told of${rootOpensAll}`, async () => {
    await make("shut/x");
    await chmod(join(room.workspace, "shut"), 0);
    expect(await found({ pattern: "*" })).toBe("shut/\n[some folders may not be opened]");
    await chmod(join(room.workspace, "shut"), 0o700);
  });

  it("P15: names of files with words of a page are the page's", async () => {
    await make("a.md", "b.md");
    room.marks.set(join(room.workspace, "b.md"), page);
    expect((await room.call("find", { pattern: "b*" })).from).toEqual(page);
    expect((await room.call("find", { pattern: "a*" })).from).toEqual({ class: "local", source: "folder ." });
  });
});

describe("globOf", () => {
  it.each([
    ["*.md", "a.md", true],
    ["*.md", "x/y/a.md", true],
    ["*.md", "a.mdx", false],
    ["/x/*.md", "x/a.md", true],
    ["x/*.md", "y/x/a.md", false],
    ["**/x/*.md", "y/x/a.md", true],
    ["**/x/*.md", "x/a.md", true],
    ["x/**", "x/a/b", true],
    ["x/**/z", "x/z", true],
    ["x/**/z", "x/a/b/z", true],
    ["x/**/z", "y/x/z", false],
    ["?.md", "é.md", true],
    ["?.md", "😀.md", true],
    ["?.md", ".md", false],
    ["[a-c]1", "b1", true],
    ["[!a-c]1", "b1", false],
    ["[]]x", "]x", true],
    ["a{b,c{d,e}}", "ace", true],
    ["a.b", "axb", false],
    ["*", ".hidden", true],
    ["A*", "abc", false],
  ])("%s and %s: %s", (pattern, path, expected) => {
    expect(globOf(pattern)(path)).toBe(expected);
  });

  it("says what is wrong with a pattern, and means no more than it may", () => {
    expect(() => globOf("[a")).toThrow('a "[" without a "]"');
    expect(() => globOf("{a,b}".repeat(7))).toThrow("more than 64");
    expect(globOf("{a,b}".repeat(6))("abaaba")).toBe(true);
  });

  it("no pattern takes long: stars are not tried in all their ways", () => {
    expect(globOf(`${"*a".repeat(200)}b`)("a".repeat(255))).toBe(false);
    expect(globOf(`${"**/a/".repeat(50)}b`)(`${"a/".repeat(2_000)}c`)).toBe(false);
  });

  it("agrees with the plain meaning of stars and question marks", () => {
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), minLength: 1, maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(pattern, name, (glob, text) => {
        if (glob === "**") return;
        const plain = new RegExp(`^${glob.replaceAll(/\*+/g, ".*").replaceAll("?", ".")}$`);
        expect(globOf(glob)(text)).toBe(plain.test(text));
      }),
      { numRuns: 2_000 },
    );
  });
});
