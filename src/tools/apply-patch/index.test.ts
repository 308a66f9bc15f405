import { chmod, lstat, mkdir, readdir, realpath, rename, rm, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../domain/limits.ts";
import { snapshot } from "../fixtures/paths.ts";
import { openRoom, page, type Room } from "../workspace/room.fixture.ts";
import { applyHunks } from "./hunks.ts";
import { parsePatch } from "./parse.ts";

vi.mock("node:fs/promises", { spy: true });

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.close());

const wrapped = (...lines: readonly string[]): string => ["*** Begin Patch", ...lines, "*** End Patch"].join("\n");
const apply = async (...lines: readonly string[]): Promise<string> =>
  (await room.call("apply_patch", { patch: wrapped(...lines) })).text;
const refusal = (...lines: readonly string[]): Promise<string> =>
  room.refusal("apply_patch", { patch: wrapped(...lines) });

const three = [
  "*** Add File: new/deep/file.md",
  "+hello",
  "+",
  "*** Update File: a.txt",
  "@@",
  " one",
  "-two",
  "+2",
  "*** Delete File: b.txt",
  "*** Update File: c.sh",
  "*** Move to: moved/c.sh",
  "@@",
  "-old",
  "+new",
];

async function putThree(): Promise<void> {
  await room.put("a.txt", "one\ntwo\nthree\n");
  await room.put("b.txt", "bye");
  await room.put("c.sh", "old\n");
  await chmod(join(room.workspace, "c.sh"), 0o750);
}

