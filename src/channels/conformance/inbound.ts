/** Conformance: what people write is handed over whole, in order and once, whatever else arrives. */
import assert from "node:assert/strict";
import { inboundMessageSchema, messageText } from "../../domain/message.ts";
import type { CaseContext, Cases } from "../conformance.ts";
import { pieceTo, soon, withConnection, type RecordingLink, type Session } from "./session.ts";

export function inboundCases<Config>(context: CaseContext<Config>): Cases {
  return { ...handingOver(context), ...surviving(context) };
}

function texts(link: RecordingLink): readonly string[] {
  return link.received.map(messageText);
}

function handingOver<Config>(context: CaseContext<Config>): Cases {
  return {
    "a direct message is handed over, and can be answered at its address": () =>
      withConnection(context, async ({ platform, link, connection }) => {
        await platform.say("dm", "good morning");
        await link.until("the message", ({ received }) => received.length === 1);
        const [message] = link.received;
        assert.ok(message !== undefined);
        inboundMessageSchema.parse(message);
        assert.deepEqual([messageText(message), message.address.chatKind], ["good morning", "dm"]);
        const piece = { ...pieceTo(platform, "dm", "to you too"), address: message.address };
        assert.equal((await connection.send(piece, soon())).outcome, "sent");
        await platform.seen("dm", (seen) => seen.includes("to you too"));
      }),
    "a group's message is handed over, and can be answered at its address": () =>
      withConnection(context, async ({ platform, link, connection }) => {
        await platform.say("group", "good morning");
        await link.until("the message", ({ received }) => received.length === 1);
        const [message] = link.received;
        assert.ok(message !== undefined);
        assert.notEqual(message.address.chatKind, "dm");
        assert.equal(message.mentions.self, true);
        const piece = { ...pieceTo(platform, "group", "to you too"), address: message.address };
        assert.equal((await connection.send(piece, soon())).outcome, "sent");
        await platform.seen("group", (seen) => seen.includes("to you too"));
      }),
    "messages are handed over in order, each once": () =>
      withConnection(context, async ({ platform, link }) => {
        const said = Array.from({ length: 8 }, (_none, index) => `line ${index}`);
        for (const text of said) await platform.say("dm", text);
        await link.until("all", ({ received }) => received.length >= said.length);
        assert.deepEqual(texts(link), said);
        assert.equal(new Set(link.received.map((message) => message.platformMessageId)).size, said.length);
        assert.equal(new Set(link.received.map((message) => message.id)).size, said.length);
      }),
    "the same words said twice are two messages": () =>
      withConnection(context, async ({ platform, link }) => {
        await platform.say("dm", "again");
        await platform.say("dm", "again");
        await link.until("both", ({ received }) => received.length === 2);
        assert.notEqual(link.received[0]?.platformMessageId, link.received[1]?.platformMessageId);
      }),
    "what we send does not come back as a message": () =>
      withConnection(context, async ({ platform, link, connection }) => {
        await connection.send(pieceTo(platform, "group", "our own words"), soon());
        await platform.say("group", "theirs");
        await link.until("theirs", ({ received }) => received.length > 0);
        assert.deepEqual(texts(link), ["theirs"]);
      }),
    "a refused message is done with, and the next one comes": () =>
      withConnection(context, async ({ platform, link }) => {
        link.verdict = () => ({ outcome: "refused", reason: "sender-not-allowed" });
        await platform.say("dm", "refused");
        await platform.say("dm", "next");
        await link.until("both", ({ received }) => received.length === 2);
        assert.deepEqual(texts(link), ["refused", "next"]);
      }),
    "a message that could not be stored is offered again, before the one behind it": () =>
      withConnection(context, async ({ platform, link }) => {
        let offers = 0;
        link.verdict = () => ((offers += 1) === 1 ? { outcome: "unavailable" } : { outcome: "accepted" });
        await platform.say("dm", "first");
        await platform.say("dm", "second");
        await link.until("all offers", ({ received }) => received.length === 3);
        assert.deepEqual(texts(link), ["first", "first", "second"]);
      }),
    "characters of every script arrive as they were written": () =>
      withConnection(context, async ({ platform, link }) => {
        const text = "👩‍👩‍👧‍👦 שלום مرحبا e\u0301 漢字 🇩🇪";
        await platform.say("dm", text);
        await link.until("the message", ({ received }) => received.length === 1);
        assert.deepEqual(texts(link), [text]);
      }),
  };
}

function surviving<Config>(context: CaseContext<Config>): Cases {
  /** Whatever was injected, the connection stands and the next message comes. */
  async function survives({ platform, link, connection }: Session<Config>, bytes: Buffer): Promise<void> {
    platform.faults.inject(bytes);
    await connection.probe(soon());
    await platform.say("dm", "still here");
    await link.until("the message", (state) => texts(state).includes("still here"));
    assert.deepEqual(link.losses, []);
  }
  return {
    "a line of a megabyte does no harm": () =>
      withConnection(context, (session) => survives(session, Buffer.from(`${"x".repeat(1024 * 1024)}\r\n`))),
    "bytes that are no UTF-8 do no harm": () =>
      withConnection(context, (session) =>
        survives(session, Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x0d, 0x0a])),
      ),
    "control characters and empty lines do no harm": () =>
      withConnection(context, (session) => survives(session, Buffer.from("\0\x01\x02\x7f\r\n\r\n\n\n\x1b[2J\r\n"))),
    "random bytes do no harm": () =>
      withConnection(context, async (session) => {
        const noise = Array.from(
          { length: 20_000 },
          (_none, index) => (Math.imul(index + 1, 2_654_435_761) >>> 13) & 0xff,
        );
        await survives(session, Buffer.concat([Buffer.from(noise), Buffer.from("\r\n")]));
      }),
  };
}
