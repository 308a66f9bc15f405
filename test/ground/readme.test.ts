import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/source-hash.mjs";
import { run, start, type RunOptions } from "./process-run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const readme = readFileSync(path.join(root, "README.md"), "utf8");

interface Block {
  /** What stands behind the language: `run`, `run=background`, `run=tests`, or nothing. */
  readonly mark: string;
  readonly text: string;
}

const blocks: readonly Block[] = [...readme.matchAll(/^```sh([^\n]*)\n([\s\S]*?)^```$/gm)].map(
  ([, mark = "", text = ""]) => ({ mark: mark.trim(), text: text.trim() }),
);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A newcomer: nothing in the home directory, no key in the environment, the machine's own path. */
function newcomer(home: string, port: number): RunOptions {
  const { CI, LANG } = process.env;
  const known = { ...(CI === undefined ? {} : { CI }), ...(LANG === undefined ? {} : { LANG }) };
  const env = { ...known, HOME: home, PATH: process.env["PATH"] ?? "", OPENCLAW_GATEWAY_PORT: String(port) };
  return { cwd: root, env };
}

describe("the README", () => {
  it("has no command that is not run here", () => {
    expect(blocks.map(({ mark }) => mark)).toEqual([
      "run=background",
      ...Array.from({ length: 6 }, () => "run"),
      "run=tests",
    ]);
    expect(readme.match(/^```(?!sh run|json5 config|$)/gm)).toBeNull();
  });

  it("shows a configuration that a gateway takes", async () => {
    const shown = [...readme.matchAll(/^```json5 config\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
    expect(shown).toHaveLength(3);
    const home = temporaryFolder();
    mkdirSync(path.join(home, ".openclaw"));
    const file = path.join(home, ".openclaw", "openclaw.json");
    const validate = () => run("bin/openclaw.mjs", ["config", "validate"], newcomer(home, 18_789));
    for (const text of shown) {
      writeFileSync(file, text.replace("<token>", "123456789:AAExampleExampleExampleExampleExample"));
      expect(await validate(), text).toMatchObject({ code: 0, stdout: expect.stringMatching(/no mistakes/) });
    }
    const chatApp = shown.find((text) => text.includes("allowlist")) ?? "";
    for (const mistaken of [
      chatApp.replace("allowlist", "everybody"),
      shown[0]?.replace("day: 5", 'day: "five"') ?? "",
      shown[1]?.replace("group:web", "group:wbe") ?? "",
    ]) {
      writeFileSync(file, mistaken);
      expect(await validate(), mistaken).toMatchObject({ code: 78 });
    }
  });

  it("starts a gateway that answers, without any configuration", async () => {
    const port = await freePort();
    const home = temporaryFolder();
    const options = newcomer(home, port);
    const background = blocks.find(({ mark }) => mark === "run=background");
    expect(background?.text).toBe("npm start");
    const gateway = start("bash", ["-c", `exec ${background?.text}`], options);
    await gateway.waitFor(new RegExp(`http://127\\.0\\.0\\.1:${port}/\\S+`));
    for (const { text } of blocks.filter(({ mark }) => mark === "run")) {
      const result = await run("bash", ["-euo", "pipefail", "-c", text.replaceAll("18789", String(port))], options);
      expect(result, text).toMatchObject({ code: 0 });
      expect(result.stdout.trim(), text).not.toBe("");
      if (text.startsWith("curl")) expect(JSON.parse(result.stdout), text).toHaveProperty("choices.0.message.content");
    }
    gateway.child.kill("SIGTERM");
    expect(await gateway.ended).toMatchObject({ code: 0, signal: null });
    // Installing, building, starting and three crashes, on a machine that others use too.
  }, 120_000);

  it("names the command that runs the tests", async () => {
    const text = blocks.find(({ mark }) => mark === "run=tests")?.text;
    // Running everything inside itself would never end: the command is given a filter that matches nothing.
    const result = await run("bash", ["-c", `${text} -- --passWithNoTests no-such-test`], { cwd: root });
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/No test files found/);
  });

  it("points to files that exist", () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target = ""]) => target);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((target) => !existsSync(path.join(root, target)))).toEqual([]);
  });
});
