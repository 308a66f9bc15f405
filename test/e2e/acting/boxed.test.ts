/** The sandbox, from outside: what a boxed command of a real turn can read and reach, and what happens where there is none. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openHouse, said, type House } from "./house.ts";

const model = { primary: "mock/mock-1", fallbacks: [] };
const unasked = { exec: { security: "full", ask: "off" } };
const canary = "canary-6f1d2a";
const hasBubblewrap = spawnSync("bwrap", ["--version"]).status === 0;

let folder: string;
let server: Server;
let seen = 0;
let house: House;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "openclaw-canary-"));
  await writeFile(path.join(folder, "canary.txt"), canary);
  server = createServer((socket) => {
    seen += 1;
    socket.end(canary);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  house = await openHouse();
});
afterAll(async () => {
  await house?.close();
  await new Promise((resolve) => server?.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

function port(): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const dial = (): string => `run: bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port()} && cat <&3'`;

/** What tells that the same commands would have got it outside of the sandbox. */
it("P15: without a sandbox a command reads the canary and reaches the server", async () => {
  await house.start({ config: { tools: unasked, agents: { defaults: { model } } } });
  expect(await said(house, `run: cat ${folder}/canary.txt`)).toContain(canary);
  expect(await said(house, dial())).toContain(canary);
  expect(seen).toBe(1);
  await house.gateway.kill("SIGTERM");
}, 60_000);

describe.skipIf(!hasBubblewrap)("with bubblewrap", () => {
  beforeAll(async () => {
    seen = 0;
    await house.start({ config: { tools: unasked, agents: { defaults: { model, sandbox: { mode: "all" } } } } });
  }, 30_000);
  afterAll(() => house.gateway.kill("SIGTERM"));

  it.each([
    ["the file", () => `cat ${folder}/canary.txt`],
    ["a copy of it", () => `cp ${folder}/canary.txt here.txt; cat here.txt`],
    ["a link to it", () => `ln -s ${folder}/canary.txt link.txt; cat link.txt`],
    ["all that there is", () => `grep -rs ${canary.slice(0, 6)} /tmp /root /home /var/tmp`],
    ["the gateway's own configuration", () => `cat ${house.stateDir}/openclaw.json ${house.stateDir}/gateway.token`],
    [
      "another process",
      () => `cat /proc/${house.gateway.pid}/environ /proc/${house.gateway.pid}/root${folder}/canary.txt`,
    ],
  ])(
    "P15: a command cannot read %s",
    async (_what, line) => {
      const text = await said(house, `run: ${line()}`);
      expect(text).toMatch(/\[exit code [1-9]\d*\]/);
      expect(text).not.toContain(canary);
      expect(text).not.toMatch(/apiKey|OPENCLAW_STATE_DIR/);
    },
    60_000,
  );

  it("P15: a command cannot open a socket to a server of this machine", async () => {
    const text = await said(house, dial());
    expect(text).toMatch(/\[exit code [1-9]\d*\]/);
    expect(text).not.toContain(canary);
    expect(seen).toBe(0);
  }, 60_000);

  it("P15: it works in the workspace all the same, and sandbox status says what holds", async () => {
    expect(await said(house, "run: echo mine > mine.txt; cat mine.txt")).toMatch(/\nmine\n\[exit code 0\]/);
    const { code, stdout } = await house.run("sandbox", "status");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^AGENT +SESSIONS +SANDBOX +WORKSPACE +NETWORK +MEMORY\nmain +all +bubblewrap [\d.]+ +rw +no +\d+ MiB\n/,
    );
    expect(stdout).toMatch(/^main: all commands run in bubblewrap/m);
  }, 60_000);
});

it("P15: where a sandbox is asked for and there is none, nothing runs, and all say so in words", async () => {
  const sandbox = { mode: "all", backend: "docker", docker: { image: "nothing:1" } };
  await house.start({
    config: { tools: unasked, agents: { defaults: { model, sandbox } } },
    env: { PATH: "/nowhere" },
  });
  const text = await said(house, "run: touch ran");
  expect(text).toMatch(/sandbox/);
  expect(text).not.toMatch(/ENOENT|undefined|\[exit code/);
  const status = await house.run("sandbox", "status");
  expect(status.stdout).toMatch(/^main: all commands are refused: a sandbox is asked for, and there is none\. /m);
}, 60_000);
