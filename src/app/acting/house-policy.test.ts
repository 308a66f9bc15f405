/** Policy in a whole gateway: asked over the wire, with its real list of commands, and denied on every way to a tool. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { readEnvironment } from "../../config/environment.ts";
import type { Act } from "../../domain/act.ts";
import type { Taint } from "../../domain/taint.ts";
import type { BornRights, TurnOrigin } from "../../domain/turn-origin.ts";
import { connect, errorOf, type WireClient } from "../../gateway/wire-client.fixture.ts";
import { configWith, fakeCommands, webPage } from "../../policy/policy-world.fixture.ts";
import { createPolicy } from "../../policy/resolve.ts";
import type { Tool } from "../../tools/contract.ts";
import { startGatewayServer, type RunningGateway } from "../compose.ts";
import { chatRequest, openTestWay, says, type Script, type TestWay } from "../way.fixture.ts";

const folders: string[] = [];
const running: RunningGateway[] = [];
let open: TestWay | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
  for (const gateway of running.splice(0)) await gateway.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function gatewayWith(config: object): Promise<WireClient> {
  const home = await mkdtemp(path.join(tmpdir(), "openclaw-home-"));
  folders.push(home);
  await mkdir(path.join(home, ".openclaw"), { mode: 0o700 });
  await writeFile(path.join(home, ".openclaw", "openclaw.json"), JSON.stringify(config));
  const environment = readEnvironment({ HOME: home, PATH: "/usr/bin:/bin", OLLAMA_HOST: "http://127.0.0.1:9" });
  const gateway = await startGatewayServer(0, { environment });
  running.push(gateway);
  const token = (await readFile(path.join(gateway.stateDir, "gateway.token"), "utf8")).trim();
  return connect(gateway.url.replace("http", "ws"), { auth: { token } });
}

describe("policy over the wire", () => {
  const asked = { tool: "exec", channel: "telegram", senderId: "1", words: "git push" };

  it("G10: explain names the owner by the configuration, judges the command by the real list, and diff tries a text", async () => {
    const client = await gatewayWith({
      tools: { exec: { security: "allowlist" } },
      commands: { ownerAllowFrom: ["telegram:1"] },
    });
    const explained = await client.ask("policy.explain", asked);
    expect(explained).toMatchObject({
      effect: "ask",
      question: { shown: "git push" },
      facts: { isOwner: true, agentId: "main" },
    });
    const stranger = await client.ask("policy.explain", { ...asked, senderId: "2", chatKind: "group" });
    expect(stranger).toMatchObject({ effect: "deny", rule: { where: "built-in" }, facts: { isOwner: false } });
    const tainted = { ...asked, taint: [webPage] };
    expect(await client.ask("policy.explain", tainted)).toMatchObject({
      effect: "ask",
      question: { always: null, fallback: "deny" },
    });
    const candidate = "{ tools: { deny: ['exec'], /* JSON5 */ } }";
    expect(await client.ask("policy.diff", { candidate })).toMatchObject({ looked: 0, changed: [], nextCursor: null });
  });

  it("R122: a candidate that could not be in force is refused with what is wrong in it", async () => {
    const client = await gatewayWith({});
    const refused = errorOf(await client.call("policy.diff", { candidate: "{ tools: { deny: ['exce'] } }" }));
    expect(refused.message).toMatch(/tools\.deny\[0\].*did you mean exec\?/);
    expect(errorOf(await client.call("policy.diff", { candidate: "{ tools: " })).message).not.toBe("");
  });
});

describe("a denial on every way to a tool", () => {
  const acts: Readonly<Record<string, Act>> = {
    exec: { kind: "command", text: "git status", cwd: "/", env: {} },
    mcp__git__push: { kind: "server", server: "git", tool: "push", readOnly: true },
    message: {
      kind: "message",
      to: { channel: "telegram", accountId: "default", chatId: "7", chatKind: "dm" },
      own: true,
      text: "hi",
    },
    lamp: { kind: "look" },
  };
  const born: BornRights = {
    parentRunId: "p",
    parentSessionKey: "agent:main:main",
    depth: 1,
    tools: Object.keys(acts),
    taint: [] as readonly Taint[],
  };

  it.each<[TurnOrigin, BornRights | undefined]>([
    ["chat", undefined],
    ["api", undefined],
    ["subagent", born],
    ["cron", born],
    ["heartbeat", undefined],
    ["hook", born],
  ])(
    "R121: a turn of kind %s is not shown a denied tool, and calling it all the same runs nothing",
    async (origin, rights) => {
      for (const [name, act] of Object.entries(acts)) {
        let ran = 0;
        let planned = 0;
        const tool: Tool = {
          name,
          description: "Does it.",
          inputSchema: z.object({}),
          effect: "unsafe",
          plan: () => {
            planned += 1;
            return Promise.resolve(act);
          },
          run: () => {
            ran += 1;
            return Promise.resolve("done");
          },
        };
        const config = configWith({ tools: { deny: [name === "lamp" ? "*" : name] } });
        open = await openTestWay({
          tools: [tool],
          config,
          acting: { policy: createPolicy({ config: () => config, commands: fakeCommands() }) },
          script: callsFirst(name),
        });
        const options = { origin, ...(rights === undefined ? {} : { born: rights }) };
        await open.way.start();
        await open.way.admit(chatRequest("try it", { options }));
        await open.next("run.ended");
        expect(open.requests[0]?.tools ?? [], name).toEqual([]);
        expect([ran, planned], name).toEqual([0, 0]);
        await open.close();
        open = undefined;
      }
    },
  );
});

/** Calls it without having been shown it, then gives up. */
function callsFirst(tool: string): Script {
  return async function* (request, call, signal) {
    if (call > 0) return yield* says("I could not.")(request, call, signal);
    yield { type: "tool-call", callId: "c1", tool, input: {} };
    yield { type: "end", reason: "tool-calls", usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 } };
  };
}
