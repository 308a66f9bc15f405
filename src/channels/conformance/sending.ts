/** Conformance: a send arrives once, in order, and says truly what became of it. */
import assert from "node:assert/strict";
import { attachmentSchema } from "../../domain/message.ts";
import type { SendOutcome } from "../contract.ts";
import type { CaseContext, Cases, ConformanceChat } from "../conformance.ts";
import { pieceTo, soon, within, withConnection } from "./session.ts";

export function sendingCases<Config>(context: CaseContext<Config>): Cases {
  return { ...arriving(context), ...failing(context), ...hostile(context) };
}

function isSent(result: SendOutcome): void {
  assert.equal(result.outcome, "sent", result.outcome === "sent" ? "" : result.error.message);
}

function arriving<Config>(context: CaseContext<Config>): Cases {
  const arrives = (chat: ConformanceChat) => () =>
    withConnection(context, async ({ connection, platform }) => {
      isSent(await connection.send(pieceTo(platform, chat, "good morning"), soon()));
      assert.deepEqual(await platform.seen(chat, (texts) => texts.length > 0), ["good morning"]);
    });
  return {
    "arrives in a direct chat": arrives("dm"),
    "arrives in a group": arrives("group"),
    "arrives in the order sent": () =>
      withConnection(context, async ({ connection, platform }) => {
        const texts = ["one", "two", "three", "four", "five"];
        for (const text of texts) isSent(await connection.send(pieceTo(platform, "group", text), soon()));
        assert.deepEqual(await platform.seen("group", (seen) => seen.length === texts.length), texts);
      }),
    "arrives in the order sent without waiting in between": () =>
      withConnection(context, async ({ connection, platform }) => {
        const texts = ["one", "two", "three", "four"];
        const results = await Promise.all(
          texts.map((text) => connection.send(pieceTo(platform, "group", text), soon())),
        );
        for (const result of results) isSent(result);
        assert.deepEqual(await platform.seen("group", (seen) => seen.length === texts.length), texts);
      }),
    "sends to two chats at once arrive each in its own": () =>
      withConnection(context, async ({ connection, platform }) => {
        const results = await Promise.all([
          connection.send(pieceTo(platform, "group", "to all"), soon()),
          connection.send(pieceTo(platform, "dm", "to you"), soon()),
        ]);
        for (const result of results) isSent(result);
        assert.deepEqual(await platform.seen("group", (seen) => seen.length > 0), ["to all"]);
        assert.deepEqual(await platform.seen("dm", (seen) => seen.length > 0), ["to you"]);
      }),
    "a rendered answer arrives whole": () =>
      withConnection(context, async ({ connection, platform }) => {
        const words = Array.from({ length: 400 }, (_none, index) => `word${index}`);
        const { max } = context.module.manifest.text;
        const pieces = context.module.render(words.join(" "), { max, mode: "markdown" });
        for (const piece of pieces) isSent(await connection.send({ ...pieceTo(platform, "dm", ""), ...piece }, soon()));
        const texts = await platform.seen("dm", (seen) => seen.length === pieces.length);
        assert.deepEqual(texts.join(" ").split(/\s+/), words);
      }),
    "a label stands in front of the text": () =>
      withConnection(context, async ({ connection, platform }) => {
        isSent(await connection.send({ ...pieceTo(platform, "dm", "good morning"), label: "(again) " }, soon()));
        assert.deepEqual(await platform.seen("dm", (seen) => seen.length > 0), ["(again) good morning"]);
      }),
    "a piece larger than the platform's limit arrives whole": () =>
      withConnection(context, async ({ connection, platform }) => {
        const words = Array.from({ length: 300 }, (_none, index) => `größe${index}`);
        isSent(await connection.send(pieceTo(platform, "dm", words.join(" ")), soon()));
        const texts = await platform.seen("dm", (seen) => seen.some((text) => text.includes("größe299")));
        assert.deepEqual(texts.join(" ").split(/\s+/), words);
      }),
    "emoji, right-to-left and combining characters arrive as they are": () =>
      withConnection(context, async ({ connection, platform }) => {
        const text = "👩‍👩‍👧‍👦 שלום مرحبا e\u0301 漢字 🇩🇪";
        isSent(await connection.send(pieceTo(platform, "dm", text), soon()));
        assert.deepEqual(await platform.seen("dm", (seen) => seen.length > 0), [text]);
      }),
    "every kind of file arrives, or its name and address do": () =>
      withConnection(context, async ({ connection, platform }) => {
        for (const type of attachmentSchema.shape.type.options) {
          const attachments = [{ type, url: `https://example.org/${type}`, fileName: `${type}.bin` }];
          isSent(await connection.send({ ...pieceTo(platform, "dm", ""), attachments }, soon()));
          await platform.seen("dm", (seen) => seen.some((text) => text.includes(`https://example.org/${type}`)));
        }
      }),
    "an answer to a message that nobody knows arrives all the same": () =>
      withConnection(context, async ({ connection, platform }) => {
        isSent(await connection.send({ ...pieceTo(platform, "group", "an answer"), replyToId: "no-such-id" }, soon()));
        await platform.seen("group", (seen) => seen.includes("an answer"));
      }),
  };
}

