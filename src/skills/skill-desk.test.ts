import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { strToU8, zipSync, type Zippable } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import type { SkillDesk } from "./contract.ts";
import { createSkillDesk } from "./skill-desk.ts";
import { openSkillTown, skillText, type SkillTown } from "./world.fixture.ts";

let town: SkillTown;
let desk: SkillDesk;
beforeEach(async () => {
  town = await openSkillTown();
  desk = createSkillDesk({ shelf: town.shelf, agentIds: () => ["main"], managedDir: path.join(town.root, "managed") });
});
afterEach(() => town.close());

const zipOf = (files: Zippable) => zipSync(files);
const byName = (left: string, right: string): number => (left < right ? -1 : 1);
const skill = (name = "weather") => strToU8(skillText(name));
const shelf = async () => (await readdir(path.join(town.root, "managed")).catch(() => [])).toSorted(byName);

describe("W12: a pack from a zip file", () => {
  it("is there from the next look on, with its files, whether it is packed with its folder or without", async () => {
    expect(await desk.install(zipOf({ "SKILL.md": skill(), "scripts/ask.py": strToU8("print(1)") }))).toBe("weather");
    expect(await desk.install(zipOf({ "notes-1.0/SKILL.md": skill("notes") }))).toBe("notes");
    expect((await desk.list("main")).map(({ name, source, eligible }) => [name, source, eligible])).toEqual([
      ["notes", "managed", true],
      ["weather", "managed", true],
    ]);
    expect(await readFile(path.join(town.root, "managed/weather/scripts/ask.py"), "utf8")).toBe("print(1)");
  });

  it("takes the place of one of its name as a whole, and leaves nothing of it or of itself behind", async () => {
    await desk.install(zipOf({ "SKILL.md": skill(), "old.txt": strToU8("old") }));
    await desk.install(zipOf({ "SKILL.md": skill(), "new.txt": strToU8("new") }));
    expect(await shelf()).toEqual(["weather"]);
    expect((await readdir(path.join(town.root, "managed/weather"))).toSorted(byName)).toEqual(["SKILL.md", "new.txt"]);
  });

  const slips = [
    "../evil.txt",
    "a/../../evil.txt",
    "/etc/evil.txt",
    "C:\\evil.txt",
    "..\\evil.txt",
    "~/evil.txt",
    "a\0b",
    " ../evil.txt",
  ];
  it.each(slips)("R099: with a file named %j is refused, and nothing of it stays", async (name) => {
    await expect(desk.install(zipOf({ "SKILL.md": skill(), [name]: strToU8("x") }))).rejects.toMatchObject({
      code: "RPC_003",
    });
    expect(await shelf()).toEqual([]);
    expect((await readdir(town.root)).includes("evil.txt")).toBe(false);
  });

  it("R099: a link in it is a file with the words of the link, and leads nowhere", async () => {
    const link = zipSync({ "SKILL.md": skill(), passwd: [strToU8("/etc/passwd"), { os: 3, attrs: 0o120777 << 16 }] });
    await desk.install(link);
    expect(await readFile(path.join(town.root, "managed/weather/passwd"), "utf8")).toBe("/etc/passwd");
  });

  it("R099: two names that some systems take for one are refused", async () => {
    await expect(
      desk.install(zipOf({ "SKILL.md": skill(), "Readme.md": strToU8("a"), "README.md": strToU8("b") })),
    ).rejects.toMatchObject({
      code: "RPC_003",
    });
  });

  it("R098: is refused when it unpacks to more than it may, whatever its heads say, and a packed one that is too large", async () => {
    const bomb = zipOf({ "SKILL.md": skill(), zeros: new Uint8Array(limits.packUnpackedBytes) });
    expect(bomb.length).toBeLessThan(limits.packZipBytes);
    await expect(desk.install(bomb)).rejects.toMatchObject({ code: "MSG_003" });
    await expect(desk.install(new Uint8Array(limits.packZipBytes + 1))).rejects.toMatchObject({ code: "MSG_003" });
    const many = Object.fromEntries(
      Array.from({ length: limits.packFiles + 1 }, (_, index) => [`f${index}`, strToU8("x")]),
    );
    await expect(desk.install(zipOf(many))).rejects.toMatchObject({ code: "MSG_003" });
    expect(await shelf()).toEqual([]);
  });

  it.each([
    ["no zip file", strToU8("hello there, this is no zip")],
    ["nothing", new Uint8Array()],
    ["half a zip file", zipSync({ "SKILL.md": skill() }).slice(0, 60)],
    ["no SKILL.md", zipSync({ "README.md": strToU8("x") })],
    ["a broken SKILL.md", zipSync({ "SKILL.md": strToU8("no head") })],
  ])("that is %s is refused in plain words", async (_what, zip) => {
    await expect(desk.install(zip)).rejects.toMatchObject({ code: "RPC_003" });
    expect(await shelf()).toEqual([]);
  });
});

describe("W12: what packs need", () => {
  beforeEach(async () => {
    const install = [
      { id: "brew", kind: "brew", formula: "jq", bins: ["jq"] },
      { kind: "node", package: "left; rm -rf ~" },
    ];
    await town.put("managed/a/SKILL.md", skillText("a", { requires: { bins: ["curl"] }, install }));
  });

  it("is listed by program, and how to get it is told and not done", async () => {
    expect(await desk.bins()).toEqual(["curl", "jq"]);
    expect(await desk.installHint("main", "a", "brew")).toBe("Run this yourself: brew install jq");
    expect(await desk.installHint("main", "a", "node-1")).not.toContain("rm -rf");
    await expect(desk.installHint("main", "a", "nope")).rejects.toMatchObject({ code: "RPC_007" });
    await expect(desk.list("nobody")).rejects.toMatchObject({ code: "RPC_007" });
  });
});
