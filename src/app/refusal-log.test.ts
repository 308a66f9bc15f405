/** A door that stays shut is told to the operator, once per sender. */
import { describe, expect, it } from "vitest";
import { noMentions, type InboundMessage } from "../domain/message.ts";
import { silentLog, type Log } from "../platform/log.ts";
import { createRefusalLog } from "./refusal-log.ts";

function message(sender: string, chatKind: "dm" | "group" = "dm", self = false): InboundMessage {
  return {
    id: "m",
    address: { channel: "irc", accountId: "default", chatId: "c", chatKind },
    platformMessageId: "p",
    kind: "message",
    sender: { id: sender, displayName: null, isSelf: false, isBot: false },
    content: [{ type: "text", text: "a private word" }],
    mentions: { ...noMentions, self },
    receivedAtMs: 0,
    raw: null,
  } as unknown as InboundMessage;
}

function listen(): { told: Record<string, unknown>[]; log: Log } {
  const told: Record<string, unknown>[] = [];
  return { told, log: { ...silentLog(), warn: (_text: string, fields = {}) => void told.push({ ...fields }) } as Log };
}

describe("the refusal log", () => {
  it("names the sender, the reason and the setting that lets them in, once, and not what they wrote", () => {
    const { told, log } = listen();
    const tell = createRefusalLog(log);
    tell(message("host:~ann@example.org"), "pairing-required");
    tell(message("host:~ann@example.org"), "pairing-required");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ sender: "host:~ann@example.org", reason: "pairing-required" });
    expect(told[0]?.["remedy"]).toContain('add "host:~ann@example.org" to channels.irc.allowFrom');
    expect(JSON.stringify(told)).not.toContain("private");
  });

  it("is silent about talk among others, about what passes by itself, and after many strangers", () => {
    const { told, log } = listen();
    const tell = createRefusalLog(log);
    tell(message("host:~ann@example.org", "group"), "sender-not-allowed");
    tell(message("host:~ann@example.org"), "inbox-full");
    tell(message("host:~ann@example.org"), "own-message");
    expect(told).toEqual([]);
    tell(message("host:~ann@example.org", "group", true), "sender-not-allowed");
    expect(told).toHaveLength(1);
    for (let count = 0; count < 1_000; count += 1) tell(message(`host:${count}`), "pairing-required");
    expect(told.length).toBeLessThanOrEqual(200);
  });
});
