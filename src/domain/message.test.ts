/** The canonical message holds everything a platform can send, and refuses what no adapter may make. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  addressSchema,
  attachmentSchema,
  contentTypes,
  chatKinds,
  inboundKinds,
  inboundMessageSchema,
  messageText,
  type InboundMessage,
} from "./message.ts";

const golden = JSON.parse(
  readFileSync(new URL("./fixtures/messages.json", import.meta.url), "utf8"),
) as InboundMessage[];

describe("canonical message", () => {
  it("J3: every golden message is valid and comes through the schema unchanged, raw included", () => {
    expect(golden.length).toBeGreaterThanOrEqual(18);
    for (const message of golden) expect(inboundMessageSchema.parse(message)).toEqual(message);
  });

  it("J4: the golden messages hold every content type, every kind of event and every kind of chat", () => {
    const seen = new Set(golden.flatMap((message) => message.content.map((content) => content.type)));
    expect([...seen].sort()).toEqual([...contentTypes].sort());
    expect(new Set(golden.map((message) => message.kind))).toEqual(new Set(inboundKinds));
    expect(new Set(golden.map((message) => message.address.chatKind))).toEqual(new Set(chatKinds));
  });

  it("J3: survives a way over JSON, as the store and the wire send it", () => {
    for (const message of golden)
      expect(inboundMessageSchema.parse(JSON.parse(JSON.stringify(message)))).toEqual(message);
  });

  it.each([
    ["an unknown content type", { content: [{ type: "hologram" }] }],
    ["an unknown kind", { kind: "poke" }],
    ["a chat of no kind", { address: { channel: "irc", accountId: "a", chatId: "c", chatKind: "lobby" } }],
    ["a sender without an id", { sender: { displayName: "Alice" } }],
    ["no platform id", { platformMessageId: undefined }],
    ["a time in words", { sentAtMs: "yesterday" }],
    ["a time that is no number", { receivedAtMs: Number.NaN }],
    ["mentions by halves", { mentions: { users: [] } }],
    ["content that is no list", { content: "text" }],
    ["a location by halves", { content: [{ type: "location", location: { latitude: 1 } }] }],
    [
      "an attachment with a negative size",
      { content: [{ type: "image", attachments: [{ type: "image", sizeBytes: -1 }] }] },
    ],
    ["an attachment of no kind", { content: [{ type: "image", attachments: [{ mediaId: "m" }] }] }],
  ])("J3: refuses %s", (_name, change) => {
    expect(inboundMessageSchema.safeParse({ ...golden[0], ...change }).success).toBe(false);
  });

  it.each([null, undefined, [], "", 1, {}])("refuses %j without throwing", (value) => {
    for (const schema of [inboundMessageSchema, addressSchema, attachmentSchema])
      expect(schema.safeParse(value).success).toBe(false);
  });

  it("J3: does not carry on what it does not know", () => {
    const parsed = inboundMessageSchema.parse({ ...golden[0], isOwner: true, sender: { id: "u1", role: "admin" } });
    expect(parsed).not.toHaveProperty("isOwner");
    expect(parsed.sender).toEqual({ id: "u1" });
  });

  it("the model reads texts and captions in their order, and nothing where there is none", () => {
    expect(messageText(golden.at(-1)!)).toBe("one\ntwo\nthree");
    expect(messageText({ content: [] })).toBe("");
    expect(messageText({ content: [{ type: "sticker" }] })).toBe("");
  });
});
