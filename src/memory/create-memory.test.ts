/** The whole of a memory: files, index, vectors, its thread. */
import { mkdir, readFile, readdir, rename, rm, stat, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { atMs, direct, group, openWorld, until, type World } from "./memory.fixture.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const texts = async (query: string, viewer = direct): Promise<string[]> =>
  (await world.memory.search(query, viewer)).hits.map(({ text }) => text);

describe("a memory whose words are searched", () => {
  it("T5: without a provider of embeddings words are searched, and it is said", async () => {
    await world.write("MEMORY.md", "# People\n\nAda likes green tea.\n\n# Places\n\nThe office is in Graz.\n");
    const { hits, notice } = await world.memory.search("tea", direct);
    expect(hits).toEqual([
      {
        path: "MEMORY.md",
        startLine: 1,
        endLine: 3,
        text: "# People\n\nAda likes green tea.",
        score: 1,
        foreign: null,
      },
    ]);
    expect(notice).toBe("Words alone were searched: no embedding model is configured (memory.search.model).");
  });

  it("T7: files are the truth: what a person writes, edits and removes is found as it is now", async () => {
    await world.write("memory/2026-11-28.md", "The cat is called Mitzi.");
    expect(await texts("cat")).toEqual(["The cat is called Mitzi."]);
    await world.write("memory/2026-11-28.md", "The cat is called Minka.");
    expect(await texts("cat")).toEqual(["The cat is called Minka."]);
    await world.write("memory/2026-11-28.md", "The dog is called Minka.");
    expect(await texts("cat")).toEqual([]);
    await unlink(path.join(world.folder, "workspace/memory/2026-11-28.md"));
    await world.clock.advance(limits.memoryLookFreshMs);
    expect(await texts("dog")).toEqual([]);
    expect(await world.memory.status("main")).toMatchObject({ files: 0, chunks: 0 });
  });

  it("T7: within a second of a look nobody looks again, after it everybody does", async () => {
    await world.write("MEMORY.md", "one");
    expect(await texts("one two")).toEqual(["one"]);
    await writeFile(path.join(world.folder, "workspace/MEMORY.md"), "two");
    await world.clock.advance(limits.memoryLookFreshMs - 1);
    expect(await texts("one two")).toEqual(["one"]);
    await world.clock.advance(1);
    expect(await texts("one two")).toEqual(["two"]);
  });

  it("T7: a file of the same size and time is read again as long as its time is fresh", async () => {
    const file = path.join(world.folder, "workspace/MEMORY.md");
    await world.write("MEMORY.md", "aaa bbb");
    // Whole milliseconds, as some file systems have them.
    const mtime = new Date((await stat(file)).mtime.getTime());
    await utimes(file, mtime, mtime);
    expect(await texts("aaa")).toEqual(["aaa bbb"]);
    await writeFile(file, "ccc bbb");
    await utimes(file, mtime, mtime);
    await world.clock.advance(limits.memoryLookFreshMs);
    expect(await texts("ccc")).toEqual(["ccc bbb"]);
  });

  it("T7: while in use the files are looked at by the clock, and after a long silence the thread ends", async () => {
    await world.write("MEMORY.md", "one");
    await texts("one");
    expect(world.memory.isRunning).toBe(true);
    await until(async () => {
      await world.clock.advance(limits.memoryLookEveryMs / 2);
      expect(world.memory.isRunning).toBe(false);
    });
    expect(world.clock.monotonicMs()).toBeGreaterThanOrEqual(limits.memoryIdleMs);
    expect(world.clock.pendingTimers).toBe(0);
    expect(await texts("one")).toEqual(["one"]);
  });

  it("T7: a script without spaces between words is found by its words", async () => {
    await world.write("MEMORY.md", "# 予定\n\n会議は金曜日です\n\n# Other\n\nfriday");
    expect(await texts("金曜")).toEqual(["# 予定\n\n会議は金曜日です"]);
    const { hits } = await world.memory.search("会議", direct);
    const hit = hits[0];
    await world.memory.forget({ path: "MEMORY.md", startLine: 3, endLine: 3, containing: "会議" }, direct);
    expect(hit?.startLine).toBe(1);
    expect(await texts("金曜")).toEqual([]);
  });

  it("T3: nothing in a question is the search engine's own language", async () => {
    await world.write("MEMORY.md", "alpha beta NEAR gamma");
    for (const query of [
      '"',
      "alpha AND",
      "NOT alpha",
      "text:alpha",
      "alpha*",
      "(alpha",
      "NEAR(alpha beta)",
      "^a",
      "-",
      "\0",
    ]) {
      expect(Array.isArray(await texts(query))).toBe(true);
    }
    expect(await texts("text:alpha")).toHaveLength(1);
    expect(await world.memory.search(" \n", direct)).toEqual({ hits: [], notice: "The question has no words." });
  });

  it("T4: more than the limit is never asked for, and less than one neither", async () => {
    await world.write("MEMORY.md", Array.from({ length: 80 }, (_, index) => `# h${index}\n\ncommon`).join("\n"));
    expect((await world.memory.search("common", direct, { limit: 9_999 })).hits).toHaveLength(limits.memoryResults);
    expect((await world.memory.search("common", direct, { limit: 0 })).hits).toHaveLength(1);
    const first = await world.memory.search("common", direct);
    expect(await world.memory.search("common", direct)).toEqual(first);
    expect(first.hits).toHaveLength(world.config.memory.search.maxResults);
  });

  it("T5: a memory that is switched off says so", async () => {
    world.config.memory.search.enabled = false;
    expect(await world.memory.search("x", direct)).toEqual({ hits: [], notice: "The memory is switched off." });
  });
});

describe("who may see what", () => {
  const notes = (kind: string, agent: string, text: string): string =>
    `\n## 12:00 ${kind} ${agent} agent:${agent}:x\n\n${text}\n`;

  it("R079: a group sees what was noted in groups; private notes and MEMORY.md it never sees", async () => {
    await world.write("MEMORY.md", "secret plan one");
    await world.write("memory/notes.md", "secret plan two");
    await world.write(
      "memory/2026-11-29.md",
      notes("private", "main", "secret plan three") + notes("group", "main", "open plan four"),
    );
    expect(await texts("plan", group)).toEqual(["open plan four"]);
    expect((await texts("plan", direct)).toSorted()).toEqual([
      "open plan four",
      "secret plan one",
      "secret plan three",
      "secret plan two",
    ]);
    expect((await world.memory.read("memory/2026-11-29.md", group)).text).not.toContain("secret");
    expect((await world.memory.read("MEMORY.md", group)).text).toBe("");
    world.config.memory.search.shareInGroups = true;
    expect((await texts("plan", group)).toSorted()).toEqual(["open plan four", "secret plan one", "secret plan two"]);
  });

  it("R079: private pieces do not crowd out what a group may see", async () => {
    const secret = Array.from({ length: 500 }, (_, index) => notes("private", "main", `plan plan plan ${index}`));
    await world.write(
      "memory/2026-11-29.md",
      `${secret.join("")}${notes("group", "main", `plan ${"long ".repeat(90)}`)}`,
    );
    expect(await texts("plan", group)).toHaveLength(1);
  });

  it("T1 R079: of a workspace that agents share, each sees its own notes and no other's", async () => {
    world.config.agents.list = [{ id: "main" }, { id: "garden" }] as never;
    await world.write(
      "memory/2026-11-29.md",
      notes("private", "main", "rose money") + notes("group", "garden", "rose bed"),
    );
    const garden = { ...direct, agentId: "garden" };
    expect(await texts("rose", direct)).toEqual(["rose money"]);
    expect(await texts("rose", garden)).toEqual(["rose bed"]);
    expect((await world.memory.read("memory/2026-11-29.md", garden)).text).not.toContain("money");
    await expect(
      world.memory.forget({ path: "memory/2026-11-29.md", startLine: 1, endLine: 5 }, garden),
    ).rejects.toMatchObject({ code: "RPC_007" });
    expect(await world.read("memory/2026-11-29.md")).toContain("rose money");
    const bytes = await readFile(world.indexFile("garden"));
    expect(bytes.includes("money")).toBe(false);
  });

  it("T1: each agent has a file of its own, and whoever is no agent has none", async () => {
    world.config.agents.list = [{ id: "main" }, { id: "garden", workspace: path.join(world.folder, "g") }] as never;
    await world.memory.save("roses", { ...direct, agentId: "garden" });
    expect(await texts("roses")).toEqual([]);
    expect(await readdir(path.dirname(world.indexFile()))).toEqual(
      expect.arrayContaining(["garden.sqlite", "main.sqlite"]) as never,
    );
    for (const agentId of ["nobody", "../main", "", "main/../garden"]) {
      await expect(world.memory.search("x", { ...direct, agentId })).rejects.toMatchObject({ code: "RPC_007" });
      await expect(world.memory.status(agentId)).rejects.toMatchObject({ code: "RPC_007" });
    }
    expect((await stat(world.indexFile())).mode & 0o077).toBe(0o044 & 0o077 & (await stat(world.indexFile())).mode);
    expect((await stat(path.dirname(world.indexFile()))).mode & 0o777).toBe(0o700);
  });

  it("R096: a file is looked up among those that there are; no way of writing a path leads elsewhere", async () => {
    await world.write("MEMORY.md", "inside");
    await world.write("secret.md", "outside");
    await world.write("memory/a.md", "note");
    await writeFile(path.join(world.folder, "other.md"), "outside");
    const corpus = [
      "../other.md",
      "memory/../secret.md",
      "memory/../MEMORY.md",
      "./MEMORY.md",
      "secret.md",
      "/etc/passwd",
      "memory//a.md",
      "memory/./a.md",
      "memory\\a.md",
      "MEMORY.md\0",
      "%2e%2e/other.md",
      "memory/..%2fsecret.md",
      "memory",
      "",
      ".",
      "..",
      path.join(world.folder, "other.md"),
      "MEMORY.MD",
      "ＭＥＭＯＲＹ.md",
      "memory/a.md/",
      " MEMORY.md",
      "file:MEMORY.md",
      "~/x.md",
    ];
    for (const name of corpus) {
      await expect(world.memory.read(name, direct), name).rejects.toMatchObject({ code: "RPC_007" });
      const lines = { path: name, startLine: 1, endLine: 1 };
      await expect(world.memory.forget(lines, direct), name).rejects.toMatchObject({ code: "RPC_007" });
    }
    expect((await world.memory.read("memory/a.md", direct)).text).toBe("note");
    expect(await world.read("secret.md")).toBe("outside");
  });

  it("R096: a link is not followed, neither out of the workspace nor to a file of another audience", async () => {
    await world.write("MEMORY.md", "secret");
    await mkdir(path.join(world.folder, "workspace/memory"));
    await writeFile(path.join(world.folder, "other.md"), "outside secret");
    await symlink(path.join(world.folder, "other.md"), path.join(world.folder, "workspace/memory/out.md"));
    await symlink("../MEMORY.md", path.join(world.folder, "workspace/memory/in.md"));
    expect(await texts("secret")).toEqual(["secret"]);
    expect((await world.memory.status("main")).trouble).toContain("memory/out.md is a link and is left out.");
    await expect(world.memory.read("memory/out.md", direct)).rejects.toMatchObject({ code: "RPC_007" });
  });

  it("R096: a notes folder that is a link out of the workspace is left out as a whole", async () => {
    await world.write("MEMORY.md", "inside");
    await mkdir(path.join(world.folder, "elsewhere"));
    await writeFile(path.join(world.folder, "elsewhere/x.md"), "outside");
    await symlink(path.join(world.folder, "elsewhere"), path.join(world.folder, "workspace/memory"));
    expect(await texts("inside outside")).toEqual(["inside"]);
    await expect(world.memory.save("x", direct)).rejects.toMatchObject({ code: "SEC_007" });
  });
});

describe("saving and forgetting", () => {
  it("T6: what is saved is in the notes of the day, under its head, and found at once", async () => {
    const saved = await world.memory.save("Ada likes tea", direct);
    expect(saved).toEqual({ path: "memory/2026-11-29.md", startLine: 4 });
    expect(await world.read(saved.path)).toBe("\n## 12:00 private main agent:main:main\n\nAda likes tea\n");
    expect(await texts("tea")).toEqual(["Ada likes tea"]);
    const second = await world.memory.save("Bo likes rum", group);
    expect(second.startLine).toBe(8);
    expect(await texts("likes", group)).toEqual(["Bo likes rum"]);
  });

  it("T6: twenty savings at once are twenty notes", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => world.memory.save(`fact number${index}`, direct)));
    for (let index = 0; index < 20; index += 1) expect(await texts(`number${index}`)).toEqual([`fact number${index}`]);
  });

  it("T6: nothing, too much, and a day that is full are refused", async () => {
    await expect(world.memory.save(" \0\n", direct)).rejects.toMatchObject({ code: "RPC_003" });
    await expect(world.memory.save("x".repeat(limits.memoryNoteBytes + 1), direct)).rejects.toMatchObject({
      code: "MSG_003",
    });
    await world.memory.save("x".repeat(limits.memoryNoteBytes), direct);
    await world.write("memory/2026-11-29.md", "x".repeat(limits.memoryDayBytes));
    await expect(world.memory.save("y", direct)).rejects.toMatchObject({ code: "MSG_003" });
  });

  it("R079: what was saved from foreign words is marked in the file, and foreign when it is found", async () => {
    await world.memory.save("Pay to account 7", direct, {
      foreign: ["web page https://evil.example/a", "mail from x"],
    });
    await world.memory.save("Ada pays well", direct);
    const { hits } = await world.memory.search("pay account", direct);
    expect(hits[0]?.foreign).toBe("web page https://evil.example/a; mail from x");
    expect((await world.memory.search("Ada", direct)).hits[0]?.foreign).toBeNull();
    const { foreign } = await world.memory.read("memory/2026-11-29.md", direct);
    expect(foreign).toEqual(["web page https://evil.example/a; mail from x"]);
  });

  it("T6: what is forgotten is gone: from the file, the pieces, the words, the vectors, and the bytes of the index", async () => {
    world.server.wanted = { provider: "p", model: "m" };
    await world.write("memory/a.md", "# Keep\n\nAda likes tea.\n\n# Drop\n\nThe password was Xyzzyplugh77.\n");
    await world.memory.index("main");
    const [hit] = (await world.memory.search("Xyzzyplugh77", direct)).hits;
    const vector = vectorOfText(world.indexFile(), "Xyzzyplugh77");
    expect(vector).not.toBeNull();
    expect((await bytesOfIndex()).includes("Xyzzyplugh77")).toBe(true);
    const pieces = await world.memory.forget(
      { path: "memory/a.md", startLine: hit!.startLine, endLine: hit!.endLine },
      direct,
    );
    expect(pieces).toBe(1);
    expect(await world.read("memory/a.md")).toBe("# Keep\n\nAda likes tea.\n");
    expect(await texts("Xyzzyplugh77 password")).not.toContain(hit!.text);
    const bytes = await bytesOfIndex();
    for (const trace of ["Xyzzyplugh77", "xyzzyplugh77", "password"]) expect(bytes.includes(trace), trace).toBe(false);
    expect(bytes.includes(vector!)).toBe(false);
    expect(await world.memory.status("main")).toMatchObject({ chunks: 1, embedded: 1 });
    const asked = world.server.asked.length;
    await world.memory.index("main");
    expect(world.server.asked).toHaveLength(asked);
  });

  it("T6: words that no longer stand there save the lines, and other bytes stay as they are", async () => {
    const broken = Buffer.concat([
      Buffer.from("one\r\n"),
      Buffer.from([0xff, 0xfe]),
      Buffer.from("\r\ntwo\r\nthree\r\n"),
    ]);
    await world.write("memory/a.md", broken);
    const lines = { path: "memory/a.md", startLine: 3, endLine: 3 };
    await expect(world.memory.forget({ ...lines, containing: "three" }, direct)).rejects.toMatchObject({
      code: "RPC_007",
    });
    expect(await world.memory.forget({ ...lines, containing: "two" }, direct)).toBeGreaterThan(0);
    expect(await readFile(path.join(world.folder, "workspace/memory/a.md"))).toEqual(
      Buffer.concat([Buffer.from("one\r\n"), Buffer.from([0xff, 0xfe]), Buffer.from("\r\nthree\r\n")]),
    );
    await expect(world.memory.forget({ ...lines, startLine: 90, endLine: 99 }, direct)).rejects.toMatchObject({
      code: "RPC_007",
    });
  });

  async function bytesOfIndex(): Promise<Buffer> {
    const file = world.indexFile();
    const parts = await Promise.all(["", "-wal"].map((end) => readFile(`${file}${end}`).catch(() => Buffer.alloc(0))));
    return Buffer.concat(parts);
  }

  function vectorOfText(file: string, words: string): Buffer | null {
    const db = new DatabaseSync(file, { readOnly: true });
    try {
      const row = db
        .prepare("SELECT vector FROM vectors JOIN codes USING (id) JOIN chunks USING (hash) WHERE text LIKE ?")
        .get(`%${words}%`);
      return row === undefined ? null : Buffer.from(row["vector"] as Uint8Array);
    } finally {
      db.close();
    }
  }
});

