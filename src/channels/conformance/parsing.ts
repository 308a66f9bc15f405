/** Conformance: recorded payloads of the platform become the canonical message, and nothing a payload holds breaks it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { inboundMessageSchema, messageText, type InboundMessage } from "../../domain/message.ts";
import type { CaseContext, Cases, ExpectedMessage, InboundFixture } from "../conformance.ts";

export function parsingCases<Config>({ harness, module }: CaseContext<Config>): Cases {
  const { fixtures } = harness;
  const messages = fixtures.filter((fixture) => fixture.expected !== null);

  /** Runs a check over every fixture of which `which` is true, and fails where there is none. */
  function each(
    which: (fixture: InboundFixture, expected: ExpectedMessage) => boolean,
    check: (message: InboundMessage, expected: ExpectedMessage) => void,
  ): void {
    let count = 0;
    for (const fixture of fixtures) {
      if (fixture.expected === null || !which(fixture, fixture.expected)) continue;
      const message = harness.parse(fixture.payload);
      assert.ok(message !== null, `${fixture.name}: nothing came of it`);
      check(message, fixture.expected);
      count += 1;
    }
    assert.ok(count > 0, "no fixture shows this");
  }

  return {
    "there are at least 20 recorded payloads": () => assert.ok(fixtures.length >= 20, `only ${fixtures.length}`),
    "each becomes a message that fits the schema": () =>
      each(
        () => true,
        (message) => assert.doesNotThrow(() => inboundMessageSchema.parse(message)),
      ),
    "each has the text that was written": () =>
      each(
        () => true,
        (message, expected) => assert.equal(messageText(message), expected.text),
      ),
    "each has every field that was expected of it": () =>
      each(
        () => true,
        (message, expected) => {
          const { address, sender } = message;
          const actual = {
            ...message,
            chatId: address.chatId,
            chatKind: address.chatKind,
            sender: sender.id,
            text: messageText(message),
            self: message.mentions.self,
          };
          for (const [key, value] of Object.entries(expected))
            assert.deepEqual(actual[key as keyof ExpectedMessage], value, `${key} of ${expected.text}`);
        },
      ),
    "what no person said becomes nothing": () => {
      const silent = fixtures.filter((fixture) => fixture.expected === null);
      assert.ok(silent.length > 0, "no fixture shows this");
      for (const fixture of silent) assert.equal(harness.parse(fixture.payload), null, fixture.name);
    },
    "a direct message is told from a group's": () => {
      each(
        (_f, expected) => expected.chatKind === "dm",
        (message) => assert.equal(message.address.chatKind, "dm"),
      );
      each(
        (_f, expected) => expected.chatKind !== "dm",
        (message) => assert.notEqual(message.address.chatKind, "dm"),
      );
    },
    "a mention is seen, and none is imagined": () => {
      each(
        (_f, expected) => expected.self && expected.chatKind !== "dm",
        (message) => assert.equal(message.mentions.self, true),
      );
      each(
        (_f, expected) => !expected.self,
        (message) => assert.equal(message.mentions.self, false),
      );
    },
    "a reply names what it answers": () =>
      each(
        (_f, expected) => expected.replyToId !== undefined,
        (message, expected) => assert.equal(message.replyToId, expected.replyToId),
      ),
    "the address names this channel, and the sender's id is not the name that people see": () =>
      each(
        () => true,
        (message) => {
          assert.equal(message.address.channel, module.manifest.id);
          assert.notEqual(message.sender.id, "");
          assert.notEqual(message.sender.id, message.sender.handle);
        },
      ),
    "the raw payload is kept": () =>
      each(
        () => true,
        (message) => assert.ok(message.raw !== null && message.raw !== undefined),
      ),
    "different events have different ids": () => {
      const found = messages.map((fixture) => harness.parse(fixture.payload)?.platformMessageId);
      assert.equal(new Set(found).size, new Set(messages.map((fixture) => fixture.payload)).size);
    },
    "a damaged payload is a message or nothing, never an exception": () => {
      const payloads = fc.constantFrom(...fixtures.map((fixture) => fixture.payload));
      fc.assert(
        fc.property(
          payloads,
          fc.nat(),
          fc.nat(40),
          fc.string({ unit: "binary", maxLength: 20 }),
          (payload, at, remove, insert) => {
            const start = at % (payload.length + 1);
            const message = harness.parse(payload.slice(0, start) + insert + payload.slice(start + remove));
            if (message !== null) inboundMessageSchema.parse(message);
          },
        ),
        { numRuns: 2_000 },
      );
    },
    "garbage is nothing": () => {
      for (const garbage of ["", " ", "\0", "{", "[]", "null", "\u{10ffff}", "x".repeat(100_000)]) {
        assert.doesNotThrow(() => harness.parse(garbage));
      }
    },
  };
}
