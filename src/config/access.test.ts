/** The configuration of a running process: writing, reloading, and what must not happen on the way. */
import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir, rename, rm, stat, symlink, lstat, writeFile } from "node:fs/promises";
import path from "node:path";
import JSON5 from "json5";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ConfigHandle } from "./access.ts";
import type { ConfigSnapshot } from "./contract.ts";
import { testHome, type TestHome } from "./fixtures/home.ts";
import { textHash } from "./meaning/interpret.ts";

const text = `{
  // kept
  gateway: { port: 1000, auth: { token: "\${TOKEN}" } }, // beside
  models: { providers: { p: { api: "ollama", apiKey: "key-in-file" } } },
}
`;

async function home(config = text): Promise<TestHome> {
  return testHome(config);
}

function environmentOf(one: TestHome): { environment: ReturnType<TestHome["environment"]> } {
  return { environment: one.environment({ TOKEN: "canary-real-token" }) };
}

async function code(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (error: { code?: string }) => error.code ?? "an error without a code",
  );
}

describe("writing", () => {
  it("Q1 R019: a change keeps comments and references, and the secret's value is in no file", async () => {
    const one = await home();
    const handle = await one.open({ ...environmentOf(one), version: "2026.11.0" });
    await handle.start();
    const next = await handle.write({
      kind: "patch",
      patch: { gateway: { port: 2000 }, session: { mainKey: "hall" } },
    });
    expect(next.version).toBe(2);
    expect(next.config.gateway).toMatchObject({ port: 2000, auth: { token: "canary-real-token" } });
    const written = await one.text();
    expect(written).toContain("  // kept\n");
    expect(written).toContain('gateway: { port: 2000, auth: { token: "${TOKEN}" } }, // beside');
    expect(next.hash).toBe(textHash(written));
    await handle.close();
    const files = await readdir(one.dir, { recursive: true });
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) expect(await one.text(file).catch(() => "")).not.toContain("canary-real-token");
  });

  it("Q17: one value at a dot path is set, removed and previewed", async () => {
    const one = await home();
    const handle = await one.open(environmentOf(one));
    const preview = await handle.preview({ kind: "set", path: "agents.list[0].id", value: "a" });
    expect(preview.changedPaths).toEqual(["agents.list"]);
    expect(preview.text).toContain('id: "a"');
    expect(await one.text()).toBe(text);
    await handle.write({ kind: "set", path: "agents.list[0].id", value: "a" });
    await handle.write({ kind: "set", path: 'models.providers["my.p"]', value: { api: "demo" } });
    await handle.write({ kind: "set", path: "models.providers.p.apiKey", value: undefined });
    expect(JSON5.parse(await one.text())).toEqual({
      gateway: { port: 1000, auth: { token: "${TOKEN}" } },
      models: { providers: { p: { api: "ollama" }, "my.p": { api: "demo" } } },
      agents: { list: [{ id: "a" }] },
    });
  });

  it("a stale base is refused, the right one is taken, and parallel writers with one base lose but one", async () => {
    const one = await home();
    const handle = await one.open(environmentOf(one));
    const { hash } = handle.current();
    expect(await code(handle.write({ kind: "patch", patch: { gateway: { port: 1 } }, baseHash: "0".repeat(64) }))).toBe(
      "CFG_005",
    );
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        code(handle.write({ kind: "patch", patch: { gateway: { port: 2000 + index } }, baseHash: hash })),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "none")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "CFG_005")).toHaveLength(99);
  });

  it("of two processes that write at once, neither overwrites what the other was told is written", async () => {
    const one = await home("{ env: { vars: {} } }");
    // Two handles know nothing of each other, as two processes do.
    const handles = [await one.open(), await one.open()];
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const handle = handles[index % 2];
        return [
          `K${index}`,
          await code(handle!.write({ kind: "patch", patch: { env: { vars: { [`K${index}`]: "v" } } } })),
        ];
      }),
    );
    const written = JSON5.parse<{ env: { vars: object } }>(await one.text());
    const promised = outcomes.filter(([, outcome]) => outcome === "none").map(([key]) => String(key));
    expect(promised.length).toBeGreaterThan(0);
    expect(Object.keys(written.env.vars).toSorted()).toEqual(promised.toSorted());
  });

  it("an edit by hand is the base of a write without one, and is not lost", async () => {
    const one = await home();
    const handle = await one.open(environmentOf(one));
    await one.put("openclaw.json", text.replace("1000", "1500").replace("// kept", "// by hand"));
    const next = await handle.write({ kind: "set", path: "session.mainKey", value: "x" });
    expect(next.config.gateway.port).toBe(1500);
    expect(await one.text()).toContain("// by hand");
  });

  it.each([
    ["no JSON5", { kind: "replace", raw: "{ a: " }, "CFG_001"],
    ["an include that is not there", { kind: "replace", raw: '{ $include: "./x.json5" }' }, "CFG_002"],
    [
      "a variable that is not there",
      { kind: "patch", patch: { gateway: { auth: { token: "${NOT_THERE}" } } } },
      "CFG_003",
    ],
    ["a value of the wrong kind", { kind: "set", path: "gateway.port", value: "x" }, "CFG_004"],
    ["an empty token", { kind: "patch", patch: { gateway: { auth: { token: "" } } } }, "CFG_004"],
    ["an open door", { kind: "patch", patch: { gateway: { auth: { mode: "none" } } } }, "CFG_004"],
    [
      "a hidden secret where there is none",
      { kind: "patch", patch: { gateway: { auth: { password: "__OPENCLAW_REDACTED__" } } } },
      "CFG_004",
    ],
    ["no object", { kind: "replace", raw: "[]" }, "CFG_004"],
    ["a path through a plain value", { kind: "set", path: "gateway.port.x", value: 1 }, "CFG_004"],
  ] as const)("%s is refused and nothing is written", async (_name, change, expected) => {
    const one = await home();
    const handle = await one.open(environmentOf(one));
    expect(await code(handle.write(change))).toBe(expected);
    expect(await one.text()).toBe(text);
    expect(await readdir(one.dir)).toEqual(["openclaw.json"]);
    expect(handle.current().version).toBe(1);
  });

  it("what was wrong before does not keep other settings from being changed", async () => {
    const one = await home(`{ models: { providers: { p: { api: "ollama", apiKey: "\${GONE}" } } } }`);
    const handle = await one.open();
    expect(await code(handle.write({ kind: "set", path: "gateway.port", value: 5 }))).toBe("none");
  });

  it("hidden secrets that come back in a whole text stay what they were", async () => {
    const one = await home();
    const handle = await one.open(environmentOf(one));
    const raw = text
      .replace('"${TOKEN}"', '"__OPENCLAW_REDACTED__"')
      .replace("key-in-file", "__OPENCLAW_REDACTED__")
      .replace("1000", "3000");
    await handle.write({ kind: "replace", raw });
    expect(await one.text()).toBe(text.replace("1000", "3000"));
  });

  it("R020: what is written is for its owner alone, whatever the umask", async () => {
    const one = await home();
    const before = process.umask(0);
    onTestFinished(() => {
      process.umask(before);
    });
    const handle = await one.open({ ...environmentOf(one), version: "1.0.0" });
    await handle.start();
    await handle.write({ kind: "set", path: "gateway.port", value: 2 });
    for (const file of await readdir(one.dir)) expect((await stat(path.join(one.dir, file))).mode & 0o777).toBe(0o600);
    expect(await readdir(one.dir)).toEqual([
      "openclaw.json",
      "openclaw.json.bak.1",
      "openclaw.json.last-good",
      "openclaw.json.lock",
    ]);
  });

  it("Q12: of six writes and more, the five newest backups are kept", async () => {
    const one = await home();
    const handle = await one.open(environmentOf(one));
    const texts: string[] = [];
    for (let port = 1; port <= 8; port += 1) {
      texts.unshift(await one.text());
      await handle.write({ kind: "set", path: "gateway.port", value: port });
    }
    const backups = (await readdir(one.dir)).filter((file) => file.includes(".bak")).toSorted();
    expect(backups).toEqual([1, 2, 3, 4, 5].map((number) => `openclaw.json.bak.${number}`));
    expect(await Promise.all(backups.map((file) => one.text(file)))).toEqual(texts.slice(0, 5));
  });

  it("Q13: a write leaves its version; a newer version's file is read with a warning and not rewritten", async () => {
    const one = await home("{}");
    const handle = await one.open({ version: "2026.11.0" });
    const { config } = await handle.write({ kind: "set", path: "gateway.port", value: 7 });
    expect(config.meta.lastTouchedVersion).toBe("2026.11.0");
    expect(Date.parse(config.meta.lastTouchedAt ?? "")).toBeGreaterThan(0);
    const before = await one.text();
    const older = await one.open({ version: "2026.9.0" });
    expect(older.current().issues.map((issue) => [issue.severity, issue.path])).toEqual([
      ["warning", "meta.lastTouchedVersion"],
    ]);
    expect(older.current().config.gateway.port).toBe(7);
    for (const change of [
      { kind: "set", path: "gateway.port", value: 8 },
      { kind: "replace", raw: "{}" },
    ] as const) {
      expect(await code(older.write(change))).toBe("CFG_006");
    }
    expect(await one.text()).toBe(before);
  });

  it("nothing to change writes nothing", async () => {
    const one = await home();
    const handle = await one.open({ ...environmentOf(one), version: "1.0.0" });
    await handle.write({ kind: "patch", patch: {} });
    await handle.write({ kind: "set", path: "gateway.port", value: 1000 });
    expect([await one.text(), await readdir(one.dir), handle.current().version]).toEqual([text, ["openclaw.json"], 1]);
  });

  it("a first write makes the file, and a link stays a link", async () => {
    const one = await testHome();
    const handle = await one.open();
    await handle.write({ kind: "patch", patch: { gateway: { port: 5 } } });
    expect(JSON5.parse(await one.text())).toEqual({ gateway: { port: 5 } });
    const target = await one.put("kept/elsewhere.json", "{}");
    await rm(one.configFile);
    await symlink(target, one.configFile);
    await handle.write({ kind: "patch", patch: { gateway: { port: 6 } } });
    expect((await lstat(one.configFile)).isSymbolicLink()).toBe(true);
    expect(JSON5.parse(await one.text("kept/elsewhere.json"))).toEqual({ gateway: { port: 6 } });
  });

  it("what an included file brings can be overridden here but not removed, and is told so", async () => {
    const one = await home(`{ $include: "./base.json5" }`);
    await one.put("base.json5", `{ gateway: { port: 1, host: "h" } }`);
    const handle = await one.open();
    const next = await handle.write({ kind: "set", path: "gateway.port", value: 2 });
    expect(next.config.gateway).toMatchObject({ port: 2, host: "h" });
    expect(await one.text()).toContain("$include");
    expect(await code(handle.write({ kind: "set", path: "gateway.host", value: undefined }))).toBe("CFG_002");
    expect(await one.text("base.json5")).toBe(`{ gateway: { port: 1, host: "h" } }`);
  });

  it("a place in a list that an included file begins is not mistaken for another", async () => {
    const one = await home(`{ $include: "./base.json5", agents: { list: [{ id: "own" }] } }`);
    await one.put("base.json5", `{ agents: { list: [{ id: "first" }] } }`);
    const handle = await one.open();
    const before = await one.text();
    expect(await code(handle.write({ kind: "set", path: "agents.list[0].name", value: "First" }))).toBe("CFG_002");
    expect(await one.text()).toBe(before);
  });

  it("a folder that cannot be written refuses and leaves the old file", async () => {
    const one = await home();
    // Root may write anywhere; full folders in the place of backups stop root, too.
    for (const number of [4, 5])
      await mkdir(path.join(one.dir, `openclaw.json.bak.${number}`, "full"), { recursive: true });
    await chmod(one.dir, 0o555);
    onTestFinished(() => chmod(one.dir, 0o755));
    const handle = await one.open(environmentOf(one));
    expect(await code(handle.write({ kind: "set", path: "gateway.port", value: 9 }))).toBe("CFG_007");
    expect(await one.text()).toBe(text);
    expect(handle.current().config.gateway.port).toBe(1000);
  });

  it("a full disk refuses and leaves the old file", async (context) => {
    const one = await testHome();
    const disk = path.join(one.dir, "disk");
    await mkdir(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      // Mounting needs rights that not every machine gives.
      if (process.env["OPENCLAW_TEST_SERVICES"] === "required") throw new Error("A small disk cannot be mounted here.");
      context.skip("a small disk cannot be mounted here");
    }
    onTestFinished(() => {
      execFileSync("umount", ["-l", disk]);
    });
    const environment = one.environment({ OPENCLAW_STATE_DIR: disk });
    await writeFile(path.join(disk, "openclaw.json"), "{ gateway: { port: 1 } }");
    const handle = await one.open({ environment });
    await writeFile(path.join(disk, "filler"), "x".repeat(64 * 1024)).catch(() => "full, as it should be");
    expect(
      await code(handle.write({ kind: "patch", patch: { messages: { responsePrefix: "y".repeat(20_000) } } })),
    ).toBe("CFG_007");
    expect(await one.text("disk/openclaw.json")).toBe("{ gateway: { port: 1 } }");
    await rm(path.join(disk, "filler"));
    expect(await code(handle.write({ kind: "set", path: "gateway.port", value: 2 }))).toBe("none");
  });
});