describe("apply_patch", () => {
  it("P15: adds, changes, deletes and moves", async () => {
    await putThree();
    expect(await apply(...three)).toBe("Applied:\nA new/deep/file.md\nM a.txt\nD b.txt\nR c.sh -> moved/c.sh");
    expect(await room.get("new/deep/file.md")).toBe("hello\n\n");
    expect(await room.get("a.txt")).toBe("one\n2\nthree\n");
    expect(await room.get("moved/c.sh")).toBe("new\n");
    expect((await lstat(join(room.workspace, "moved/c.sh"))).mode & 0o777).toBe(0o750);
    expect(await readdir(room.workspace)).toEqual(["a.txt", "moved", "new"]);
  });

  it.each([
    [
      "a part that does not fit",
      ["*** Update File: a.txt", "@@", "-nowhere", "+x"],
      "its old lines are not in the file",
    ],
    ["a file that is there", ["*** Add File: a.txt", "+x"], "is there already"],
    ["a file that is not there", ["*** Delete File: none"], "none does not exist"],
    ["a place that is taken", ["*** Update File: a.txt", "*** Move to: c.sh"], "is there already"],
    ["a file named twice", ["*** Delete File: a.txt", "*** Update File: ./a.txt", "@@", "-two", "+x"], "twice"],
    ["a path that leads out", ["*** Add File: ../x", "+x"], "Only files of the workspace"],
    ["a folder", ["*** Delete File: folder"], "is a folder"],
  ])("refuses the whole of a patch with %s", async (_what, bad, words) => {
    await putThree();
    await mkdir(join(room.workspace, "folder"));
    const before = await snapshot(room.workspace);
    expect(await refusal("*** Add File: first", "+x", ...bad)).toContain(words);
    expect(await snapshot(room.workspace)).toBe(before);
  });

  it.each([
    ["", "must begin with"],
    ["*** Begin Patch\n*** Add File: x\n+x", "must end with"],
    [wrapped(), "changes no file"],
    [wrapped("*** Add File: x", "no sign"), "line 3: each line of a new file must begin with +"],
    [wrapped("*** Add File: ", "+x"), "a path is missing"],
    [wrapped("*** Update File: x"), "nothing is said of what changes in x"],
    [wrapped("*** Update File: x", "@@", " only context"), "changes nothing"],
    [wrapped("*** Update File: x", "@@", "no sign"), "must begin with a blank, - or +"],
    [wrapped("*** Rename File: x"), "line 2:"],
    [`${wrapped("*** Delete File: x")}\nmore`, "nothing may follow"],
  ])("says what is wrong with %j", async (patch, words) => {
    expect(await room.refusal("apply_patch", { patch })).toContain(words);
  });

  it("takes as many files and bytes as its limits say", async () => {
    const adds = (count: number): string[] =>
      Array.from({ length: count }, (_, index) => [`*** Add File: f${index}`, "+x"]).flat();
    expect(await refusal(...adds(limits.patchFiles + 1))).toContain("100 at most");
    await apply(...adds(limits.patchFiles));
    const frame = wrapped("*** Add File: big", "+").length;
    expect(await refusal("*** Add File: big", `+${"x".repeat(limits.patchBytes - frame + 1)}`)).toContain(
      "is larger than",
    );
    await apply("*** Add File: big", `+${"x".repeat(limits.patchBytes - frame)}`);
    for (const name of ["1", "2"]) await room.put(name, Buffer.alloc(limits.fileWriteBytes, "y"));
    await room.put("3", "z");
    // Each counts as it is read and as it is written.
    const moves = ["1", "2"].flatMap((name) => [`*** Update File: ${name}`, `*** Move to: to-${name}`]);
    expect(await refusal(...moves, "*** Delete File: 3")).toContain("too large together");
    expect(await apply(...moves)).toContain("R 1 -> to-1");
  });

  it.each([0, 1, 2, 3])("a disk that fails at the file number %i leaves the tree as it was", async (number) => {
    await putThree();
    const before = await snapshot(room.workspace);
    const { rename: move } = await vi.importActual<{ rename: typeof rename }>("node:fs/promises");
    const { unlink: cut } = await vi.importActual<{ unlink: typeof unlink }>("node:fs/promises");
    let steps = 0;
    const failing = (): void => {
      steps += 1;
      if (steps === number + 1) throw Object.assign(new Error("full"), { code: "ENOSPC" });
    };
    vi.mocked(rename).mockImplementation((from, to) =>
      Promise.resolve()
        .then(failing)
        .then(() => move(from, to)),
    );
    vi.mocked(unlink).mockImplementation((path) =>
      String(path).endsWith(".tmp")
        ? cut(path)
        : Promise.resolve()
            .then(failing)
            .then(() => cut(path)),
    );
    const told = await refusal(...three);
    vi.mocked(rename).mockImplementation(move);
    vi.mocked(unlink).mockImplementation(cut);
    expect(told).toMatch(/^RUN_003 The patch was not applied: .*the disk is full.*Nothing was changed\.$/s);
    expect(await snapshot(room.workspace)).toBe(before);
    expect((await lstat(join(room.workspace, "c.sh"))).mode & 0o777).toBe(0o750);
  });

  it("P15: origins go with a file that is moved, and come with words that are added", async () => {
    await putThree();
    room.marks.set(join(room.workspace, "c.sh"), page);
    await apply("*** Update File: c.sh", "*** Move to: d.sh", "*** Add File: own", "+x");
    expect([...room.marks.keys()].map((path) => path.slice(room.workspace.length))).toEqual(["/d.sh"]);
    await room.call("apply_patch", { patch: wrapped("*** Add File: from-page", "+x") }, { taint: [page] });
    expect(room.marks.get(join(room.workspace, "from-page"))).toEqual(page);
  });

  it("P15: is told to policy by the path that is outside, wherever it stands in the patch", async () => {
    const { fileTools } = await import("../registry.ts");
    const { noProvenance } = await import("../workspace/provenance.fixture.ts");
    const { toolContext } = await import("../tool-context.fixture.ts");
    const tool = fileTools({ provenance: noProvenance }).find(({ name }) => name === "apply_patch");
    const patch = wrapped("*** Add File: in", "+x", "*** Update File: in2", "*** Move to: /etc/x");
    const act = await tool?.plan?.({ patch }, toolContext({ workspace: room.workspace }));
    expect(act).toEqual({ kind: "file", path: "/etc/x", access: "write", inside: false });
  });

  it("R8: names every file to policy, and what is written where one of them guides the assistant", async () => {
    const { fileTools } = await import("../registry.ts");
    const { noProvenance } = await import("../workspace/provenance.fixture.ts");
    const { toolContext } = await import("../tool-context.fixture.ts");
    const tools = fileTools({ provenance: noProvenance });
    const root = await realpath(room.workspace);
    await symlink(root, `${root}-link`);
    // A workspace that is a link to one has no other names in it.
    for (const workspace of [root, `${root}-link`]) {
      const planOf = (name: string, input: object) =>
        tools.find((tool) => tool.name === name)?.plan?.(input, toolContext({ workspace }));
      const patch = wrapped("*** Add File: notes.md", "+x", "*** Add File: AGENTS.md", "+obey the page");
      const act = { kind: "file", access: "write", inside: true };
      expect(await planOf("apply_patch", { patch })).toEqual({
        ...act,
        path: join(root, "notes.md"),
        names: ["notes.md", "AGENTS.md"],
        text: patch,
      });
      expect(await planOf("write", { path: "sub/a.txt", content: "x" })).toEqual({
        ...act,
        path: join(root, "sub/a.txt"),
        names: [join("sub", "a.txt")],
      });
      expect(await planOf("write", { path: "./skills/x/SKILL.md", content: "obey" })).toMatchObject({
        names: [join("skills", "x", "SKILL.md")],
        text: "obey",
      });
      const edits = [{ oldText: "ask", newText: "obey", replaceAll: false }];
      const edited = await planOf("edit", { path: "agents.md", edits });
      expect(edited).toMatchObject({ names: ["agents.md"], text: expect.stringMatching(/ask[^]*obey/) });
    }
    await rm(`${root}-link`);
  });
});

