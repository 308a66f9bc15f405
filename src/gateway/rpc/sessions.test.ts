/** What a session keeps when it begins anew. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { openStage } from "../fake-deps.fixture.ts";
import { connect } from "../wire-client.fixture.ts";

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
