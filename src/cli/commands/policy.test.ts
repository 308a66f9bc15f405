/** What is asked of the gateway about policy, and how its answer is shown. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./policy.ts";

type Call = (method: string, params: unknown) => Promise<unknown>;

async function policy(words: readonly string[], call: Call, json = false): Promise<string> {
  let text = "";
  const stream = { write: (piece: string) => void (text += piece) };
  const context: Partial<CliContext> = {
    output: createOutput({ stdout: stream, stderr: stream }, { json, colour: false }),
    signal: new AbortController().signal,
    connect: () =>
      Promise.resolve({ call, close: () => undefined } as unknown as Awaited<ReturnType<CliContext["connect"]>>),
  };
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  register(program, context as CliContext);
  for (const command of program.commands[0]?.commands ?? [])
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  await program.parseAsync(["policy", ...words], { from: "user" });
  return text;
}

const rule = { where: "tools.deny[0]", says: "Denied here: exec." };
const explained = { effect: "deny", rule, trail: [rule], message: "no", question: null, facts: { tool: "exec" } };

describe("openclaw policy explain", () => {
  it("asks about the call as it is described, words behind -- as one line, and prints the rule and all of it", async () => {
    const asked: unknown[] = [];
    const call: Call = (method, params) => {
      asked.push([method, params]);
      return Promise.resolve(explained);
    };
    // oxfmt-ignore
    const words = ["explain", "--agent", "work", "--tool", "exec", "--sender", "irc:account:ann", "--chat", "group",
      "--origin", "cron", "--taint", "web page x", "mail y", "--taint-local", "file z", "--", "git", "push", "--force"];
    const text = await policy(words, call);
    expect(asked).toEqual([
      [
        "policy.explain",
        {
          tool: "exec",
          agentId: "work",
          channel: "irc",
          senderId: "account:ann",
          chatKind: "group",
          origin: "cron",
          taint: [
            { class: "foreign", source: "web page x" },
            { class: "foreign", source: "mail y" },
            { class: "local", source: "file z" },
          ],
          words: "git push --force",
        },
      ],
    ]);
    const [first, ...rest] = text.split("\n");
    expect(first).toBe("deny by tools.deny[0]: Denied here: exec.");
    expect(rest.join("\n")).toBe(
      "\nlooked at  tools.deny[0]: Denied here: exec.\nis told    no\n\nall that was assumed: --json\n",
    );
    expect(JSON.parse(await policy(["explain", "--tool", "exec"], call, true))).toEqual(explained);
    expect(asked[1]).toEqual(["policy.explain", { tool: "exec" }]);
  });

  it("refuses a sender without a channel or of another one, and kinds that there are not, before anybody is asked", async () => {
    const call: Call = () => Promise.reject(new Error("nobody is asked"));
    for (const wrong of [
      ["--sender", "123"],
      ["--sender", "telegram:"],
      ["--sender", "telegram:1", "--channel", "irc"],
    ]) {
      await expect(policy(["explain", "--tool", "exec", ...wrong], call)).rejects.toMatchObject({ code: "SYS_003" });
    }
    for (const wrong of [
      ["--origin", "dream"],
      ["--chat", "crowd"],
    ]) {
      await expect(policy(["explain", "--tool", "exec", ...wrong], call)).rejects.toMatchObject({
        code: "commander.invalidArgument",
      });
    }
    await expect(policy(["explain"], call)).rejects.toMatchObject({ code: "commander.missingMandatoryOptionValue" });
  });
});

describe("openclaw policy diff", () => {
  const side = (effect: string) => ({ effect, rule: "built-in" });
  const changed = (id: string) => ({
    id,
    atMs: 0,
    agentId: "main",
    tool: "exec",
    shown: `git ${id}\nand more`,
    before: side("allow"),
    now: side("allow"),
    after: { effect: "deny", rule: "tools.deny[0]", says: "" },
  });

  it("sends the file with every page until there is no more, and adds up what it is told", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "openclaw-policy-"));
    const file = path.join(folder, "new.json5");
    await writeFile(file, "{ tools: {} }");
    const asked: unknown[] = [];
    const call: Call = (_method, params) => {
      asked.push(params);
      const first = asked.length % 2 === 1;
      return Promise.resolve({
        looked: first ? 500 : 3,
        skipped: first ? 1 : 0,
        changed: [changed(first ? "one" : "two")],
        nextCursor: first ? "9.9" : null,
      });
    };
    const text = await policy(["diff", file, "--since", "7d"], call);
    const params = { candidate: "{ tools: {} }", spanMs: 7 * 86_400_000 };
    expect(asked).toEqual([params, { ...params, cursor: "9.9" }]);
    expect(text).toMatch(/allow → deny .*tools\.deny\[0\].*git one/);
    expect(text).toMatch(/git two/);
    expect(text).not.toContain("and more");
    expect(text).toContain("503 decisions looked at, 2 would be otherwise; 1 not kept whole");
    const whole = JSON.parse(await policy(["diff", file, "--rules"], call, true)) as object;
    expect(whole).toMatchObject({ looked: 503, skipped: 1, changed: [{ id: "one" }, { id: "two" }] });
    expect(asked[2]).toEqual({ candidate: "{ tools: {} }", spanMs: 30 * 86_400_000, rules: true });
    await rm(folder, { recursive: true });
  });

  it("says so where nothing changes, and refuses a file or a time that is none", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "openclaw-policy-"));
    const file = path.join(folder, "new.json5");
    await writeFile(file, "{}");
    const call: Call = () => Promise.resolve({ looked: 4, skipped: 0, changed: [], nextCursor: null });
    expect(await policy(["diff", file], call)).toBe("4 decisions looked at, none would be otherwise\n");
    await expect(policy(["diff", path.join(folder, "gone")], call)).rejects.toMatchObject({ code: "SYS_003" });
    for (const since of ["", "d", "30", "-1d", "1y", "9999999d"]) {
      await expect(policy(["diff", file, "--since", since], call)).rejects.toMatchObject({ code: "SYS_003" });
    }
    await rm(folder, { recursive: true });
  });
});