describe("hot reload", () => {
  interface Watched {
    readonly handle: ConfigHandle;
    readonly refusals: string[];
    readonly changes: (readonly [ConfigSnapshot, readonly string[]])[];
    /** Resolves with the milliseconds until the next change or refusal. */
    next(act: () => Promise<unknown>): Promise<number>;
  }

  async function watched(one: TestHome): Promise<Watched> {
    const refusals: string[] = [];
    const changes: (readonly [ConfigSnapshot, readonly string[]])[] = [];
    let wake: () => void = () => undefined;
    const handle = await one.open({
      ...environmentOf(one),
      onRefused: (reason) => {
        refusals.push(reason);
        wake();
      },
    });
    handle.subscribe((snapshot, paths) => {
      changes.push([snapshot, paths]);
      wake();
    });
    await handle.start();
    return {
      handle,
      refusals,
      changes,
      async next(act) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const started = performance.now();
        await act();
        await promise;
        return performance.now() - started;
      },
    };
  }

  it("Q10 Q18: a valid edit is in force within a second, and told with its paths and no value", async () => {
    const one = await home();
    const { next, changes, handle } = await watched(one);
    const before = handle.current();
    const tookMs = await next(() =>
      one.put("openclaw.json", text.replace("1000", "1001").replace("key-in-file", "canary-new-key")),
    );
    expect(tookMs).toBeLessThan(1_000);
    expect(changes.map(([snapshot, paths]) => [snapshot.version, paths])).toEqual([
      [2, ["gateway.port", "models.providers.p.apiKey"]],
    ]);
    expect(JSON.stringify(changes[0]?.[1])).not.toContain("canary");
    // A turn that began before keeps what it began with.
    expect(before.config.gateway.port).toBe(1000);
    expect(handle.current().config.gateway.port).toBe(1001);
  });

  it("Q10: an editor that replaces the file by renaming is noticed, again and again", async () => {
    const one = await home();
    const { next, handle } = await watched(one);
    for (const port of ["1001", "1002", "1003"]) {
      await next(async () => {
        const swap = await one.put("openclaw.json.swp", text.replace("1000", port));
        await rename(swap, one.configFile);
      });
      expect(handle.current().config.gateway.port).toBe(Number(port));
    }
  });

  it.each([
    ["cut off", "{ gateway: { port: 1"],
    ["empty", ""],
    ["wrong in kind", text.replace("1000", '"x"')],
    ["without a lock", "{ gateway: { auth: { mode: 'none' } } }"],
    ["with an empty token", "{ gateway: { auth: { token: '' } } }"],
  ])("Q10: an edit that is %s is kept out with exactly one refusal, and mending it is taken", async (_name, bad) => {
    const one = await home();
    const { next, handle, refusals, changes } = await watched(one);
    await next(() => one.put("openclaw.json", bad));
    await handle.reload();
    await one.put("openclaw.json", bad);
    await handle.reload();
    expect(refusals).toHaveLength(1);
    expect(changes).toEqual([]);
    expect(handle.current().config.gateway.port).toBe(1000);
    await next(() => one.put("openclaw.json", text.replace("1000", "1002")));
    expect(handle.current().config.gateway.port).toBe(1002);
    await next(() => one.put("openclaw.json", bad));
    expect(refusals).toHaveLength(2);
  });

  it("Q10: a file that goes away keeps what is in force", async () => {
    const one = await home();
    const { next, handle, refusals } = await watched(one);
    await next(() => rm(one.configFile));
    expect(refusals).toEqual([`${one.configFile} is gone.`]);
    expect(handle.current().config.gateway.port).toBe(1000);
  });

  it("Q10: an included file in another folder is watched, too", async () => {
    const one = await home(`{ $include: "./parts/a.json5" }`);
    await one.put("parts/a.json5", "{ gateway: { port: 1 } }");
    const { next, handle } = await watched(one);
    await next(() => one.put("parts/a.json5", "{ gateway: { port: 2 } }"));
    expect(handle.current().config.gateway.port).toBe(2);
  });

  it("Q10: our own write is told once, not a second time by the watch", async () => {
    const one = await home();
    const { handle, changes, next } = await watched(one);
    await handle.write({ kind: "set", path: "gateway.port", value: 5 });
    await next(() => one.put("openclaw.json", text.replace("1000", "6")));
    expect(changes.map(([snapshot]) => snapshot.config.gateway.port)).toEqual([5, 6]);
  });

  it("Q10: it can be switched off", async () => {
    const one = await home("{ gateway: { reload: { mode: 'off' } } }");
    const { handle, changes } = await watched(one);
    await one.put("openclaw.json", "{ gateway: { port: 2 } }");
    // The watch's own wait is shorter than this write, which goes through the same queue behind it.
    await handle.write({ kind: "set", path: "gateway.host", value: "h" });
    expect(changes.map(([, paths]) => paths)).toEqual([["gateway.port", "gateway.reload.mode", "gateway.host"]]);
  });

  it("a listener that throws does not keep the others from hearing", async () => {
    const one = await home();
    const handle = await one.open(environmentOf(one));
    const heard: number[] = [];
    handle.subscribe(() => {
      throw new Error("mine");
    });
    const stop = handle.subscribe((snapshot) => heard.push(snapshot.version));
    await handle.write({ kind: "set", path: "gateway.port", value: 5 });
    stop();
    await handle.write({ kind: "set", path: "gateway.port", value: 6 });
    expect(heard).toEqual([2]);
  });

  it("after a broken start, mending the file takes it over", async () => {
    const one = await home("{ broken");
    const { next, handle } = await watched(one);
    expect(handle.source()).toBe("defaults");
    await next(() => one.put("openclaw.json", text));
    expect([handle.source(), handle.current().config.gateway.port]).toEqual(["file", 1000]);
    expect(handle.current().issues).toEqual([]);
  });
});