describe("what can be wrong", () => {
  it("T7: a huge file, a binary one and one that is no file are left out and named; broken text is found by its rest", async () => {
    await world.write("memory/huge.md", Buffer.alloc(limits.memoryFileBytes + 1, "x"));
    await world.write("memory/edge.md", Buffer.from("edge case"));
    await world.write("memory/binary.md", Buffer.from([0, 1, 2, 3]));
    await world.write("memory/broken.md", Buffer.from([0xc3, 0x28, 0x20, 0x74, 0x65, 0x61]));
    await mkdir(path.join(world.folder, "workspace/memory/folder.md"));
    expect(await texts("tea")).toEqual(["\ufffd( tea"]);
    const { trouble, files } = await world.memory.status("main");
    expect(files).toBe(2);
    for (const name of ["huge", "binary", "folder"]) expect(trouble).toContain(`memory/${name}.md`);
  });

  it("T7: a file of exactly the limit is taken", async () => {
    await world.write(
      "MEMORY.md",
      Buffer.concat([Buffer.from("needle"), Buffer.alloc(limits.memoryFileBytes - 6, "\n")]),
    );
    expect(await texts("needle")).toEqual(["needle"]);
  });

  it.each([
    ["is not a database", (file: string) => writeFile(file, "x".repeat(20_000))],
    ["is cut in the middle", async (file: string) => writeFile(file, (await readFile(file)).subarray(0, 9_000))],
    ["is damaged within", async (file: string) => writeFile(file, (await readFile(file)).fill(0x5a, 4_096))],
    ["is of a newer version", async (file: string) => setVersion(file, 99)],
    ["is a folder", async (file: string) => (await rm(file), mkdir(file))],
    ["is gone", (file: string) => rm(file)],
  ])("T7: an index that %s is made anew, and the answer is whole", async (name, damage) => {
    await world.write("memory/a.md", "the needle");
    await texts("needle");
    await world.memory.close();
    await rm(`${world.indexFile()}-wal`, { force: true });
    await damage(world.indexFile());
    const other = world.another();
    expect((await other.search("needle", direct)).hits.map(({ text }) => text)).toEqual(["the needle"]);
    if (name !== "is gone" && name !== "is a folder") expect(world.lines.join()).toMatch(/made anew/);
  });

  it("T7: where its thread dies, the next question starts another", async () => {
    await world.write("MEMORY.md", "needle");
    await texts("needle");
    await world.memory.kill();
    expect(await texts("needle")).toEqual(["needle"]);
  });

  it("T1: two memories in one process do not meet, and what is closed stays closed", async () => {
    const other = await openWorld();
    await world.write("MEMORY.md", "ours");
    await other.write("MEMORY.md", "theirs");
    expect(await texts("ours theirs")).toEqual(["ours"]);
    expect((await other.memory.search("ours theirs", direct)).hits.map(({ text }) => text)).toEqual(["theirs"]);
    await other.close();
    await expect(other.memory.search("x", direct)).rejects.toMatchObject({ code: "SYS_007" });
    expect(other.clock.pendingTimers).toBe(0);
    expect(await texts("ours")).toEqual(["ours"]);
  });

  function setVersion(file: string, version: number): Promise<void> {
    const db = new DatabaseSync(file);
    db.exec(`PRAGMA user_version = ${version}`);
    db.close();
    return Promise.resolve();
  }
});

describe("time", () => {
  it("T6: notes are of the person's day", async () => {
    world.config.agents.defaults.userTimezone = "Pacific/Auckland";
    expect((await world.memory.save("x", direct)).path).toBe("memory/2026-11-30.md");
    expect(atMs).toBe(Date.UTC(2026, 10, 29, 12));
    await rename(world.indexFile(), `${world.indexFile()}.old`);
  });
});