function failing<Config>(context: CaseContext<Config>): Cases {
  return {
    "a send that was called off before is not sent": () =>
      withConnection(context, async ({ connection, platform }) => {
        const result = await connection.send(pieceTo(platform, "dm", "never"), AbortSignal.abort());
        assert.equal(result.outcome, "not-sent");
        isSent(await connection.send(pieceTo(platform, "dm", "after"), soon()));
        assert.deepEqual(await platform.seen("dm", (seen) => seen.length > 0), ["after"]);
      }),
    "a send on a closed connection is not sent": () =>
      withConnection(context, async ({ connection, platform }) => {
        await connection.close();
        assert.equal((await connection.send(pieceTo(platform, "dm", "late"), soon())).outcome, "not-sent");
      }),
    "a send on a connection that broke is not sent, and may be tried again": () =>
      withConnection(context, async ({ connection, platform, link }) => {
        platform.faults.cut();
        await link.until("being told", ({ losses }) => losses.length > 0);
        const result = await connection.send(pieceTo(platform, "dm", "late"), soon());
        assert.ok(result.outcome === "not-sent" && result.error.retry === "later");
      }),
    "a send whose answer is lost is in doubt, never sent and never not sent": () =>
      withConnection(context, async ({ connection, platform }) => {
        platform.faults.muteAnswers();
        const sending = connection.send(pieceTo(platform, "dm", "in doubt"), soon());
        await platform.seen("dm", (seen) => seen.includes("in doubt"));
        platform.faults.cut();
        assert.equal((await within(5_000, "the outcome", sending)).outcome, "unknown");
      }),
    "a send that is called off while it waits for its answer is in doubt": () =>
      withConnection(context, async ({ connection, platform }) => {
        platform.faults.muteAnswers();
        const abort = new AbortController();
        const sending = connection.send(pieceTo(platform, "dm", "in doubt"), abort.signal);
        await platform.seen("dm", (seen) => seen.includes("in doubt"));
        abort.abort();
        assert.equal((await within(2_000, "the outcome", sending)).outcome, "unknown");
      }),
    "a send to a chat that cannot be is not sent": () =>
      withConnection(context, async ({ connection, platform }) => {
        for (const chatId of ["", " ", "a b", "a\r\nQUIT", "a,b", "\0", "$*", "x".repeat(5)]) {
          const piece = pieceTo(platform, "dm", "hello");
          const result = await connection.send({ ...piece, address: { ...piece.address, chatId } }, soon());
          assert.equal(result.outcome, "not-sent", JSON.stringify(chatId));
        }
      }),
  };
}

function hostile<Config>(context: CaseContext<Config>): Cases {
  return {
    "no text becomes a command of its own": () =>
      withConnection(context, async ({ connection, platform, link }) => {
        for (const text of [
          "x\r\nQUIT :gone",
          "x\nJOIN #elsewhere",
          "x\rPART #room",
          "\u0001ACTION waves\u0001",
          "x\0y",
          "\u2028QUIT",
          ":QUIT",
          "/quit",
        ]) {
          isSent(await connection.send(pieceTo(platform, "group", text), soon()));
        }
        isSent(await connection.send(pieceTo(platform, "group", "still here"), soon()));
        const texts = await platform.seen("group", (seen) => seen.includes("still here"));
        assert.ok(texts.some((text) => text.includes("QUIT :gone")));
        assert.deepEqual(link.losses, []);
      }),
    "no id of a message that is answered becomes a command of its own": () =>
      withConnection(context, async ({ connection, platform, link }) => {
        const replyToId = "x;y=z QUIT\r\nQUIT";
        await connection.send({ ...pieceTo(platform, "group", "answer"), replyToId }, soon());
        isSent(await connection.send(pieceTo(platform, "group", "still here"), soon()));
        assert.deepEqual(link.losses, []);
      }),
  };
}
