/** What an update becomes, beyond what the recorded ones show: files, places, mentions, and who it is from. */
import { describe, expect, it } from "vitest";
import recorded from "./fixtures/inbound.json" with { type: "json" };
import { parseFixture } from "./platform.fixture.ts";

function parsed(name: string) {
  const fixture = recorded.find((candidate) => candidate.name === name);
  const message = parseFixture(JSON.stringify(fixture?.payload));
  if (message === null) throw new Error(`nothing came of ${name}`);
  return message;
}

describe("an update", () => {
  it("J4: each kind of content keeps what Telegram says of it", () => {
    const contents = {
      "a photo with a caption": {
        type: "image",
        caption: "my bed",
        // The largest of three, and not the last one.
        attachments: [{ type: "image", mediaId: "large", mimeType: "image/jpeg", sizeBytes: 90_000 }],
      },
      "a document": {
        type: "document",
        attachments: [
          { type: "document", mediaId: "doc", fileName: "plan.pdf", mimeType: "application/pdf", sizeBytes: 12_345 },
        ],
      },
      "a voice message": {
        type: "voice",
        attachments: [{ type: "voice", mediaId: "v", mimeType: "audio/ogg", durationMs: 3_000, sizeBytes: 4_000 }],
      },
      "a song": {
        type: "audio",
        attachments: [{ type: "audio", mediaId: "a", fileName: "rain.mp3", durationMs: 180_000 }],
      },
      "a video": { type: "video", caption: "look", attachments: [{ type: "video", mediaId: "vi", durationMs: 7_000 }] },
      "a round video": { type: "video", attachments: [{ type: "video", mediaId: "vn", mimeType: "video/mp4" }] },
      "an animation, with the document that comes beside it": {
        type: "video",
        attachments: [{ type: "video", mediaId: "an" }],
      },
      "a sticker": { type: "sticker", caption: "🌻", attachments: [{ type: "sticker", mediaId: "st" }] },
      "a place": { type: "location", location: { latitude: 52.5, longitude: 13.4 } },
      "a venue": {
        type: "location",
        location: { latitude: 52.5, longitude: 13.4, title: "Garden shop, Main street 1" },
      },
      "a contact": { type: "contact", contact: { name: "Bob B.", phone: "+100000", id: "1002" } },
      "a pressed button": { type: "interactive", interactive: { action: "approve:7" } },
    };
    for (const [name, content] of Object.entries(contents)) {
      expect(parsed(name).content, name).toMatchObject([content]);
    }
  });

  it("R076: what is forwarded or quoted says whose words it is, what the sender wrote does not", () => {
    const whose = (name: string): unknown => parsed(name).content.map(({ quoted }) => quoted ?? null);
    expect(whose("forwarded from a person")).toEqual(Array(2).fill("message forwarded from Bob B."));
    expect(whose("forwarded from somebody who hides")).toEqual(Array(2).fill("message forwarded from Nobody"));
    expect(whose("forwarded from a channel")).toEqual(Array(2).fill("message forwarded from News"));
    expect(whose("a photo with a caption")).toEqual([null]);
    const replies = recorded
      .filter(
        ({ expected }) => expected !== null && "text" in expected && String(expected.text).startsWith("[in reply to"),
      )
      .map(({ name }) => parsed(name).content);
    expect(replies.length).toBeGreaterThan(0);
    for (const [quote, own] of replies) {
      const isOurs = quote?.text?.startsWith("[in reply to you") === true;
      expect([quote?.quoted ?? null, own?.quoted ?? null]).toEqual([
        isOurs ? null : expect.stringMatching(/^message of .+ that is answered$/),
        null,
      ]);
    }
  });

  it("a number is another bot's where each has its own, and everybody's in a supergroup", () => {
    const idOf = (name: string): string | undefined => {
      const payload = JSON.stringify(recorded.find((candidate) => candidate.name === name)?.payload);
      return parseFixture(payload, { numberSuffix: ":bot:4200" })?.platformMessageId;
    };
    expect(idOf("a direct message")).toBe("101:bot:4200");
    const inSupergroup = {
      update_id: 1,
      message: {
        message_id: 7,
        date: 1,
        chat: { id: -1001, type: "supergroup", title: "Garden" },
        from: { id: 1001, is_bot: false, first_name: "Ann" },
        text: "hello",
      },
    };
    expect(parseFixture(JSON.stringify(inSupergroup), { numberSuffix: ":bot:4200" })?.platformMessageId).toBe("7");
  });

  it("in a topic that we made, not every message is an answer to us", () => {
    const chat = { id: -1001, type: "supergroup", title: "Garden", is_forum: true };
    const us = { id: 4200, is_bot: true, first_name: "Claw", username: "claw_bot" };
    const inTopic = (answers: number) => ({
      update_id: 1,
      message: {
        message_id: 9,
        date: 1,
        chat,
        from: { id: 1001, is_bot: false, first_name: "Ann" },
        text: "hello all",
        is_topic_message: true,
        message_thread_id: 5,
        reply_to_message: { message_id: answers, date: 1, chat, from: us, text: "something" },
      },
    });
    expect(parseFixture(JSON.stringify(inTopic(5)))?.mentions.self).toBe(false);
    expect(parseFixture(JSON.stringify(inTopic(6)))?.mentions.self).toBe(true);
  });

  it("J5: people are mentioned by name, or by number where they have no name", () => {
    const text = "@bob and Ann, see @claw_bot";
    const ann = { id: 1001, is_bot: false, first_name: "Ann" };
    const message = parseFixture(
      JSON.stringify({
        update_id: 1,
        message: {
          message_id: 1,
          date: 1,
          chat: { id: -5, type: "group", title: "G" },
          from: ann,
          text,
          entities: [
            { type: "mention", offset: 0, length: 4 },
            { type: "text_mention", offset: 9, length: 3, user: ann },
            { type: "mention", offset: 18, length: 9 },
          ],
        },
      }),
    );
    expect(message?.mentions).toEqual({ users: ["bob", "1001"], roles: [], channels: [], everyone: false, self: true });
  });

  it("J6: a topic is a thread of its own, a thread of replies is none", () => {
    const threads = {
      "a forum's topic": "42",
      "a forum's general topic": "1",
      "a thread of replies in a supergroup without topics": undefined,
      "a group's talk": undefined,
    };
    for (const [name, threadId] of Object.entries(threads)) expect(parsed(name).address.threadId, name).toBe(threadId);
    // That the topic was made is not what its messages answer.
    expect(parsed("a forum's topic").replyToId).toBeUndefined();
  });

  it("who writes in a chat's name is that chat, and no bot", () => {
    expect(parsed("an anonymous administrator").sender).toEqual({ id: "-1001234567890", displayName: "Garden, boss" });
    expect(parsed("a channel's post").sender).toEqual({
      id: "-1003000000001",
      handle: "garden_news",
      displayName: "News",
    });
    expect(parsed("a group's talk").sender).toEqual({ id: "1002", displayName: "Bob B." });
  });

  it("reactions are taken notice of as the account says", () => {
    const of = (name: string, reactions: "off" | "own" | "all") =>
      parseFixture(JSON.stringify(recorded.find((fixture) => fixture.name === name)?.payload), { reactions });
    expect(of("a reaction to us", "off")).toBeNull();
    expect(of("a reaction to us", "own")?.mentions.self).toBe(true);
    expect(of("a reaction to somebody else", "own")).toBeNull();
    expect(of("a reaction to somebody else", "all")).toMatchObject({
      kind: "reaction",
      replyToId: "80",
      mentions: { self: false },
    });
  });

  it("a command without a name is ours where Telegram gives us only what is meant for us", () => {
    const of = (name: string, hearsAll: boolean) => {
      const me = { id: 4200, username: "claw_bot", can_read_all_group_messages: hearsAll };
      return parseFixture(JSON.stringify(recorded.find((fixture) => fixture.name === name)?.payload), { me });
    };
    const bare = "a command to whoever hears it";
    expect([of(bare, true)?.mentions.self, of(bare, false)?.mentions.self]).toEqual([false, true]);
    expect(of("a command to another bot", false)).toBeNull();
    expect(of("a group's talk", false)?.mentions.self).toBe(false);
  });

  it("a long quotation is shortened between characters", () => {
    const ann = { id: 1001, is_bot: false, first_name: "Ann" };
    const chat = { id: -5, type: "group", title: "G" };
    const answered = { message_id: 1, date: 1, chat, from: ann, text: `x${"👍".repeat(2_000)}` };
    const message = { message_id: 2, date: 2, chat, from: ann, text: "why?", reply_to_message: answered };
    const quote = parseFixture(JSON.stringify({ update_id: 1, message }))?.content[0]?.text ?? "";
    expect([quote.length < 1_100, quote.isWellFormed(), quote.startsWith("[in reply to Ann: x👍")]).toEqual([
      true,
      true,
      true,
    ]);
  });
});
