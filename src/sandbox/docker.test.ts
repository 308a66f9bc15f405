import { chmod, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { run } from "../platform/subprocess.ts";
import { seededIds } from "../platform/seeded-ids.ts";
import type { Sandbox, SandboxBounds } from "./contract.ts";
import { createDocker, type DockerParts } from "./docker.ts";
import { approved } from "./real-box.fixture.ts";

/** There is no daemon in these tests: a program of the same name writes down what it was given. */
describe("a container of Docker", () => {
  let base = "";
  let workspace = "";
  let parts: DockerParts;
  let docker: Sandbox;

  beforeAll(async () => {
    base = await realpath(await mkdtemp("/var/tmp/openclaw-docker-"));
    workspace = path.join(base, "home/.openclaw/workspace");
    await mkdir(workspace, { recursive: true });
    await mkdir(path.join(base, "data"));
    const program = path.join(base, "docker");
    await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$@" >> ${base}/argv\nenv > ${base}/env\n`);
    await chmod(program, 0o755);
    parts = {
      docker: program,
      version: "docker 27",
      image: "box:1",
      readOnlyRoot: true,
      user: { uid: 1000, gid: 1001 },
      rules: { stateDir: path.join(base, "home/.openclaw"), home: path.join(base, "home") },
      ids: seededIds(1),
    };
    docker = createDocker(parts);
  });
  afterAll(async () => await rm(base, { recursive: true, force: true }));

  const bounds = (part: Partial<SandboxBounds> = {}): SandboxBounds => ({
    workspace,
    workspaceAccess: "rw",
    network: false,
    memoryMb: 512,
    processes: 64,
    fileMb: 8,
    binds: [],
    ...part,
  });
  const started = async (argv: readonly string[], part: Partial<SandboxBounds> = {}): Promise<readonly string[]> =>
    (await docker.box(approved(argv, workspace), bounds(part))).argv;

  it("P15, R127: without network, rights, a writable root or a shell; with its bounds", async () => {
    const argv = await started(["/usr/bin/git", "status; rm -rf /", "--privileged"]);
    const line = argv.join(" ");
    for (const words of [
      "run --rm",
      "--network none",
      "--read-only",
      "--cap-drop ALL",
      "--security-opt no-new-privileges",
      "--pids-limit 64",
      "--memory 512m --memory-swap 512m",
      "--user 1000:1001",
      "--pull never",
      `--mount type=bind,source=${workspace},target=${workspace}`,
      `--workdir ${workspace}`,
      `--tmpfs /tmp:rw,nosuid,nodev,size=${limits.boxTmpMb * 1024 * 1024}`,
    ]) {
      expect(line).toContain(words);
    }
    // What the model wrote stands behind the image, where Docker reads no option.
    expect(argv.slice(argv.indexOf("--"))).toEqual(["--", "box:1", "status; rm -rf /", "--privileged"]);
    expect(argv[argv.indexOf("--entrypoint") + 1]).toBe("/usr/bin/git");
  });

  it("P15: the workspace as policy says: read-only, or not at all", async () => {
    expect((await started(["ls"], { workspaceAccess: "ro" })).join(" ")).toContain(`target=${workspace},readonly`);
    const none = await started(["ls"], { workspaceAccess: "none" });
    expect(none).not.toContain("--mount");
    expect(none[none.indexOf("--workdir") + 1]).toBe("/tmp");
  });

  it("R125: a bind is real and harmless, or nothing is started", async () => {
    const data = path.join(base, "data");
    await symlink(data, path.join(base, "link"));
    const argv = await started(["ls"], { binds: [{ path: path.join(base, "link"), access: "ro" }] });
    expect(argv.join(" ")).toContain(`source=${data},target=${data},readonly`);
    for (const folder of ["/", "/var/run", "/run", path.join(base, "home"), "/etc"]) {
      await expect(started(["ls"], { binds: [{ path: folder, access: "ro" }] })).rejects.toMatchObject({
        code: "SEC_007",
      });
    }
    const comma = path.join(base, "a,readonly=false");
    await mkdir(comma);
    await expect(started(["ls"], { binds: [{ path: comma, access: "ro" }] })).rejects.toMatchObject({
      code: "SEC_007",
    });
  });

  it("R125: no value of the environment is an argument, and none says where the daemon is", async () => {
    const env = { KEY: "s3cret", DOCKER_HOST: "tcp://evil", LD_PRELOAD: "/x" };
    const boxed = await docker.box(approved(["env"], workspace, env), bounds());
    expect(boxed.argv.join(" ")).not.toMatch(/s3cret|evil|LD_PRELOAD/);
    expect(boxed.argv.join(" ")).toContain("--env KEY");
    expect(boxed.env).not.toHaveProperty("DOCKER_HOST");
  });

  it("P15: what is started is Docker's program with these words, and its container is removed behind it", async () => {
    const boxed = await docker.box(approved(["ls", "-l"], workspace), bounds());
    await run(boxed.argv, { env: boxed.env, cwd: boxed.cwd, timeoutMs: 20_000, maxOutputBytes: 1_000 });
    await boxed.release();
    const words = (await readFile(path.join(base, "argv"), "utf8")).trim().split("\n");
    const name = words[words.indexOf("--name") + 1];
    expect(words.slice(0, boxed.argv.length - 1)).toEqual(boxed.argv.slice(1));
    expect(words.slice(-4)).toEqual(["rm", "--force", "--", name]);
  });

  it("a container's end that fails is nobody's failure", async () => {
    const gone = createDocker({ ...parts, docker: "/nonexistent/docker" });
    const boxed = await gone.box(approved(["ls"], workspace), bounds());
    await expect(boxed.release()).resolves.toBeUndefined();
  });
});
