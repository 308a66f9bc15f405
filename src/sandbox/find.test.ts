import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../domain/limits.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { seededIds } from "../platform/seeded-ids.ts";
import { createSandboxFinder, type SandboxFinder } from "./find.ts";
import { bubblewrapMissing } from "./real-box.fixture.ts";

describe("what is found on a machine", () => {
  let folder = "";
  let clock: FakeClock;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "openclaw-find-"));
    clock = new FakeClock(0);
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  const finder = (programFolders?: readonly string[]): SandboxFinder =>
    createSandboxFinder({
      clock,
      ids: seededIds(1),
      rules: { stateDir: "/nonexistent/s", home: "/nonexistent" },
      ...(programFolders === undefined ? {} : { programFolders }),
    });
  const program = async (name: string, script: string): Promise<void> => {
    await writeFile(path.join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(path.join(folder, name), 0o755);
  };
  const auto = { backend: "auto", image: "box:1", readOnlyRoot: true } as const;

  it.skipIf(bubblewrapMissing)("P15: bubblewrap counts when it made a box", async () => {
    const found = await finder().find(auto);
    expect(found).toMatchObject({ found: true, sandbox: { kind: "bubblewrap" } });
    expect(found.found && found.sandbox.version).toMatch(/^bubblewrap \d/);
  });

  it("P15: neither installed: one sentence says so, and none is invented", async () => {
    const found = await finder([folder]).find(auto);
    expect(found).toEqual({ found: false, why: "bubblewrap is not installed, and Docker is not installed." });
  });

  it("P15: bubblewrap that may make no namespace is not found, and its own words say why", async () => {
    await program("prlimit", "");
    await program(
      "bwrap",
      '[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit; echo "bwrap: No permissions to create a namespace" >&2; exit 1',
    );
    const found = await finder([folder]).find({ ...auto, backend: "bubblewrap" });
    expect(found).toEqual({
      found: false,
      why: "bubblewrap 0.8.0 cannot make a box here (bwrap: No permissions to create a namespace).",
    });
  });

  it("P15: a Docker without a daemon, and one without an image, are not found", async () => {
    await program("docker", "echo 'Cannot connect to the Docker daemon.' >&2; exit 1");
    const docker = { ...auto, backend: "docker" } as const;
    expect(await finder([folder]).find(docker)).toEqual({
      found: false,
      why: "Docker's daemon does not answer (Cannot connect to the Docker daemon).",
    });
    expect(await finder([folder]).find({ ...docker, image: undefined })).toMatchObject({
      why: expect.stringContaining("image"),
    });
  });

  it("R125: programs are looked for in fixed folders, and Docker is asked without the gateway's environment", async () => {
    await program("docker", `env > ${folder}/seen; echo 27.0.1`);
    const before = { ...process.env };
    process.env["PATH"] = `${folder}:${before["PATH"]}`;
    process.env["DOCKER_HOST"] = "tcp://evil.example.org:2375";
    try {
      expect(await finder(["/nonexistent"]).find({ ...auto, backend: "docker" })).toMatchObject({ found: false });
      expect(await finder([folder]).find({ ...auto, backend: "docker" })).toMatchObject({
        found: true,
        sandbox: { kind: "docker", version: "docker 27.0.1" },
      });
    } finally {
      process.env["PATH"] = before["PATH"];
      delete process.env["DOCKER_HOST"];
    }
    const seen = await readFile(path.join(folder, "seen"), "utf8");
    expect(seen).not.toContain("DOCKER_HOST");
    expect(seen).toContain("PATH=/usr/bin:/bin\n");
  });

  it("looks once; what was not found is looked for again after its time, not before", async () => {
    await program("docker", `echo asked >> ${folder}/count; exit 1`);
    const one = finder([folder]);
    const docker = { ...auto, backend: "docker" } as const;
    const asked = async (): Promise<number> =>
      (await readFile(path.join(folder, "count"), "utf8")).split("\n").length - 1;
    await Promise.all([one.find(docker), one.find(docker)]);
    await one.find(docker);
    expect(await asked()).toBe(1);
    await clock.advance(limits.boxRetryMs - 1);
    await one.find(docker);
    expect(await asked()).toBe(1);
    await clock.advance(1);
    await program("docker", "echo 27");
    expect(await one.find(docker)).toMatchObject({ found: true });
    await rm(path.join(folder, "docker"));
    await clock.advance(limits.boxRetryMs * 2);
    expect(await one.find(docker)).toMatchObject({ found: true });
  });
});
