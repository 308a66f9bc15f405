/** A gateway that dies in the middle of a turn that acts: what is done stays done once, and what is in doubt is asked. */
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { markDrillFolder } from "../../../src/drill/drill-folder.ts";
import type { WireClient } from "../../../src/gateway/wire-client.fixture.ts";
import { answered, openHouse, paidTwice, person, question, say, type House } from "./house.ts";

const unasked = { tools: { exec: { security: "full", ask: "off" } } };
const asking = { tools: { exec: { security: "allowlist", ask: "always" } } };

let house: House;
let page: WireClient;
let round = 0;

beforeAll(async () => {
  house = await openHouse(unasked);
  await markDrillFolder(house.stateDir);
});
afterAll(() => house?.close());

/** Five commands that leave a line each, and a look between them. */
function fiveSteps(together: boolean): string {
  const commands = ["a", "b", "c", "d", "e"].map((letter) => `run: echo ${letter} >> lines.txt`);
  return [`round ${round}`, ...(together ? ["together"] : []), commands.join('\ntool: ls {"path":"."}\n')].join("\n");
}

async function lines(): Promise<string> {
  return (await readFile(path.join(house.workspace, "lines.txt"), "utf8").catch(() => "")).replaceAll("\n", "");
}

/** One turn of a session of its own, in a gateway that dies there. */
async function killedAt(plan: string, text: string, config = unasked): Promise<string> {
  const sessionKey = `round-${round}`;
  await house.start({ config, env: { OPENCLAW_DRILL_FAILPOINT: plan } });
  page = await person(house);
  // Where it dies before it has said so, the message may be kept all the same: the test looks whether it is.
  await say(page, text, sessionKey).catch(() => undefined);
  return sessionKey;
}

async function startAgain(config = unasked): Promise<void> {
  await house.start({ config });
  page = await person(house);
}

async function newRound(): Promise<void> {
  if (round > 0) await house.gateway.kill("SIGKILL");
  round += 1;
  await rm(path.join(house.workspace, "lines.txt"), { force: true });
}

// Calls are counted one by one: 1, 3, 5, 7, 9 are the commands, those between them only look.
const betweenSteps = [
  ["before the model is asked", "turn-begun:1:kill", ""],
  ["before the first", "step-committed:1:kill", ""],
  ["behind the first", "tool-running:2:kill", "a"],
  ["behind the second", "tool-running:4:kill", "ab"],
  ["behind the third", "tool-running:6:kill", "abc"],
  ["behind the fourth", "tool-running:8:kill", "abcd"],
] as const;

describe("a turn of five commands", () => {
  it.each([...betweenSteps, ["behind the second, all asked for in one answer", "tool-running:4:kill", "ab"] as const])(
    "M4: killed %s, it goes on with no question: every command ran once and no answer of the model was paid twice",
    async (where, plan, before) => {
      await newRound();
      const sessionKey = await killedAt(plan, fiveSteps(where.includes("one answer")));
      expect(await house.gateway.ended).toBe("SIGKILL");
      expect(await lines()).toBe(before);
      await startAgain();
      const text = await answered(page, 1, sessionKey);
      expect(text.match(/\[exit code 0\]/g)).toHaveLength(5);
      expect(await lines()).toBe("abcde");
      expect(paidTwice(house.model)).toEqual([]);
      expect(page.events("exec.approval.requested")).toEqual([]);
    },
    60_000,
  );

  it.each([
    ["before its effect", "tool-running:5:kill", { before: "ab", decision: "allow-once", after: "abcde" }],
    ["behind its effect", "tool-finished:5:kill", { before: "abc", decision: "deny", after: "abcde" }],
    [
      "behind its effect, all asked for in one answer",
      "tool-finished:5:kill",
      { before: "abc", decision: "allow-once", after: "abccde" },
    ],
  ] as const)(
    "M4, P14: killed during the third, %s, its owner is asked, and it runs (again) behind a yes alone",
    async (where, plan, { before, decision, after }) => {
      await newRound();
      const sessionKey = await killedAt(plan, fiveSteps(where.includes("one answer")));
      expect(await house.gateway.ended).toBe("SIGKILL");
      await startAgain();
      const asked = await question(page);
      expect(asked).toMatchObject({ kind: "in-doubt", tool: "exec", shown: 'exec {"command":"echo c >> lines.txt"}' });
      expect((await house.run("approvals", "show", asked.id)).stdout).toContain(
        "in doubt     it may have been done already, just before the gateway stopped\n",
      );
      expect(await lines()).toBe(before);
      await page.ask("exec.approval.resolve", { id: asked.id, decision });
      const text = await answered(page, 1, sessionKey);
      expect(await lines()).toBe(after);
      const refused = "Whether it was done is not known, and it was not repeated.";
      expect(text.includes(refused)).toBe(decision === "deny");
      expect(paidTwice(house.model)).toEqual([]);
    },
    60_000,
  );
});

describe("a turn that waits for a yes", () => {
  const line = (): string => `round ${round}\nrun: echo a >> lines.txt`;

  it.each(["SIGKILL", "SIGTERM"] as const)(
    "P14: ended with %s while it waits, the question is there after the next start, and its answer counts",
    async (signal) => {
      await newRound();
      const sessionKey = await killedAt("", line(), asking);
      const { id } = await question(page);
      expect(await house.gateway.kill(signal)).toBe(signal === "SIGKILL" ? signal : 0);
      const missed = await house.run("approvals", "allow", id);
      expect(missed.code).toBe(69);
      expect(missed.stderr).toMatch(/^openclaw: .*gateway.*\(SYS_002\)$/m);
      await startAgain(asking);
      expect(await question(page)).toMatchObject({ id, kind: "exec", shown: "echo a >> lines.txt" });
      expect(await lines()).toBe("");
      expect(await house.run("approvals", "allow", id)).toMatchObject({ code: 0, stdout: "allowed, this once\n" });
      expect(await answered(page, 1, sessionKey)).toContain("[exit code 0]");
      expect(await lines()).toBe("a");
      expect(paidTwice(house.model)).toEqual([]);
      expect(page.events("exec.approval.requested")).toEqual([]);
    },
    60_000,
  );

  it("P14: killed behind the answer and before the command began, it runs once, and nobody is asked again", async () => {
    await newRound();
    const sessionKey = await killedAt("turn-begun:2:kill", line(), asking);
    const { id } = await question(page);
    await house.run("approvals", "allow", id);
    expect(await house.gateway.ended).toBe("SIGKILL");
    expect(await lines()).toBe("");
    await startAgain(asking);
    expect(await answered(page, 1, sessionKey)).toContain("[exit code 0]");
    expect(await lines()).toBe("a");
    expect(paidTwice(house.model)).toEqual([]);
    expect(page.events("exec.approval.requested")).toEqual([]);
  }, 60_000);

  it("P14: killed behind the answer while the command ran, the doubt is a question of its own", async () => {
    await newRound();
    const sessionKey = await killedAt("tool-finished:1:kill", line(), asking);
    const first = await question(page);
    await house.run("approvals", "allow", first.id);
    expect(await house.gateway.ended).toBe("SIGKILL");
    await startAgain(asking);
    const doubt = await question(page);
    expect(doubt).toMatchObject({ kind: "in-doubt" });
    expect(doubt.id).not.toBe(first.id);
    expect((await house.run("approvals", "deny", doubt.id)).stdout).toBe("denied\n");
    expect(await answered(page, 1, sessionKey)).toContain("it was not repeated");
    expect(await lines()).toBe("a");
  }, 60_000);
});
