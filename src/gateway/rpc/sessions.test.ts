/** What a session keeps when it begins anew. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { sessionsCompact } from "../../protocol/methods/sessions.ts";
import { openStage } from "../fake-deps.fixture.ts";
import { connect } from "../wire-client.fixture.ts";
import { endCompaction } from "./end-compaction.fixture.ts";

const main = "agent:main:main";

describe("what a session keeps", () => {
  it("I6: a preference is there after a reset and a restart, and what was said is still in the store", async () => {
    const first = await openStage();
    const client = await connect(first.url);
    await first.store.sessions.open(main, "main", { sessionId: first.deps.ids.uuid(), atMs: 1 });
    const message = { role: "user", content: [{ type: "text", text: "canary-before-reset" }], timestamp: 1 };
    await first.store.sessions.append(main, [{ id: "00000001", type: "message", atMs: 1, body: { message } }], 1);
    await client.ask("sessions.patch", { key: "main", label: "Garden", thinkingLevel: "high" });
    await client.ask("sessions.reset", { key: "main" });
    expect(JSON.stringify(await client.ask("chat.history", { sessionKey: "main" }))).not.toContain("canary");
    await first.stop();
    const second = await openStage({ folder: first.folder });
    expect((await second.store.sessions.get(main))?.settings).toMatchObject({ label: "Garden", thinkingLevel: "high" });
    const files = await Promise.all(
      (await readdir(first.folder)).map((name) => readFile(path.join(first.folder, name), "latin1").catch(() => "")),
    );
    expect(files.join("")).toContain("canary-before-reset");
    await second.close();
  });
});

describe("compacting a session", () => {
  it("C8: is a message of the session's own, which says nothing to its chat, and tells what came of it", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const address = { channel: "irc", accountId: "default", chatId: "#room", chatKind: "group" as const };
    await stage.store.sessions.open(main, "main", { sessionId: stage.deps.ids.uuid(), atMs: 1, address });
    const asked = client.ask("sessions.compact", { key: "main", instructions: "names", maxLines: 3 });
    const { message, sessionKey, options } = await endCompaction(stage, "The conversation was summed up.", (id) => {
      const details = { runId: id, method: "summary", tokensAfter: 10 };
      const body = { summary: "s", firstKeptEntryId: "00000001", tokensBefore: 90, details };
      return stage.store.sessions.append(main, [{ id: "00000002", type: "compaction", atMs: 1, body }], 1);
    });
    expect({ sessionKey, address: message.address, content: message.content, options }).toEqual({
      sessionKey: main,
      address,
      content: [{ type: "text", text: "/compact" }],
      options: { deliver: false, compact: { instructions: "names", maxLines: 3 } },
    });
    expect(await asked).toEqual({
      ok: true,
      key: main,
      compacted: true,
      method: "summary",
      tokensBefore: 90,
      tokensAfter: 10,
    });
    expect(sessionsCompact.result.safeParse(await asked).error).toBeUndefined();
    await stage.close();
  });

  it("C8: says why nothing came of it; a session that is not there, or no number, is refused", async () => {
    const stage = await openStage();
    const client = await connect(stage.url);
    const missing = await client.call("sessions.compact", { key: "nowhere" });
    expect(missing).toMatchObject({ ok: false, error: { details: { errorCode: "RPC_007" } } });
    expect(await client.call("sessions.compact", { key: "main", maxLines: 0 })).toMatchObject({ ok: false });
    await stage.store.sessions.open(main, "main", { sessionId: stage.deps.ids.uuid(), atMs: 1 });
    const earlier = { runId: "another", method: "summary", tokensAfter: 1 };
    const body = { summary: "s", firstKeptEntryId: "00000001", tokensBefore: 9, details: earlier };
    await stage.store.sessions.append(main, [{ id: "00000002", type: "compaction", atMs: 1, body }], 1);
    const asked = client.ask("sessions.compact", { key: "main" });
    await endCompaction(stage);
    expect(await asked).toEqual({ ok: true, key: main, compacted: false, reason: "There is nothing to sum up yet." });
    await stage.close();
  });
});
