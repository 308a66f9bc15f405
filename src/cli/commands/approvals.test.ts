/** What waits for a yes, in the terminal: all of it is shown, and nothing is a yes by accident. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createQuestioner, type AskLine, type ShownApproval } from "../approval-question.ts";
import type { CliContext } from "../contract.ts";
import { createOutput } from "../output.ts";
import { register } from "./approvals.ts";

type Call = (method: string, params: unknown) => Promise<unknown>;

function view(changes: Partial<ShownApproval> = {}): ShownApproval {
  return {
    id: "1a2b3c4d",
    kind: "exec",
    tool: "exec",
    shown: "git status\nrm -rf ./built",
    cwd: "/home/ann/work",
    programs: ["/usr/bin/git", "/usr/bin/rm"],
    reasons: ["rm is on no list"],
    taint: [{ class: "foreign", source: "web page https://example.org/a" }],
    always: "git status, in any folder",
    runId: "run-1",
    callId: "c1",
    sessionKey: "agent:main:main",
    agentId: "main",
    channel: "webchat",
    senderId: "token:gateway",
    createdMs: Date.UTC(2026, 10, 20, 12),
    expiresMs: Date.UTC(2026, 10, 20, 12, 5),
    state: "open",
    decidedMs: null,
    decidedBy: null,
    answer: null,
    ...changes,
  };
}

function terminal() {
  let text = "";
  let code = 0;
  const stream = { write: (piece: string) => void (text += piece) };
  const output = createOutput({ stdout: stream, stderr: stream }, { json: false, colour: false });
  return { output, text: () => text, code: () => code, exit: (given: number) => void (code = given) };
}

async function approvals(words: readonly string[], call: Call) {
  const seat = terminal();
  const context: Partial<CliContext> = {
    output: seat.output,
    exit: seat.exit,
    signal: new AbortController().signal,
    connect: () =>
      Promise.resolve({ call, close: () => undefined } as unknown as Awaited<ReturnType<CliContext["connect"]>>),
  };
  const program = new Command();
  register(program, context as CliContext);
  await program.parseAsync(["approvals", ...words], { from: "user" });
  return seat;
}

const decided = (changes: object = {}) => ({
  ok: true,
  id: "1a2b3c4d",
  outcome: "decided" as const,
  state: "allowed" as const,
  decidedBy: "token:gateway",
  always: null,
  ...changes,
});

describe("openclaw approvals", () => {
  it("P14: lists what is open, and questions about money beside it", async () => {
    const call: Call = (method) =>
      Promise.resolve(
        method === "budget.get"
          ? { approvals: [{ id: "b0b0b0b0" }] }
          : { approvals: [view({ shown: "make\u202e all" })] },
      );
    const { text } = await approvals(["list"], call);
    expect(text()).toContain("1a2b3c4d  exec  agent:main:main  2026-11-20 12:05:00  make\\u{202e} all");
    expect(text()).toContain("about money: b0b0b0b0; see openclaw budget show");
    const empty = await approvals([], () => Promise.resolve({ approvals: [] }));
    expect(empty.text()).toBe("nothing waits for you\n");
  });

  it("R114: shows all of a question, with what cannot be seen written out", async () => {
    const shown = Array.from({ length: 300 }, (_, line) => `echo ${line} \u200b`).join("\n");
    const { text } = await approvals(["show", "1a2b3c4d"], () => Promise.resolve(view({ shown })));
    for (let line = 0; line < 300; line += 1) expect(text()).toContain(`echo ${line} \\u{200b}`);
    for (const words of ["/home/ann/work", "/usr/bin/rm", "rm is on no list", "web page https://example.org/a"])
      expect(text()).toContain(words);
    expect(text()).toContain("it holds characters that cannot be seen");
    expect(text()).toContain("openclaw approvals allow 1a2b3c4d [--always], or openclaw approvals deny 1a2b3c4d");
  });

  it("P1: allows once, for good, or not, and says who was first", async () => {
    const asked: unknown[] = [];
    const answering =
      (answer: unknown): Call =>
      (method, params) => {
        asked.push([method, params]);
        return Promise.resolve(answer);
      };
    const once = await approvals(["allow", "1a2b3c4d"], answering(decided()));
    const good = await approvals(["allow", "1a2b3c4d", "--always"], answering(decided({ always: "written" })));
    const no = await approvals(["deny", "1a2b3c4d"], answering(decided({ state: "denied" })));
    const late = await approvals(["deny", "1a2b3c4d"], answering(decided({ outcome: "late", decidedBy: "irc:ann" })));
    expect(asked).toEqual(
      ["allow-once", "allow-always", "deny", "deny"].map((decision) => [
        "exec.approval.resolve",
        { id: "1a2b3c4d", decision },
      ]),
    );
    expect([once, good, no, late].map((seat) => seat.text())).toEqual([
      "allowed, this once\n",
      "allowed, from now on too\n",
      "denied\n",
      "already decided: it is allowed, by irc:ann\n",
    ]);
    expect([no.code(), late.code()]).toEqual([0, 1]);
  });
});

describe("a question in the terminal where its run was started", () => {
  function questioner(lines: readonly string[] | null) {
    const seat = terminal();
    const decisions: unknown[] = [];
    const typed = [...(lines ?? [])];
    const prompts: string[] = [];
    const askLine: AskLine = (prompt, signal) => {
      prompts.push(prompt);
      const line = typed.shift();
      if (line !== undefined) return Promise.resolve(line);
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("gone")), { once: true });
      });
    };
    const call: Call = (_method, params) => {
      decisions.push((params as { decision: unknown }).decision);
      return Promise.resolve(decided());
    };
    const asker = createQuestioner({ call } as never, seat, lines === null ? null : askLine);
    return { asker, decisions, prompts, text: seat.text };
  }

  it.each([
    [["y"], "allow-once"],
    [[" YES "], "allow-once"],
    [["a"], "allow-always"],
    [["n"], "deny"],
    // What is no answer is asked again: neither Enter nor a word that was meant for the assistant is a yes.
    [["", "ok", "yes please", "n"], "deny"],
  ] as const)("P1: %j answers it with %s", async (lines, decision) => {
    const { asker, decisions, prompts } = questioner(lines);
    asker.asked(view());
    await expect.poll(() => decisions).toEqual([decision]);
    expect(prompts).toHaveLength(lines.length);
  });

  it("cannot be allowed for good where the question does not offer that", async () => {
    const { asker, decisions, prompts } = questioner(["a", "y"]);
    asker.asked(view({ always: null }));
    await expect.poll(() => decisions).toEqual(["allow-once"]);
    expect(prompts[0]).toBe("Allow it? (y = once, n = no) ");
  });

  it("P1: is taken back when somebody else was first, and the next one is asked", async () => {
    const { asker, decisions, prompts, text } = questioner([]);
    asker.asked(view());
    asker.asked(view({ id: "second" }));
    await expect.poll(() => prompts).toHaveLength(1);
    asker.resolved("1a2b3c4d", "allowed", "irc:ann");
    await expect.poll(() => prompts).toHaveLength(2);
    expect(text()).toContain("It is allowed, by irc:ann.");
    asker.resolved("second", "expired", null);
    expect(text()).toContain("Nobody answered in time: it is not done.");
    expect(decisions).toEqual([]);
  });

  it("says how it can be answered where nobody sits there", () => {
    const { asker, text } = questioner(null);
    asker.asked(view());
    expect(text()).toContain("git status");
    expect(text()).toContain("Answer with: openclaw approvals allow 1a2b3c4d [--always]");
  });
});
