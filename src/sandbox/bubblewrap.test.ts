import { createServer, type Server } from "node:net";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { boxedHouse, bubblewrapMissing, runBoxed, shellBoxed, type BoxedHouse } from "./real-box.fixture.ts";

describe.skipIf(bubblewrapMissing)("a box of bubblewrap", () => {
  let house: BoxedHouse;
  let server: Server;
  let connections = 0;
  let port = 0;

  beforeAll(async () => {
    house = await boxedHouse();
    server = createServer((socket) => {
      connections += 1;
      socket.end("hello\n");
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as { port: number }).port;
  });
  afterAll(async () => {
    await new Promise((resolve) => void server.close(resolve));
    await house.close();
  });

  it("P15: a canary outside the workspace is not there, nor keys, nor the state directory, nor the house's files", async () => {
    const { canary, home, stateDir, workspace } = house;
    await writeFile(path.join(workspace, "inside.txt"), "seen");
    const seen = await shellBoxed(house, "cat inside.txt; echo; ls -A ..; ls -A /; ls -A /home /root 2>/dev/null");
    expect(seen.output).toContain("seen");
    expect(seen.output.split("\n")).toContain("workspace");
    for (const hidden of ["gateway.token", "credentials", "root", "home", "opt", "mnt", "srv", "run", "boot"]) {
      expect(seen.output.split("\n")).not.toContain(hidden);
    }
    const secrets = [canary, `${home}/.ssh/id_ed25519`, `${stateDir}/gateway.token`, "/etc/shadow", "/etc/hostname"];
    for (const file of secrets) {
      const read = await runBoxed(house, ["cat", file]);
      expect(read.code, file).not.toBe(0);
      expect(read.output).not.toContain("the canary sings");
    }
  });

  it("P15: the bad twin: the same canary is read where it lies in the workspace", async () => {
    await writeFile(path.join(house.workspace, "canary.txt"), "the canary sings");
    expect((await runBoxed(house, ["cat", "canary.txt"])).output).toBe("the canary sings");
  });

  it("P15, R126: links, `..` and /proc lead nowhere outside", async () => {
    const { canary, workspace } = house;
    await symlink(canary, path.join(workspace, "link"));
    await symlink(path.dirname(canary), path.join(workspace, "folder"));
    const ways = [
      "link",
      "folder/canary.txt",
      "../../../canary.txt",
      `/proc/1/root${canary}`,
      `/proc/self/root${canary}`,
      `/proc/1/cwd${canary}`,
      "/proc/1/environ",
    ];
    for (const way of ways) {
      expect((await runBoxed(house, ["cat", way])).output, way).not.toContain("the canary sings");
    }
  });

  it("P15, R127: no socket opens to a server of the machine, by bash, node, python or curl", async () => {
    const node = process.execPath;
    const ways: readonly (readonly string[])[] = [
      ["bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`],
      ["curl", "-s", "--max-time", "5", "--http0.9", `http://127.0.0.1:${port}/`],
      ["/usr/bin/python3", "-c", `import socket; print(socket.create_connection(("127.0.0.1", ${port}), 5).recv(9))`],
      [node, "-e", `require("net").connect(${port}, "127.0.0.1").on("data", (d) => console.log(String(d)))`],
    ];
    for (const argv of ways) {
      // The node of the tests may lie outside of /usr; then it is mounted as an operator would.
      const binds = [{ path: path.dirname(node), access: "ro" as const }];
      const tried = await runBoxed(
        house,
        argv,
        argv[0] === node && !node.startsWith("/usr/") ? { bounds: { binds } } : {},
      );
      expect(tried.output, argv[0]).not.toContain("hello");
      expect(tried.code, `${argv[0]}: ${tried.output}`).not.toBe(0);
    }
    expect(connections).toBe(0);
    const interfaces = await runBoxed(house, ["cat", "/proc/net/dev"]);
    expect(interfaces.output.match(/^\s*\w+:/gm)?.map((line) => line.trim())).toEqual(["lo:"]);
  });

  it("P15: the bad twin: with the network, and only then, the same socket opens", async () => {
    const argv = ["bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`];
    expect((await runBoxed(house, argv, { bounds: { network: true } })).output).toBe("hello\n");
    expect(connections).toBe(1);
    expect((await shellBoxed(house, "ls /etc/resolv.conf")).code).not.toBe(0);
  });

  it("P15: writes only where the workspace allows it, and in a /tmp of its own", async () => {
    const target = path.join(house.workspace, "written.txt");
    const script = `echo a > written.txt; echo b > /tmp/b && cat /tmp/b; for f in /x /usr/x /etc/x /dev/x /proc/sys/kernel/hostname /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/self/oom_score_adj; do (: >> $f) && echo "WROTE $f"; done`;
    const done = await shellBoxed(house, script);
    expect(done.output).toContain("b\n");
    expect(done.output).not.toContain("WROTE");
    expect(await readFile(target, "utf8")).toBe("a\n");
    expect(existsSync("/tmp/b")).toBe(false);

    const readOnly = await shellBoxed(house, "cat written.txt && echo c > written.txt", {
      bounds: { workspaceAccess: "ro" },
    });
    expect(readOnly.output).toContain("a\n");
    expect(readOnly.code).not.toBe(0);
    expect(await readFile(target, "utf8")).toBe("a\n");

    const none = await shellBoxed(house, `pwd; cat ${target}`, { bounds: { workspaceAccess: "none" } });
    expect(none.output).toMatch(/^\/tmp\n/);
    expect(none.code).not.toBe(0);
  });

  it("P15: the environment is what was approved, without what would load a library outside of the box", async () => {
    const env = { WORD: "given", LD_PRELOAD: "/tmp/evil.so", BASH_ENV: "x", "BASH_FUNC_ls%%": "() { echo; }" };
    const seen = await runBoxed(house, ["env"], { env });
    expect(
      Object.fromEntries(
        seen.output
          .trim()
          .split("\n")
          .map((line) => line.split("=", 2)),
      ),
    ).toEqual({
      PATH: "/usr/local/bin:/usr/bin:/bin",
      LANG: "C.UTF-8",
      WORD: "given",
      HOME: "/tmp",
      TMPDIR: "/tmp",
      PWD: house.workspace,
    });
    const sandbox = await house.sandbox();
    const { approved } = await import("./real-box.fixture.ts");
    const boxed = await sandbox.box(approved(["env"], house.workspace, { KEY: "s3cret-value" }), house.bounds());
    // An argument can be read by every user of the machine.
    expect(boxed.argv.join(" ")).not.toContain("s3cret-value");
    await boxed.release();
  });

  it("P15: has no rights, cannot gain any, and sees no process but its own", async () => {
    const status = await shellBoxed(house, "cat /proc/self/status; ls -d /proc/[0-9]* | wc -l; unshare -U true");
    expect(status.output).toMatch(/CapEff:\s+0+\n/);
    expect(status.output).toMatch(/CapBnd:\s+0+\n/);
    expect(status.output).toMatch(/NoNewPrivs:\s+1\n/);
    expect(Number(/^\d+$/m.exec(status.output)?.[0])).toBeLessThan(8);
    expect(status.code).not.toBe(0);
  });

  it("P15: memory, processes and files are bounded as it says", async () => {
    const { limits } = await house.sandbox();
    const memory = await runBoxed(house, ["/usr/bin/python3", "-c", "x = b'x' * (700 << 20); print('HAD IT')"]);
    expect(memory.output).not.toContain("HAD IT");
    const enough = await runBoxed(house, ["/usr/bin/python3", "-c", "x = b'x' * (100 << 20); print('HAD IT')"]);
    expect(enough.output).toContain("HAD IT");

    const file = await shellBoxed(house, "head -c 20000000 /dev/zero > big.bin; stat -c %s big.bin");
    expect(file.output).toContain(String(8 * 1024 * 1024));
    const raised = await shellBoxed(house, "ulimit -f unlimited && echo RAISED");
    expect(raised.output).not.toContain("RAISED");
    const tmp = await shellBoxed(house, "for i in $(seq 40); do head -c 8000000 /dev/zero > /tmp/$i || exit 9; done", {
      bounds: { memoryMb: 2_048 },
    });
    expect(tmp.code).not.toBe(0);

    if (!limits.processes) return;
    const many = await shellBoxed(house, "for i in $(seq 200); do sleep 5 & done; echo DONE");
    expect(many.output).toMatch(/fork|Resource temporarily/i);
    const few = await shellBoxed(house, "for i in $(seq 20); do sleep 0.01 & done; wait; echo DONE");
    expect(few.output).toBe("DONE\n");
  });

  it("R126: a workspace whose folders are exchanged for links while it runs shows nothing of outside", async () => {
    const { workspace, canary, base } = house;
    const outside = path.dirname(canary);
    await mkdir(path.join(workspace, "real"));
    let isOn = true;
    const swapping = (async () => {
      while (isOn) {
        await rm(path.join(workspace, "swap"), { recursive: true, force: true });
        await mkdir(path.join(workspace, "swap"));
        await rename(path.join(workspace, "swap"), path.join(workspace, "old"));
        await symlink(outside, path.join(workspace, "swap"));
        await rm(path.join(workspace, "old"), { recursive: true });
      }
    })();
    const script = "for i in $(seq 300); do cat swap/canary.txt; echo stolen > swap/canary.txt; done 2>/dev/null; true";
    const runs = await Promise.all([1, 2, 3].map(() => shellBoxed(house, script)));
    // Also where it stands in such a folder when it starts.
    const inside = await shellBoxed(house, "cat canary.txt; pwd", { cwd: path.join(workspace, "swap") });
    isOn = false;
    await swapping;
    for (const { output } of [...runs, inside]) expect(output).not.toContain("the canary sings");
    expect(readFileSync(canary, "utf8")).toBe("the canary sings");
    expect(existsSync(path.join(base, "stolen"))).toBe(false);
  });

  it("R126: a workspace that is a link to somewhere else is judged by where it leads", async () => {
    const link = path.join(house.base, "ws-link");
    await symlink(house.home, link);
    await expect(shellBoxed(house, "ls -A", { bounds: { workspace: link } })).rejects.toMatchObject({
      code: "SEC_007",
    });
  });

  it("works below /tmp too, and a folder with blanks and quotes in its name is mounted as it is", async () => {
    const other = await boxedHouse("/tmp");
    const strange = path.join(other.stateDir, "workspace-a 'b' \"c\" $(d)");
    await mkdir(strange);
    await writeFile(path.join(strange, "x"), "found");
    const seen = await shellBoxed(other, "cat x; ls -A /tmp", { bounds: { workspace: strange }, cwd: strange });
    expect(seen.output).toContain("found");
    await other.close();
  });
});
