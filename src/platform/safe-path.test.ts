/** No name from outside leads out of its folder, whatever it looks like and whatever it points to. */
import { constants } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SafePath } from "../domain/authority.ts";
import { isInside, openInside, resolveInside } from "./safe-path.ts";

let base = "";
let root = "";
beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), "safe-")));
  root = join(base, "foo");
  await mkdir(join(root, "inner", "deep"), { recursive: true });
  await mkdir(join(base, "foobar"));
  await writeFile(join(base, "foobar", "secret"), "secret");
  await writeFile(join(root, "inner", "file"), "inside");
  await symlink(join(base, "foobar"), join(root, "out"));
  await symlink(join(base, "foobar", "secret"), join(root, "out-file"));
  await symlink("../../foobar", join(root, "inner", "relative-out"));
  await symlink(join(root, "inner"), join(root, "in"));
  await symlink("in/deep", join(root, "chain-in"));
  await symlink(join(root, "out"), join(root, "chain-out"));
  await symlink(join(base, "not-there"), join(root, "dangling"));
  await symlink("loop", join(root, "loop"));
});
afterAll(() => rm(base, { recursive: true, force: true }));

const refused = { code: "SEC_007" };

/** Everything that has been used to leave a folder, or to look like it stays. */
const hostileNames: readonly string[] = [
  "",
  ".",
  "./",
  "/",
  "..",
  "../",
  "../foobar",
  "../foobar/secret",
  "inner/../../foobar/secret",
  "inner/../inner/file",
  "inner/..",
  "./../foo",
  "inner/./../..",
  "inner//..//..",
  "/etc/passwd",
  "//etc/passwd",
  "~",
  "~/x",
  "~root/.ssh/id",
  "a\u0000b",
  "inner/file\u0000.png",
  "..\\..\\etc",
  "inner\\..\\..\\x",
  "C:\\windows",
  "c:relative",
  "\\\\server\\share",
  " ../x".trim(),
  ".. /x",
  " .. /x",
  "a\nb",
  "a\rb",
  "\u001b[2J",
  "out",
  "out/secret",
  "out/new-file",
  "out-file",
  "inner/relative-out/secret",
  "chain-out/secret",
  "in/relative-out/secret",
  "dangling",
  "dangling/x",
  "loop",
  "loop/x",
  "inner/file/below",
  "x".repeat(2_000),
  `${"d/".repeat(600)}x`,
  "x".repeat(300),
];

