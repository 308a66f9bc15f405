/** What every method answers, held against its declaration. */
import { describe, expect, it } from "vitest";
import { methods } from "../../protocol/registry.ts";
import type { TranscriptDraft } from "../../store/session-port.ts";
import { openStage, type Stage } from "../fake-deps.fixture.ts";
import { connect, makeIdentity } from "../wire-client.fixture.ts";
import { approvalParams } from "./operate/approvals.fixture.ts";
import { budgetParams } from "./operate/budgets.fixture.ts";
import { sceneOf } from "./operate/operate.fixture.ts";
import { packZip } from "../../skills/world.fixture.ts";
import { someCall } from "./usage/usage.fixture.ts";

const main = "agent:main:main";

function said(id: string, text: string, role = "user"): TranscriptDraft {
  return { id, type: "message", atMs: 1, body: { message: { role, content: [{ type: "text", text }], timestamp: 1 } } };
}

async function withHistory(stage: Stage, key: string, entries: readonly TranscriptDraft[]): Promise<void> {
  await stage.store.sessions.open(key, "main", { sessionId: stage.deps.ids.uuid(), atMs: 1 });
  await stage.store.sessions.append(key, entries, 1);
}

describe("results", () => {
  it("are what the declarations say, for every method that can be called without a world around it", async () => {
    const restarts = { startedMs: 0, expectedMs: 1, request: async () => undefined, isTold: async () => false };
    const stage = await openStage({ deps: { requestStop: () => undefined, restarts } });
    const client = await connect(stage.url);
    const scene = sceneOf(stage.store);
    const [sent, unknown, letter] = [await scene.sent("p1"), await scene.unknown(), await scene.failed()];
    const [held, denied] = [await scene.held(), await scene.held()];
    const today = `memory/${new Date().toISOString().slice(0, 10)}.md`;
    const identity = makeIdentity();
    const other = await connect(stage.url, { identity });
    const asNode = { role: "node", client: { id: "node-host", mode: "node" }, scopes: ["node"] };
    const node = await connect(stage.url, { ...asNode, identity: makeIdentity() });
    await withHistory(stage, main, [said("00000001", "hi")]);
    const device = { deviceId: identity.id, role: "operator" };
    const params: Record<string, object> = {
      "chat.send": { sessionKey: "main", message: "x", idempotencyKey: "r1" },
      "chat.history": { sessionKey: "main" },
      "chat.abort": { sessionKey: "main" },
      "chat.inject": { sessionKey: "main", message: "x" },
      agent: { message: "x", idempotencyKey: "r2" },
      "agent.wait": { runId: "r2", timeoutMs: 1 },
      "sessions.preview": { keys: ["main"] },
      "sessions.search": { query: "hi" },
      "sessions.patch": { key: "main", label: "L" },
      "sessions.reset": { key: "main" },
      "sessions.delete": { key: "main" },
      "sessions.resolve": { key: "main" },
      "sessions.export": { key: "main" },
      "sessions.usage.timeseries": { key: "main" },
      "sessions.usage.logs": { key: "main" },
      "usage.import": { calls: [someCall] },
      "sessions.import": {
        key: "imported",
        lines: ['{"type":"session","version":3,"id":"s","timestamp":"2026-01-01T00:00:00.000Z","cwd":"/tmp"}'],
      },
      "agents.files.list": { agentId: "main" },
      "agents.files.get": { agentId: "main", name: "SOUL.md" },
      "agents.files.set": { agentId: "main", name: "SOUL.md", content: "x" },
      "skills.install": { zip: packZip("weather") },
      "skills.update": { skillKey: "weather", enabled: true },
      "config.set": { raw: "{}" },
      "config.patch": { patch: {} },
      "config.apply": { raw: "{}" },
      "exec.approvals.set": { file: { version: 1, agents: {} } },
      ...(await budgetParams(stage)),
      "policy.explain": { tool: "exec", words: "make" },
      "policy.diff": { candidate: "{}" },
      ...(await approvalParams(stage)),
      ...Object.fromEntries(
        ["start", "stop", "restart", "logout"].map((verb) => [`channels.${verb}`, { channel: "irc" }]),
      ),
      send: { to: "#r", message: "x", idempotencyKey: "r3" },
      "message.edit": { partId: sent.id, message: "y", idempotencyKey: "r4" },
      "message.delete": { partId: sent.id, idempotencyKey: "r5" },
      "message.react": { partId: sent.id, emoji: "👍", idempotencyKey: "r6" },
      "outbox.approve": { id: held.id },
      "outbox.deny": { id: denied.id },
      "outbox.resolve": { id: unknown.id, as: "sent" },
      "dlq.show": { id: letter.id },
      "dlq.replay": { ids: [denied.id, "nobody"] },
      "dlq.purge": { ids: [letter.id] },
      "memory.search": { query: "x" },
      "memory.add": { text: "Ada likes tea" },
      "memory.forget": { path: today, startLine: 1, endLine: 9, containing: "likes tea" },
      "trace.get": { id: sent.id },
      "tts.convert": { text: "hi" },
      "system-event": { text: "x" },
      "device.token.rotate": device,
      "device.token.revoke": device,
      "device.pair.remove": { deviceId: identity.id },
    };
    // What takes something away comes last.
    const late = ["sessions.reset", "sessions.delete", "device.token.revoke", "device.pair.remove", "gateway.stop"];
    const ordered = methods.toSorted((left, right) => late.indexOf(left.name) - late.indexOf(right.name));
    for (const { name, result, scope } of ordered) {
      // The second waits for its turn, which nobody takes here: see sessions.test.ts.
      if (name === "connect" || name === "sessions.compact") continue;
      const caller =
        scope === "node" ? node : ["budget.set", "skills.update", "tts.enable"].includes(name) ? other : client;
      const payload = (await caller.call(name, params[name] ?? {}))["payload"];
      const verdict = result.safeParse(payload);
      expect(verdict.error?.issues ?? [], `${name}: ${JSON.stringify(payload)}`).toEqual([]);
    }
    await stage.close();
  });
});
