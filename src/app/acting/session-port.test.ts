/** Which sessions a turn sees, by what the configuration says and by who asks. */
import { describe, expect, it } from "vitest";
import { defaultConfig } from "../../config/default-config.ts";
import type { Config } from "../../config/schema/root.ts";
import type { SessionRow, SessionStore } from "../../store/port.ts";
import { createSessionPort } from "./session-port.ts";

const rows: Partial<SessionRow>[] = [
  { sessionKey: "agent:main:main", agentId: "main", settings: {} },
  { sessionKey: "agent:main:other", agentId: "main", settings: { spawnedBy: "agent:main:main" } },
  { sessionKey: "agent:main:subagent:1", agentId: "main", settings: { spawnedBy: "agent:main:main" } },
  { sessionKey: "agent:work:subagent:2", agentId: "work", settings: { spawnedBy: "agent:main:subagent:1" } },
  { sessionKey: "agent:work:main", agentId: "work", settings: {} },
  { sessionKey: "agent:home:subagent:3", agentId: "home", settings: { spawnedBy: "agent:home:subagent:3" } },
];

type Visibility = Config["tools"]["sessions"]["visibility"];

async function seen(
  visibility: Visibility,
  { isOwner = true, allow = [] as string[], sessionKey = "agent:main:main" } = {},
) {
  const base = defaultConfig();
  const agentToAgent = { enabled: allow.length > 0, allow };
  const config = { ...base, tools: { ...base.tools, sessions: { visibility }, agentToAgent } };
  const sessions = {
    list: () => Promise.resolve({ rows: rows as SessionRow[], nextCursor: null, total: rows.length }),
    get: (key: string) =>
      Promise.resolve((rows.find((row) => row.sessionKey === key) as SessionRow | undefined) ?? null),
  } as unknown as SessionStore;
  const port = createSessionPort({ store: { sessions }, config: () => config });
  const asker = { sessionKey, agentId: "main", isOwner };
  const listed = (await port.list(asker, { limit: 100 })).map((row) => row.sessionKey.slice(6));
  const found = await Promise.all(rows.map(async (row) => port.find(asker, row.sessionKey as string)));
  // What is found by its key is what is listed, and the other way round.
  expect(found.flatMap((row) => (row === null ? [] : [row.sessionKey.slice(6)]))).toEqual(listed);
  return listed;
}

const tree = ["main:main", "main:subagent:1", "work:subagent:2"];

describe("what a turn sees of sessions", () => {
  it("R079: its own alone; those it started, and theirs; those of its agent; those of agents that it may write to", async () => {
    expect(await seen("self")).toEqual(["main:main"]);
    // That a person's session was started by somebody is nothing that its settings can say.
    expect(await seen("tree")).toEqual(tree);
    expect(await seen("agent")).toEqual(["main:main", "main:other", "main:subagent:1", "work:subagent:2"]);
    expect(await seen("all")).toEqual(["main:main", "main:other", "main:subagent:1", "work:subagent:2"]);
    expect(await seen("all", { allow: ["work"] })).toEqual([
      "main:main",
      "main:other",
      "main:subagent:1",
      "work:subagent:2",
      "work:main",
    ]);
    expect(await seen("all", { allow: ["*"] })).toHaveLength(rows.length);
  });

  it("R079: somebody who is no owner sees a tree at most, and a helper not what started it", async () => {
    for (const visibility of ["tree", "agent", "all"] as const) {
      expect(await seen(visibility, { isOwner: false, allow: ["*"] })).toEqual(tree);
    }
    expect(await seen("self", { isOwner: false })).toEqual(["main:main"]);
    expect(await seen("tree", { sessionKey: "agent:main:subagent:1" })).toEqual(tree.slice(1));
  });

  it("R093: text that is no key of a session names none", async () => {
    const port = createSessionPort({
      store: { sessions: { get: () => Promise.resolve(null) } as never },
      config: defaultConfig,
    });
    const asker = { sessionKey: "agent:main:main", agentId: "main", isOwner: true };
    for (const named of [
      "",
      "../../etc/passwd",
      "agent:main:main/../../x",
      "a\u0000b",
      "x".repeat(10_000),
      "agent::",
    ]) {
      expect(await port.find(asker, named)).toBeNull();
    }
  });
});