describe("resolveInside", () => {
  it.each(hostileNames)("R092: refuses %j", async (name) => {
    await expect(resolveInside(root, name)).rejects.toMatchObject(refused);
  });

  it.each([
    ["inner/file", "inner/file"],
    ["./inner//file", "inner/file"],
    ["inner/new-file", "inner/new-file"],
    ["new/deeper/file", "new/deeper/file"],
    ["in/file", "inner/file"],
    ["chain-in/new", "inner/deep/new"],
    ["..x", "..x"],
    ["...", "..."],
    ["%2e%2e/%2e%2e/etc", "%2e%2e/%2e%2e/etc"],
    ["a~b", "a~b"],
    ["．．/x", "．．/x"],
    ["名前/é", "名前/é"],
  ])("R092: %j is %j inside, and nothing else", async (name, expected) => {
    const safe = await resolveInside(root, name);
    expect(safe).toEqual({ path: join(root, expected), root });
  });

  it("R095: a folder whose name begins like the root's is not inside it", () => {
    expect(isInside("/a/foo", "/a/foo/x")).toBe(true);
    expect(isInside("/a/foo", "/a/foo")).toBe(true);
    for (const path of ["/a/foobar", "/a/foo.", "/a/Foo/x", "/a", "/", "/a/fo", "/a/foo/../foobar"]) {
      expect(isInside("/a/foo", path)).toBe(false);
    }
    expect(isInside("/", "/x")).toBe(true);
    expect(isInside("/a", "/a/..x")).toBe(true);
  });

  it("R095: a root that is itself a link is taken for what it points to", async () => {
    const alias = join(base, "alias");
    await symlink(root, alias);
    expect((await resolveInside(alias, "inner/file")).path).toBe(join(root, "inner", "file"));
    await expect(resolveInside(alias, "out/secret")).rejects.toMatchObject(refused);
    await expect(resolveInside(join(base, "missing"), "x")).rejects.toMatchObject({ code: "STORE_001" });
  });

  it("R092: whatever the name, the path is inside or the answer is SEC_007", async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "..",
        ".",
        "",
        "~",
        "in",
        "out",
        "inner",
        "file",
        "chain-out",
        "loop",
        "\\",
        "\u0000",
        "%2e%2e",
        " ",
      ),
      fc.string({ unit: "binary", maxLength: 5 }),
    );
    const name = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("/"));
    await fc.assert(
      fc.asyncProperty(name, async (candidate) => {
        const outcome = await resolveInside(root, candidate).catch((error: { code?: string }) => error);
        expect("path" in outcome ? isInside(root, outcome.path) : outcome.code === "SEC_007").toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe("openInside", () => {
  const readAll = async (safe: SafePath): Promise<string> => {
    const handle = await openInside(safe, constants.O_RDONLY);
    try {
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  };

  it("opens and creates inside", async () => {
    expect(await readAll(await resolveInside(root, "in/file"))).toBe("inside");
    const fresh = await resolveInside(root, "inner/deep/made");
    const handle = await openInside(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
    await handle.writeFile("made");
    await handle.close();
    expect(await readFile(join(root, "inner", "deep", "made"), "utf8")).toBe("made");
  });

  it("R094: a file or folder exchanged for a link between the check and the opening leads nowhere", async () => {
    await mkdir(join(root, "race", "folder"), { recursive: true });
    await writeFile(join(root, "race", "folder", "secret"), "mine");
    await writeFile(join(root, "race", "leaf"), "mine");
    const below = await resolveInside(root, "race/folder/secret");
    const fresh = await resolveInside(root, "race/folder/fresh");
    const leaf = await resolveInside(root, "race/leaf");
    await rename(join(root, "race", "folder"), join(root, "race", "moved"));
    await symlink(join(base, "foobar"), join(root, "race", "folder"));
    await rm(join(root, "race", "leaf"));
    await symlink(join(base, "foobar", "secret"), join(root, "race", "leaf"));
    await expect(readAll(below)).rejects.toMatchObject(refused);
    await expect(readAll(leaf)).rejects.toMatchObject(refused);
    await expect(openInside(fresh, constants.O_WRONLY | constants.O_CREAT)).rejects.toMatchObject(refused);
    await expect(readFile(join(base, "foobar", "fresh"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("R094: two thousand tries against somebody who keeps exchanging the folder never read outside", async () => {
    await mkdir(join(root, "swap", "folder"), { recursive: true });
    await writeFile(join(root, "swap", "folder", "secret"), "mine");
    await symlink(join(base, "foobar"), join(root, "swap", "trap"));
    const [folder, parked] = [join(root, "swap", "folder"), join(root, "swap", "parked")];
    let stop = false;
    const swapping = (async () => {
      while (!stop) {
        await rename(folder, parked);
        await rename(join(root, "swap", "trap"), folder);
        await rename(folder, join(root, "swap", "trap"));
        await rename(parked, folder);
      }
    })();
    const seen = new Set<string>();
    for (let attempt = 0; attempt < 2_000; attempt += 1) {
      seen.add(
        await resolveInside(root, "swap/folder/secret")
          .then(readAll)
          .catch((error: { code: string }) => error.code),
      );
    }
    stop = true;
    await swapping;
    expect(seen).not.toContain("secret");
    expect(seen).toContain("mine");
  });
});
