/** Session keys: one canonical text, every older form understood. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "./app-error.ts";
import { limits } from "./limits.ts";
import { chatKinds, type Address } from "./message.ts";
import {
  canonicalSessionKey,
  formatSessionKey,
  parseSessionKey,
  sessionKeyForAddress,
  type DmScope,
  type SessionKey,
} from "./session-key.ts";

const context = { defaultAgentId: "main", mainKey: "main" };

/** Words that look like marks, and every kind of character that has broken such keys. */
const part = fc.oneof(
  fc.constantFrom(
    "dm",
    "group",
    "channel",
    "thread",
    "topic",
    "agent",
    "cron",
    "hook",
    "node-1",
    "subagent",
    "openai",
    "openai-user",
    "main",
    "a:b",
    "%",
    "%2F",
    "100%:x",
    "#öpen",
    "@user:server.org",
    "👩‍👩‍👧",
    "\u0000",
  ),
  fc.string({ minLength: 1, maxLength: 7, unit: "binary" }),
);

const sessionKey: fc.Arbitrary<SessionKey> = fc.oneof(
  fc.record({ kind: fc.constant("named" as const), agentId: part, name: part }),
  fc.record(
    {
      kind: fc.constant("chat" as const),
      agentId: part,
      channel: part,
      accountId: part,
      chatKind: fc.constantFrom(...chatKinds),
      peer: part,
      threadId: part,
    },
    { requiredKeys: ["kind", "agentId", "channel", "accountId", "chatKind", "peer"] },
  ),
  fc.record(
    { kind: fc.constant("person" as const), agentId: part, channel: part, peer: part },
    { requiredKeys: ["kind", "agentId", "peer"] },
  ),
  fc.record({
    kind: fc.constantFrom("subagent" as const, "openai" as const, "openai-user" as const),
    agentId: part,
    id: part,
  }),
  fc.record({ kind: fc.constantFrom("cron" as const, "hook" as const, "node" as const), id: part }),
  fc.record({ kind: fc.constant("conversation" as const), channel: part, accountId: part, conversationId: part }),
  fc.record({ kind: fc.constant("bare" as const), name: part }),
);

/** Every older way to write a key, with what it means. */
const olderForms: readonly (readonly [string, SessionKey])[] = [
  ["agent:main:main", { kind: "named", agentId: "main", name: "main" }],
  ["agent:main:dm:42", { kind: "person", agentId: "main", peer: "42" }],
  ["agent:main:telegram:dm:42", { kind: "person", agentId: "main", channel: "telegram", peer: "42" }],
  ["agent:main:matrix:dm:@u:server.org", { kind: "person", agentId: "main", channel: "matrix", peer: "@u:server.org" }],
  [
    "agent:main:telegram:work:dm:42",
    { kind: "chat", agentId: "main", channel: "telegram", accountId: "work", chatKind: "dm", peer: "42" },
  ],
  [
    "agent:main:telegram:group:-100",
    { kind: "chat", agentId: "main", channel: "telegram", accountId: "default", chatKind: "group", peer: "-100" },
  ],
  [
    "agent:main:telegram:group:-100:topic:7",
    {
      kind: "chat",
      agentId: "main",
      channel: "telegram",
      accountId: "default",
      chatKind: "group",
      peer: "-100",
      threadId: "7",
    },
  ],
  [
    "agent:main:slack:channel:C1",
    { kind: "chat", agentId: "main", channel: "slack", accountId: "default", chatKind: "channel", peer: "C1" },
  ],
  [
    "agent:main:slack:channel:C1:thread:17.42",
    {
      kind: "chat",
      agentId: "main",
      channel: "slack",
      accountId: "default",
      chatKind: "channel",
      peer: "C1",
      threadId: "17.42",
    },
  ],
  [
    "agent:main:irc:default:channel:#room",
    { kind: "chat", agentId: "main", channel: "irc", accountId: "default", chatKind: "channel", peer: "#room" },
  ],
  ["cron:daily", { kind: "cron", id: "daily" }],
  ["hook:0190-aa", { kind: "hook", id: "0190-aa" }],
  ["node-abc", { kind: "node", id: "abc" }],
  ["agent:main:subagent:0190-bb", { kind: "subagent", agentId: "main", id: "0190-bb" }],
  ["agent:main:openai:0190-cc", { kind: "openai", agentId: "main", id: "0190-cc" }],
  ["agent:main:openai-user:jo@example.org", { kind: "openai-user", agentId: "main", id: "jo@example.org" }],
  ["irc:default:#room", { kind: "conversation", channel: "irc", accountId: "default", conversationId: "#room" }],
  [
    "matrix:a:!r:server.org",
    { kind: "conversation", channel: "matrix", accountId: "a", conversationId: "!r:server.org" },
  ],
  ["main", { kind: "bare", name: "main" }],
  ["agent:main:dashboard:0190-dd", { kind: "named", agentId: "main", name: "dashboard:0190-dd" }],
];

