/** What an agent may do, remembers and can do, from the command line: good words and bad ones, on a gateway as people run it. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configWith, newStateDir, runCommand, startGateway } from "../gateway-process.ts";
import { openHouse, patience, person, question, say, type House } from "./house.ts";

let house: House;

beforeAll(async () => {
  house = await openHouse();
  // Broken before the first start: said, and nothing is allowed by it.
  await writeFile(path.join(house.stateDir, "exec-approvals.json"), '{"version":1,"agents":{"main":{"allowlist":[{]}');
  await house.start();
}, 30_000);
afterAll(() => house?.close());

async function fine(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await house.run(...args);
  expect(code, stderr + stdout).toBe(0);
  return stdout;
}

it("P10: a broken exec-approvals.json is said at the start, the gateway runs, and nothing is allowed by it", async () => {
  await expect
    .poll(() => house.gateway.output(), patience)
    .toMatch(/WARN +exec exec-approvals\.json cannot be read; nothing of it is in force/);
  expect(await fine("policy", "explain", "--tool", "exec", "--", "ls", "-la")).toMatch(/^ask by tools\.exec\./);
}, 30_000);

it("R122: a tool that is misspelt in the configuration is an error with a hint, and safe defaults hold until it is mended", async () => {
  const { stateDir, remove } = await newStateDir();
  try {
    const config = configWith("http://127.0.0.1:9", { tools: { deny: ["exce"] } });
    const hint = /tools\.deny\[0\]:? exce is not a tool.*did you mean exec\?/;
    const gateway = await startGateway({ stateDir, config });
    expect(gateway.output()).toMatch(hint);
    expect(gateway.output()).toContain("Safe defaults are in force instead: no channel runs.");
    await gateway.kill("SIGKILL");
    const checked = await runCommand(["config", "validate"], { stateDir });
    expect(checked.code).not.toBe(0);
    expect(checked.stdout + checked.stderr).toMatch(hint);
  } finally {
    await remove();
  }
}, 30_000);

describe("openclaw policy", () => {
  it("R121: explain says what would be decided and by which rule; diff tries another file on what was decided", async () => {
    expect(await fine("policy", "explain", "--tool", "read", "--", "README.md")).toMatch(/^allow by /);
    expect(await fine("policy", "explain", "--tool", "write", "--", "/etc/passwd")).toMatch(
      /^deny by tools\.fs\.workspaceOnly: Files outside the workspace are out of reach\.$/m,
    );
    const tainted = ["policy", "explain", "--tool", "exec", "--taint", "web page x", "--json", "--", "ls"];
    expect(JSON.parse(await fine(...tainted))).toMatchObject({ effect: expect.stringMatching(/ask|deny/) as unknown });
    const file = path.join(house.stateDir, "other.json");
    await writeFile(file, JSON.stringify({ tools: { deny: ["exec"] } }));
    expect(await fine("policy", "diff", file)).toMatch(/\d+ decisions? looked at, (none|\d+) would be otherwise/);
  }, 60_000);
});

describe("openclaw memory", () => {
  it("T6: what is noted is found where it was said to stand, and forgotten there", async () => {
    const noted = /^noted in (memory\/[-\d]+\.md), line (\d+)\n$/.exec(
      await fine("memory", "add", "The dog is called Rex"),
    );
    const place = `${noted?.[1]}:${noted?.[2]}`;
    expect(await fine("memory", "search", "dog")).toContain(`${place}  1.00\nThe dog is called Rex\n`);
    const status = await fine("memory", "status");
    expect(status).toMatch(
      /^agent +main\nfiles +1\npieces +1, 0 with a vector\nmodel +none: words alone are searched\n/,
    );
    expect(status).not.toContain("trouble");
    const wrong = await house.run("memory", "forget", place, "--containing", "cat");
    expect(wrong.code).toBe(1);
    expect(await fine("memory", "forget", place, "--containing", "Rex")).toBe(
      "forgotten: 1 piece of the index went with it\n",
    );
    expect(await fine("memory", "search", "dog")).toMatch(/^nothing found\n/);
    expect(await readFile(path.join(house.workspace, noted?.[1] ?? ""), "utf8")).not.toContain("Rex");
  }, 60_000);
});

describe("openclaw skills", () => {
  it("W12: a pack is put on the shelf and listed; a folder and a broken file are refused in words", async () => {
    const zip = path.join(house.stateDir, "tide.zip");
    const pack = "---\nname: tide\ndescription: Tells the tide.\n---\nLook at the table.\n";
    await writeFile(zip, zipSync({ "tide/SKILL.md": strToU8(pack) }));
    expect(await fine("skills", "install", zip)).toContain("tide");
    expect(await fine("skills", "list")).toMatch(
      /^SKILL +FROM +CAN BE USED +WHAT IT DOES\ntide +\S+ +yes +Tells the tide\.\n/,
    );
  }, 30_000);
});

describe("openclaw approvals", () => {
  it("P6, P10: the list of what may run unasked, from an empty one to a line and back", async () => {
    expect(await fine("approvals", "allowlist")).toBe("nothing is on the list of main\n");
    expect(await fine("approvals", "allowlist", "add", "/usr/bin/uptime", "--no-words", "--for", "1d")).toBe(
      "/usr/bin/uptime without words may run unasked for main\n",
    );
    expect(await fine("approvals", "allowlist", "add", "/usr/bin/git")).toBe(
      "/usr/bin/git with any harmless words may run unasked for main\n",
    );
    const list = await fine("approvals", "allowlist");
    expect(list).toMatch(/^ID +PROGRAM +WORDS +BY +UNTIL \(UTC\) +LAST USED \(UTC\)\n/);
    const id = /^(\S+) +\/usr\/bin\/git /m.exec(list)?.[1] ?? "";
    expect(await fine("approvals", "allowlist", "remove", id)).toBe("/usr/bin/git is off the list of main\n");
    expect(JSON.parse(await fine("approvals", "get"))).toMatchObject({
      agents: { main: { allowlist: [{ pattern: "/usr/bin/uptime", argv: [] }] } },
    });
    // The broken file is nobody's to write over by accident.
    expect(await readFile(path.join(house.stateDir, "exec-approvals.json"), "utf8")).toContain("[{]");
  }, 30_000);

  it("P1: a question is allowed where it is shown, and its session goes on", async () => {
    const page = await person(house);
    await say(page, "run: uname -s");
    const { id } = await question(page);
    expect(await fine("approvals", "allow", id.toUpperCase())).toBe("allowed, this once\n");
    await page.close();
  }, 30_000);
});

it.each([
  [["policy", "explain"], 2, /required option '--tool <name>' not specified/],
  [["policy", "explain", "--tool", "nope"], 1, /there is no tool nope/],
  [["policy", "explain", "--tool", "exec", "--agent", "nobody", "--", "ls"], 1, /unknown agent: nobody/],
  [["policy", "explain", "--tool", "exec", "--sender", "x", "--", "ls"], 2, /--sender takes channel:id/],
  [["policy", "diff", "/nowhere.json"], 2, /\/nowhere\.json cannot be read/],
  [["policy", "diff", ".", "--since", "soon"], 2, /--since takes a time such as/],
  [["memory", "search"], 2, /missing required argument 'query'/],
  [["memory", "search", "x", "--limit", "0"], 2, /--limit takes a number from 1 to 999/],
  [["memory", "forget", "nowhere"], 2, /Say which lines/],
  [["memory", "forget", "../openclaw.json:1"], 1, /There is no "\.\.\/openclaw\.json:1" in the memory/],
  [["memory", "add", "--agent", "nobody", "x"], 1, /unknown agent: nobody/],
  [["memory", "nonsense"], 2, /unknown command 'nonsense'/],
  [["skills", "install", "/nowhere.zip"], 2, /\/nowhere\.zip cannot be opened/],
  [["skills", "install", "."], 2, /is not a file; pack its folder into a zip file first/],
  [["skills", "install", "openclaw.json"], 1, /This is no zip file that can be read/],
  [["skills", "list", "--agent", "nobody"], 1, /There is no agent "nobody"/],
  [["skills", "nonsense"], 2, /unknown command 'nonsense'/],
  [["sandbox", "nonsense"], 2, /unknown command 'nonsense'/],
  [["approvals", "nonsense"], 2, /unknown command 'nonsense'/],
  [["approvals", "show", "00000000"], 1, /there is no such question/],
  [["approvals", "allow"], 2, /missing required argument 'id'/],
  [["approvals", "deny", "00000000"], 1, /there is no such question/],
  [["approvals", "allowlist", "remove", "zz"], 1, /main has no line zz/],
  [["approvals", "allowlist", "add", "git", "--for", "soon"], 2, /--for takes a time such as/],
])(
  "Y4: %j ends with %i, in one sentence and with a way on",
  async (args, code, words) => {
    const result = await house.run(...args);
    expect(result.code, result.stdout + result.stderr).toBe(code);
    expect(result.stdout).toBe("");
    const [first, hint, ...more] = result.stderr.trimEnd().split("\n");
    expect(first).toMatch(/^openclaw: .+ \([A-Z]+_\d{3}\)$/);
    expect(first).toMatch(words);
    expect(hint).toMatch(/^[A-Z].*/);
    expect(more).toEqual([]);
  },
  30_000,
);