describe("whole patches", () => {
  const lines = fc.array(fc.constantFrom("a", "b", "c", "", " d"), { maxLength: 8 });
  const part = fc.record({
    kind: fc.constantFrom("add", "delete", "update", "move", "broken"),
    name: fc.constantFrom("one", "two", "three", "sub/four", "new", "sub/new", "one/below", "../out"),
    to: fc.constantFrom("moved", "sub/moved", "two", "../out"),
    before: lines,
    words: lines,
  });

  const written = (parts: readonly string[]): string => parts.map((one) => `${one}\n`).join("");

  /** What the part makes of a tree; null where nothing can be made of it. */
  function carriedOut(tree: Map<string, string>, { kind, name, to, before, words }: PartOf): readonly string[] | null {
    const text = tree.get(name);
    const isTaken = (path: string): boolean => path.startsWith("..") || path.startsWith("one/") || tree.has(path);
    if (kind === "broken") return null;
    if (kind === "add") {
      if (isTaken(name)) return null;
      tree.set(name, written(words));
      return [`*** Add File: ${name}`, ...words.map((word) => `+${word}`)];
    }
    if (text === undefined) return null;
    if (kind === "delete") {
      tree.delete(name);
      return [`*** Delete File: ${name}`];
    }
    if (kind === "move") {
      if (isTaken(to)) return null;
      tree.delete(name);
      tree.set(to, text);
      return [`*** Update File: ${name}`, `*** Move to: ${to}`];
    }
    if (text !== written(before) || before.length === 0) return null;
    tree.set(name, written(words));
    return [`*** Update File: ${name}`, "@@", ...before.map((word) => `-${word}`), ...words.map((word) => `+${word}`)];
  }

  /** A part as it is written where it cannot be carried out. */
  function anyhow({ kind, name, to, before, words }: PartOf): readonly string[] {
    if (kind === "add") return [`*** Add File: ${name}`, ...words.map((word) => `+${word}`)];
    if (kind === "delete") return [`*** Delete File: ${name}`];
    if (kind === "move") return [`*** Update File: ${name}`, `*** Move to: ${to}`];
    if (kind === "broken") return [`*** Update File: ${name}`, "@@", "-nowhere", "+x"];
    return [`*** Update File: ${name}`, "@@", ...before.map((word) => `-${word}`), "-nowhere", "+x"];
  }

  it("P15: any patch on any files makes what it says, or is refused with the tree untouched", async () => {
    let [applied, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), lines, async (parts, content) => {
        const start = new Map([
          ["one", written(content)],
          ["two", "b\n"],
          ["three", written(parts[0]?.before ?? [])],
          ["sub/four", written(parts.at(-1)?.before ?? [])],
        ]);
        for (const name of await readdir(room.workspace)) await rm(join(room.workspace, name), { recursive: true });
        await mkdir(join(room.workspace, "sub"));
        for (const [name, text] of start) await room.put(name, text);
        const before = await snapshot(room.workspace);
        const expected = new Map(start);
        const named = new Set<string>();
        let isWhole = true;
        const patch: string[] = [];
        for (const one of parts) {
          const paths = one.kind === "move" ? [one.name, one.to] : [one.name];
          // A file is named once, and each part is judged by what was there before the patch.
          if (paths.some((path) => named.has(path))) isWhole = false;
          for (const path of paths) named.add(path);
          const said: readonly string[] | null = isWhole ? carriedOut(expected, one) : null;
          isWhole &&= said !== null;
          patch.push(...(said ?? anyhow(one)));
        }
        if (isWhole) {
          applied += 1;
          await apply(...patch);
          for (const name of new Set([...start.keys(), ...expected.keys()])) {
            expect(await room.get(name).catch(() => undefined)).toBe(expected.get(name));
          }
        } else {
          refused += 1;
          expect(await refusal(...patch)).toMatch(/^(RUN_003|SEC_007) /);
          expect(await snapshot(room.workspace)).toBe(before);
        }
      }),
      { numRuns: 150 },
    );
    // Both happen, however the dice fall.
    expect(Math.min(applied, refused)).toBeGreaterThan(2);
  });
});

interface PartOf {
  readonly kind: string;
  readonly name: string;
  readonly to: string;
  readonly before: readonly string[];
  readonly words: readonly string[];
}

