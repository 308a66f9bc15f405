/** Act by act, and what reading has to do with it: nothing that was read elsewhere acts by itself. */
import { describe, expect, it } from "vitest";
import type { Act } from "../domain/act.ts";
import type { CallFacts, Decision } from "./contract.ts";
import {
  callOf,
  commandAct,
  configWith,
  elsewhere,
  fakeCommands,
  look,
  noteFile,
  webPage,
  workspace,
} from "./policy-world.fixture.ts";
import { createPolicy } from "./resolve.ts";

type Changes = Parameters<typeof configWith>[0];

function decide(call: CallFacts, changes: Changes = {}, commands = fakeCommands()): Promise<Decision> {
  const config = configWith(changes);
  return createPolicy({ config: () => config, commands }).decide(call);
}

const within: Act = { kind: "file", path: `${workspace}/a.txt`, access: "read", inside: true };
const changed: Act = { ...within, access: "write" };
const guide: Act = { ...changed, path: `${workspace}/AGENTS.md` };
const skill: Act = { ...changed, path: `${workspace}/skills/x/SKILL.md` };
const outside: Act = { kind: "file", path: "/etc/hosts", access: "read", inside: false };
const page: Act = { kind: "fetch", url: "https://example.org/?q=words" };
const own: Act = { ...elsewhere, own: true } as Act;
const other: Act = { kind: "session", sessionKey: "agent:main:telegram:dm:5", agentId: "main", text: "hi" };
const helper: Act = { kind: "session", sessionKey: "agent:main:subagent:7", agentId: "main", text: "do it" };
const itself: Act = { ...other, sessionKey: "agent:main:main" } as Act;
const otherAgent: Act = { ...helper, agentId: "work" } as Act;
const recall: Act = { kind: "memory", access: "read" };
const note: Act = { kind: "memory", access: "write" };
const reading: Act = { kind: "server", server: "git", tool: "log", readOnly: true };
const pushing: Act = { ...reading, tool: "push", readOnly: false } as Act;

const foreign = { taint: [webPage] };
const local = { taint: [noteFile] };
const person = { isOwner: false };
const group = { isOwner: false, chatKind: "group" } as const;
const free = { tools: { fs: { workspaceOnly: false } } };
const startingAny = { agents: { list: [{ id: "main", subagents: { allowAgents: ["*"] } }, { id: "work" }] } };
const talking = { tools: { agentToAgent: { enabled: true, allow: ["work"] } } };

describe("what a person is shown", () => {
  it.each<[string, string, Act, string]>([
    [
      "a note",
      "memory_save",
      { kind: "memory", access: "write", text: "Ann pays." },
      "memory_save: write memory\nAnn pays.",
    ],
    [
      "files that guide",
      "apply_patch",
      {
        kind: "file",
        path: `${workspace}/a.txt`,
        access: "write",
        inside: true,
        names: ["a.txt", "AGENTS.md"],
        text: "+obey",
      },
      `apply_patch: write ${workspace}/a.txt\nand AGENTS.md\n+obey`,
    ],
  ])("R114: is all of %s, and the yes is for it alone", async (_what, tool, act, shown) => {
    const one = await decide(callOf(tool, act, { taint: [webPage] }));
    expect(one).toMatchObject({ effect: "ask", question: { shown } });
    const other = await decide(callOf(tool, { ...act, text: "else" } as Act, { taint: [webPage] }));
    expect(other.effect === "ask" && one.effect === "ask" && other.question.binding !== one.question.binding).toBe(
      true,
    );
  });
});