describe("session key", () => {
  it("I1: what is written reads back as the same key", () => {
    fc.assert(
      fc.property(sessionKey, (key) => {
        expect(parseSessionKey(formatSessionKey(key))).toEqual(key);
      }),
      { numRuns: 5_000 },
    );
  });

  it("I1: two different keys never share a text", () => {
    fc.assert(
      fc.property(sessionKey, sessionKey, (left, right) => {
        fc.pre(JSON.stringify(left) !== JSON.stringify(right));
        expect(formatSessionKey(left)).not.toBe(formatSessionKey(right));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(olderForms)("I1: the form %s is understood and survives a round trip", (text, key) => {
    expect(parseSessionKey(text)).toEqual(key);
    expect(parseSessionKey(formatSessionKey(key))).toEqual(key);
    const canonical = canonicalSessionKey(text, context);
    expect(canonical).toBeDefined();
    expect(canonicalSessionKey(canonical!, context)).toBe(canonical);
  });

  it("I1: parsing any text never throws, and what it accepts has one canonical text", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
      fc.array(part, { maxLength: 9 }).map((segments) => segments.join(":")),
      fc.array(part, { maxLength: 9 }).map((segments) => ["agent", ...segments].join(":")),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const canonical = canonicalSessionKey(candidate, context);
        expect(parseSessionKey(candidate) !== undefined || canonical === undefined).toBe(true);
        if (canonical === undefined) return;
        expect(canonical.length).toBeLessThanOrEqual(limits.sessionKeyChars);
        expect(canonicalSessionKey(canonical, context)).toBe(canonical);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    "",
    ":",
    "agent",
    "agent:",
    "agent:main",
    "agent::main",
    "agent:main:",
    "cron:",
    "hook:",
    "node-",
    "a:b",
    "x\u0000y",
    "a\nb",
  ])("refuses %j", (text) => {
    expect(parseSessionKey(text)).toBeUndefined();
    expect(canonicalSessionKey(text, context)).toBeUndefined();
  });

  it("keeps to its length limit: one character below passes, one above does not", () => {
    const longest = `agent:main:${"x".repeat(limits.sessionKeyChars - 11)}`;
    expect(longest).toHaveLength(limits.sessionKeyChars);
    expect(canonicalSessionKey(longest, context)).toBe(longest);
    expect(parseSessionKey(`${longest}x`)).toBeUndefined();
    expect(() => formatSessionKey({ kind: "named", agentId: "main", name: "x".repeat(502) })).toThrow(AppError);
    expect(canonicalSessionKey(`agent:main:${"é".repeat(200)}`, context)).toBeUndefined();
  });

  it("puts forms without an agent with the default agent, and main with the main session", () => {
    const named = { defaultAgentId: "home", mainKey: "desk" };
    expect(canonicalSessionKey("main", named)).toBe("agent:home:desk");
    expect(canonicalSessionKey("agent:work:main", named)).toBe("agent:work:desk");
    expect(canonicalSessionKey("notes", named)).toBe("agent:home:notes");
    expect(canonicalSessionKey("irc:default:#room", named)).toBe("agent:home:irc:default:dm:%23room");
    expect(canonicalSessionKey("agent:work:telegram:group:-1:topic:7", named)).toBe(
      "agent:work:telegram:default:group:-1:thread:7",
    );
  });
});

describe("session of an address", () => {
  const address: Address = { channel: "irc", accountId: "libera", chatId: "al:ice", chatKind: "dm" };
  const scope = (dmScope: DmScope) => ({ agentId: "main", dmScope, mainKey: "main" });

  it.each([
    ["main", "agent:main:main"],
    ["per-peer", "agent:main:dm:al%3Aice"],
    ["per-channel-peer", "agent:main:irc:dm:al%3Aice"],
    ["per-account-channel-peer", "agent:main:irc:libera:dm:al%3Aice"],
  ] as const)("with dmScope %s a direct chat is %s", (dmScope, expected) => {
    expect(sessionKeyForAddress(address, scope(dmScope))).toBe(expected);
  });

  it("a group is its own session whatever the scope of direct chats, and a thread in it another", () => {
    const group: Address = { ...address, chatId: "#room", chatKind: "channel" };
    for (const dmScope of ["main", "per-peer", "per-channel-peer", "per-account-channel-peer"] as const) {
      expect(sessionKeyForAddress(group, scope(dmScope))).toBe("agent:main:irc:libera:channel:%23room");
      expect(sessionKeyForAddress({ ...group, threadId: "t/1" }, scope(dmScope))).toBe(
        "agent:main:irc:libera:channel:%23room:thread:t%2F1",
      );
    }
  });

  it("R067: the same raw id on two channels, accounts or kinds of chat is not the same session", () => {
    const keys = new Set<string>();
    for (const channel of ["irc", "telegram"]) {
      for (const accountId of ["a", "b"]) {
        for (const chatKind of chatKinds) {
          const place: Address = { channel, accountId, chatKind, chatId: "42" };
          keys.add(sessionKeyForAddress(place, scope("per-account-channel-peer")));
        }
      }
    }
    expect(keys.size).toBe(2 * 2 * chatKinds.length);
  });

  it("refuses an address with an empty part by a typed error", () => {
    expect(() => sessionKeyForAddress({ ...address, chatId: "" }, scope("per-peer"))).toThrow(AppError);
  });
});