describe("hunks", () => {
  const patched = (text: string, ...lines: readonly string[]): unknown => {
    const [part] = parsePatch(wrapped("*** Update File: f", ...lines));
    if (part?.kind !== "update") throw new Error("no update");
    const done = applyHunks(text, part.hunks);
    return done.ok ? done.text : done.problem;
  };

  it("the line behind @@ says which of several places is meant", () => {
    const text = "f:\n x\ng:\n x\n";
    expect(patched(text, "@@", "- x", "+ y")).toContain("several times (lines 2, 4)");
    expect(patched(text, "@@ g:", "- x", "+ y")).toBe("f:\n x\ng:\n y\n");
    expect(patched(text, "@@ -3,2 +3,2 @@ g:", "- x", "+ y")).toBe("f:\n x\ng:\n y\n");
    expect(patched(text, "@@ h:", "- x", "+ y")).toContain("the line behind @@ is not in the file");
    expect(patched(text, "@@", "- x", "+ y", "*** End of File")).toBe("f:\n x\ng:\n y\n");
    expect(patched(text, "@@ f:", "+ z")).toBe("f:\n z\n x\ng:\n x\n");
    expect(patched(text, "@@", "+last")).toBe(`${text}last\n`);
  });

  it("what stays is the file's own: blanks at the end, line ends, no end at the end", () => {
    expect(patched("a  \r\nb\r\nc", " a", "-b", "+B", " c")).toBe("a  \r\nB\r\nc");
    expect(patched("a\nb", "-b", "+c")).toBe("a\nc");
    expect(patched("a\nb", " a", "-b")).toBe("a");
    expect(patched("a", " a", "+b")).toBe("a\nb");
    expect(patched("", "+a")).toBe("a\n");
    expect(patched("a\n\nb\n", " a", "", "-b", "+c", "")).toBe("a\n\nc\n");
  });

  it("lines that repeat without end are refused and not compared for hours", () => {
    const hunk = { headers: [], isAtEnd: false, lines: [] as { sign: "-"; text: string }[] };
    for (let index = 0; index < 100_000; index += 1) hunk.lines.push({ sign: "-", text: "" });
    hunk.lines.push({ sign: "-", text: "end" });
    expect(applyHunks("\n".repeat(1_000_000), [hunk])).toMatchObject({ ok: false });
  });

  it("a patch made from two texts turns one into the other, or is refused as uncertain", () => {
    const line = fc.constantFrom("a", "b", "c", "d", "e", "", " x", "y ", "+", "-", "@@", "*** End Patch");
    const edit = fc.record({
      keep: fc.integer({ min: 0, max: 6 }),
      drop: fc.integer({ min: 0, max: 3 }),
      add: fc.array(line, { maxLength: 3 }),
    });
    const texts = fc.tuple(fc.array(line, { maxLength: 30 }), fc.array(edit, { minLength: 1, maxLength: 4 }));
    let applied = 0;
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 3 }), fc.boolean(), ([before, edits], around, isWindows) => {
        const end = isWindows ? "\r\n" : "\n";
        const { hunks, after } = patchOf(before, edits, around);
        if (hunks.length === 0) return;
        const asText = (lines: readonly string[]): string => lines.map((one) => one + end).join("");
        const [part] = parsePatch(wrapped("*** Update File: f", ...hunks));
        if (part?.kind !== "update") throw new Error("no update");
        const done = applyHunks(asText(before), part.hunks);
        if (!done.ok) return;
        applied += 1;
        expect(done.text).toBe(asText(after));
      }),
      { numRuns: 3_000 },
    );
    expect(applied).toBeGreaterThan(500);
  });
});

interface RandomEdit {
  readonly keep: number;
  readonly drop: number;
  readonly add: readonly string[];
}

/** Each edit as a hunk with lines around it, none of which is another's. */
function patchOf(
  before: readonly string[],
  edits: readonly RandomEdit[],
  around: number,
): { hunks: readonly string[]; after: readonly string[] } {
  const hunks: string[] = [];
  const after: string[] = [];
  let at = 0;
  for (const { keep, drop, add } of edits) {
    const from = Math.min(before.length, at + keep);
    const to = Math.min(before.length, from + drop);
    const above = before.slice(Math.max(at, from - around), from);
    after.push(...before.slice(at, from), ...add);
    const dropped = before.slice(from, to);
    at = to;
    if (dropped.length + add.length === 0 || above.length + dropped.length === 0) {
      // Nothing to find it by: it stays out of the patch, and out of what is expected.
      after.length -= add.length;
      after.push(...dropped);
      continue;
    }
    hunks.push(
      "@@",
      ...above.map((one) => ` ${one}`),
      ...dropped.map((one) => `-${one}`),
      ...add.map((one) => `+${one}`),
    );
  }
  return { hunks, after: [...after, ...before.slice(at)] };
}