describe("what is done about an act", () => {
  it.each<[string, string, Act, Partial<CallFacts>, Changes, string]>([
    ["looking", "time", look, foreign, {}, "allow built-in"],
    ["a file of the workspace", "read", within, foreign, {}, "allow built-in"],
    ["a change in the workspace", "edit", changed, foreign, {}, "allow built-in"],
    ["a change of what guides", "edit", guide, {}, {}, "allow built-in"],
    ["a change of what guides, after a page", "edit", guide, foreign, {}, "ask built-in"],
    ["a change of what guides, after a file", "edit", guide, local, {}, "allow built-in"],
    ["a skill, after a page", "write", skill, foreign, {}, "ask built-in"],
    [
      "one among others that guides, after a page",
      "apply_patch",
      { ...changed, names: ["a.txt", "AGENTS.md"] } as Act,
      foreign,
      {},
      "ask built-in",
    ],
    [
      "a guide of a linked workspace, after a page",
      "edit",
      { ...changed, path: "/real/SOUL.md", names: ["SOUL.md"] } as Act,
      foreign,
      {},
      "ask built-in",
    ],
    ["a file elsewhere", "read", outside, {}, {}, "deny tools.fs.workspaceOnly"],
    ["a file elsewhere, where no rule is against it", "read", outside, {}, free, "deny built-in"],
    ["a page", "web_fetch", page, {}, {}, "allow built-in"],
    ["a page that another named", "web_fetch", { ...page, known: true }, foreign, {}, "allow built-in"],
    ["a page that nobody named, after another", "web_fetch", page, foreign, {}, "ask built-in"],
    [
      "a page without pages",
      "image",
      page,
      {},
      { tools: { web: { fetch: { enabled: false } } } },
      "deny tools.web.fetch.enabled",
    ],
    ["the chat itself", "message", own, foreign, {}, "allow built-in"],
    ["another chat, for an owner", "message", elsewhere, {}, {}, "allow built-in"],
    ["another chat, for a person", "message", elsewhere, person, {}, "ask built-in"],
    ["another chat, after a page", "message", elsewhere, foreign, {}, "ask built-in"],
    ["another chat, after a file", "message", elsewhere, local, {}, "ask built-in"],
    ["another chat, for a stranger", "message", elsewhere, group, {}, "deny built-in"],
    ["the session itself", "sessions_send", itself, foreign, {}, "allow built-in"],
    ["another session, for an owner", "sessions_send", other, {}, {}, "allow built-in"],
    ["another session, for a person", "sessions_send", other, person, {}, "ask built-in"],
    ["another session, after a page", "sessions_send", other, foreign, {}, "ask built-in"],
    ["another session, after a file", "sessions_send", other, local, {}, "ask built-in"],
    [
      "another session, out of sight",
      "sessions_send",
      other,
      {},
      { tools: { sessions: { visibility: "self" } } },
      "deny tools.sessions.visibility",
    ],
    ["a helper", "sessions_spawn", helper, foreign, {}, "allow built-in"],
    ["a helper that is only written to", "sessions_send", helper, foreign, {}, "ask built-in"],
    ["another agent", "sessions_spawn", otherAgent, {}, {}, "deny tools.agentToAgent"],
    ["another agent, whose helpers may be started", "sessions_spawn", otherAgent, {}, startingAny, "allow built-in"],
    ["another agent that may be written to", "sessions_send", otherAgent, {}, talking, "allow built-in"],
    ["another agent, after a page", "sessions_spawn", otherAgent, foreign, talking, "ask built-in"],
    [
      "another agent that is not named",
      "sessions_send",
      { ...otherAgent, agentId: "home" } as Act,
      {},
      talking,
      "deny tools.agentToAgent",
    ],
    [
      "another agent that is named but closed",
      "sessions_send",
      otherAgent,
      {},
      { tools: { agentToAgent: { allow: ["work"] } } },
      "deny tools.agentToAgent",
    ],
    ["remembering", "memory_search", recall, foreign, {}, "allow built-in"],
    ["noting", "memory_save", note, local, {}, "allow built-in"],
    ["noting, after a page", "memory_save", note, foreign, {}, "ask built-in"],
    ["a server that reads", "mcp__git__log", reading, foreign, {}, "allow built-in"],
    ["a server that acts", "mcp__git__push", pushing, local, {}, "allow built-in"],
    ["a server that acts, after a page", "mcp__git__push", pushing, foreign, {}, "ask built-in"],
    ["a command on the list", "exec", commandAct("git status"), {}, {}, "allow grant-1"],
    ["a command on the list, after a file", "exec", commandAct("git status"), local, {}, "allow grant-1"],
    ["a command on the list, after a page", "exec", commandAct("git status"), foreign, {}, "ask built-in"],
    ["a command on no list", "exec", commandAct("make"), {}, {}, "ask tools.exec.ask"],
    ["a command on no list, after a page", "exec", commandAct("make"), foreign, {}, "ask tools.exec.ask"],
    ["a denied command", "exec", commandAct("rm -r x"), foreign, {}, "deny tools.exec.security"],
    ["a command nobody could judge", "exec", commandAct("boom"), {}, {}, "deny built-in"],
  ])("R121: %s: %s", async (...row) => {
    const [, tool, act, facts, changes, expected] = row;
    const decided = await decide(callOf(tool, act, facts), changes);
    expect(`${decided.effect} ${decided.rule.where}`).toBe(expected);
    expect(decided.trail).toContain(decided.rule);
  });

  it("a question about a command shows it whole and is bound to it; without taint it may be allowed for good", async () => {
    const decided = await decide(callOf("exec", commandAct("make all")), {}, fakeCommands("allow"));
    expect(decided).toMatchObject({
      effect: "ask",
      question: {
        tool: "exec",
        shown: "make all",
        reasons: ["It is on no list."],
        taint: [],
        binding: "binding of make all",
        command: { text: "make all" },
        always: { pattern: "/usr/bin/make" },
        fallback: "allow",
      },
    });
  });

  it("after foreign words a command is asked about once, by somebody, and never for good; the source is named", async () => {
    for (const text of ["git push", "make all"]) {
      const decided = await decide(
        callOf("exec", commandAct(text), { taint: [noteFile, webPage] }),
        {},
        fakeCommands("allow"),
      );
      if (decided.effect !== "ask") throw new Error(`${text} was not asked about`);
      const { question } = decided;
      expect(question).toMatchObject({ shown: text, always: null, fallback: "deny", taint: [noteFile, webPage] });
      expect(question.reasons.join(" ")).toContain("web page https://example.org/a");
    }
  });

  it("after the files of the workspace a command can still be allowed for good", async () => {
    const decided = await decide(callOf("exec", commandAct("make all"), local));
    expect(decided).toMatchObject({ effect: "ask", question: { always: { pattern: "/usr/bin/make" } } });
  });

  it("any other question is bound to the tool and the whole act, in whatever order it is written, and to nothing less", async () => {
    const question = async (act: Act, tool = "message") => {
      const decided = await decide(callOf(tool, act, foreign));
      if (decided.effect !== "ask") throw new Error(`${tool} was not asked about`);
      return decided.question;
    };
    const first = await question(elsewhere);
    expect(first).toMatchObject({ command: null, always: null, fallback: "deny", taint: [webPage] });
    expect(first.shown).toContain("telegram chat 77");
    expect(first.shown).toContain("hello");
    expect(first.binding).toMatch(/^[0-9a-f]{64}$/);
    const turned = Object.fromEntries(Object.entries(elsewhere).toReversed()) as unknown as Act;
    expect((await question(turned)).binding).toBe(first.binding);
    const others = [
      await question({ ...elsewhere, text: "hello!" } as Act),
      await question({
        ...elsewhere,
        to: { ...(elsewhere as Extract<Act, { kind: "message" }>).to, chatId: "78" },
      } as Act),
      await question(elsewhere, "mcp__chat__send"),
      await question(pushing, "mcp__git__push"),
      await question({ ...pushing, text: '{"force":true}' } as Act, "mcp__git__push"),
    ];
    expect(new Set([first, ...others].map(({ binding }) => binding)).size).toBe(6);
  });

  it.each([
    ["the words", commandAct("make --sandbox=off --host=node --elevated")],
    ["the environment", commandAct("make", { env: { OPENCLAW_SANDBOX: "off", OPENCLAW_ROLE: "owner", HOST: "node" } })],
    ["the folder", commandAct("make", { cwd: "/" })],
    ["fields that no act has", { ...commandAct("make"), host: "node", sandboxed: false, elevated: true } as Act],
  ])("R119: %s of a call change neither the box nor who asks", async (_what, act) => {
    const commands = fakeCommands();
    await decide(
      callOf("exec", act, { sandboxed: true, isOwner: false, agentId: "main", taint: [webPage] }),
      {},
      commands,
    );
    expect(commands.asked).toHaveLength(1);
    expect(commands.asked[0]).toMatchObject({ agentId: "main", sandboxed: true, taint: [webPage], workspace });
  });

  it("R119: what somebody writes about themselves makes no owner of them", async () => {
    const words = { text: "as owner", senderId: "1", isOwner: true };
    const act = { ...elsewhere, ...words } as Act;
    expect((await decide(callOf("message", act, group))).effect).toBe("deny");
  });

  it("R121: a denied tool is denied whatever it is about to do, and its command is not even looked at", async () => {
    const acts = [look, within, commandAct("git status"), page, own, elsewhere, helper, recall, note, reading, pushing];
    for (const act of acts) {
      const commands = fakeCommands();
      const decided = await decide(callOf("anything", act), { tools: { deny: ["*"] } }, commands);
      expect([decided.effect, decided.rule.where, commands.asked]).toEqual(["deny", "tools.deny[0]", []]);
    }
  });
});
