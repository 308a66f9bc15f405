/** Groups, supergroups, forums and channels: who hears what, and what the platform says itself. */
import { describe, expect, it } from "vitest";
import type { EmulatedGroup } from "../contract.ts";
import { caller, emulators, refusal, type Stage } from "../emulator.fixture.ts";

const { stage } = emulators();

interface GroupStage extends Stage {
  readonly group: EmulatedGroup;
}

async function groupStage(kind: "group" | "supergroup" | "channel" = "supergroup", forum = false): Promise<GroupStage> {
  const set = await stage();
  const group = set.telegram.addGroup({ title: "All", kind, members: [set.bot, set.ann], forum });
  return { ...set, group };
}

// oxlint-disable-next-line typescript/no-explicit-any -- an update has a dozen shapes; tests compare it whole.
type Heard = Readonly<Record<string, any>>;

/** What the bot has heard since it asked last. */
async function heard(call: Stage["call"]): Promise<readonly Heard[]> {
  const updates = (await call("getUpdates")).body.result as Heard[];
  await call("getUpdates", { offset: (updates.at(-1)?.["update_id"] ?? 0) + 1 });
  return updates;
}

describe("privacy mode", () => {
  it("lets a bot hear commands, mentions and answers that are meant for it, and nothing else", async () => {
    const { telegram, ann, group, call } = await groupStage();
    const { result } = (await call("sendMessage", { chat_id: group.id, text: "I am here" })).body;
    const other = telegram.addBot({ username: "other_bot" });
    group.join(other);
    await heard(call);
    for (const text of ["just talk", "/do@other_bot", "@other_bot hi", "me@helper_bot.com"]) ann.say(group, text);
    expect(await heard(call)).toEqual([]);
    ann.say(group, "/do@Helper_Bot now");
    ann.say(group, "what do you say, @helper_bot?");
    ann.say(group, "yes", { replyTo: result.message_id });
    ann.say(group, "/plain command");
    expect((await heard(call)).map(({ message }) => message.text)).toEqual([
      "/do@Helper_Bot now",
      "what do you say, @helper_bot?",
      "yes",
      "/plain command",
    ]);
    await caller(telegram, other)("sendMessage", { chat_id: group.id, text: "now me" });
    ann.say(group, "/plain again");
    expect(await heard(call)).toEqual([]);
    expect((await caller(telegram, other)("getUpdates")).body.result.at(-1).message.text).toBe("/plain again");
  });

  it("switched off lets it hear everything but other bots", async () => {
    const { telegram, ann, bot, group, call } = await groupStage();
    const reader = telegram.addBot({ username: "reader_bot", canReadAllGroupMessages: true });
    group.join(reader);
    const read = caller(telegram, reader);
    await heard(read);
    ann.say(group, "just talk");
    await call("sendMessage", { chat_id: group.id, text: "a bot's words" });
    expect((await heard(read)).map(({ message }) => message.text)).toEqual(["just talk"]);
    expect(telegram.visible(group.id).map(({ from }) => from)).toEqual([ann.id, bot.id]);
  });
});

describe("a supergroup", () => {
  it("has an id of its own range, and names the start of a chain of answers as thread", async () => {
    const { ann, group, call } = await groupStage();
    expect(String(group.id)).toMatch(/^-100\d{10}$/);
    const first = ann.say(group, "@helper_bot one");
    const second = ann.say(group, "@helper_bot two", { replyTo: first });
    ann.say(group, "@helper_bot three", { replyTo: second });
    const messages = (await heard(call)).map(({ message }) => message);
    expect(messages[0]).toEqual(
      expect.objectContaining({ chat: { id: group.id, title: "All", type: "supergroup" }, message_id: first }),
    );
    expect(messages[0]).not.toHaveProperty("message_thread_id");
    expect(messages[2]).toMatchObject({ message_thread_id: first, reply_to_message: { message_id: second } });
    expect(messages[2]).not.toHaveProperty("is_topic_message");
    expect(messages[2].reply_to_message).not.toHaveProperty("reply_to_message");
    ann.remove(group, first);
    ann.say(group, "@helper_bot four", { replyTo: second });
    const [last] = await heard(call);
    expect(last!["message"]).toMatchObject({ message_thread_id: first, reply_to_message: { message_id: second } });
    const reply = { chat_id: group.id, text: "x", message_thread_id: first };
    expect((await call("sendMessage", reply)).body).toEqual(refusal(400, "Bad Request: message thread not found"));
  });

  it("says who came and went, to the bot itself by my_chat_member as well", async () => {
    const { telegram, ann, bot, group, call } = await groupStage();
    const bob = telegram.addPerson({ firstName: "Bob" });
    group.join(bob);
    group.leave(bob);
    group.leave(bot);
    const updates = await heard(call);
    expect(updates.slice(0, 2).map(({ message }) => message)).toMatchObject([
      { from: { id: bob.id }, new_chat_members: [{ id: bob.id }] },
      { from: { id: bob.id }, left_chat_member: { id: bob.id } },
    ]);
    expect(updates).toHaveLength(3);
    expect(updates[2]!["my_chat_member"]).toMatchObject({
      chat: { id: group.id },
      from: { id: ann.id },
      old_chat_member: { status: "member" },
      new_chat_member: { user: { id: bot.id }, status: "kicked" },
    });
    expect(telegram.visible(group.id)).toEqual([]);
    expect((await call("sendMessage", { chat_id: group.id, text: "x" })).body).toEqual(
      refusal(403, "Forbidden: bot was kicked from the supergroup chat"),
    );
    group.join(bot);
    expect((await heard(call)).at(-1)).toMatchObject({ message: { new_chat_members: [{ id: bot.id }] } });
    expect((await call("sendMessage", { chat_id: group.id, text: "x" })).status).toBe(200);
  });

  it("that the bot was never in does not exist for it", async () => {
    const { telegram, ann, call } = await groupStage();
    const closed = telegram.addGroup({ title: "Closed", kind: "supergroup", members: [ann] });
    expect((await call("sendMessage", { chat_id: closed.id, text: "x" })).body).toEqual(
      refusal(400, "Bad Request: chat not found"),
    );
  });
});

describe("a group that becomes a supergroup", () => {
  it("tells the bot in both, and answers calls to the old one with the new id", async () => {
    const { ann, group, call } = await groupStage("group");
    const supergroup = group.migrate();
    expect((await heard(call)).map(({ message }) => message)).toMatchObject([
      { chat: { id: group.id, type: "group" }, migrate_to_chat_id: supergroup.id },
      { chat: { id: supergroup.id, type: "supergroup" }, migrate_from_chat_id: group.id },
    ]);
    expect((await call("sendMessage", { chat_id: group.id, text: "x" })).body).toEqual({
      ...refusal(400, "Bad Request: group chat was upgraded to a supergroup chat"),
      parameters: { migrate_to_chat_id: supergroup.id },
    });
    expect((await call("sendMessage", { chat_id: supergroup.id, text: "x" })).status).toBe(200);
    expect(() => ann.say(group, "too late")).toThrow("has become");
  });
});

describe("a forum", () => {
  it("keeps topics apart: messages name theirs and answer the one that opened it", async () => {
    const { telegram, ann, group, call } = await groupStage("supergroup", true);
    const topic = group.addTopic("News");
    expect((await heard(call))[0]!["message"]).toMatchObject({
      message_id: topic,
      message_thread_id: topic,
      is_topic_message: true,
      forum_topic_created: { name: "News" },
    });
    const said = ann.say(group, "@helper_bot?", { threadId: topic });
    const { message } = (await heard(call))[0]!;
    expect(message).toMatchObject({
      message_thread_id: topic,
      is_topic_message: true,
      chat: { is_forum: true },
      reply_to_message: { message_id: topic, forum_topic_created: { name: "News" } },
    });
    const sent = await call("sendMessage", { chat_id: group.id, text: "x", message_thread_id: topic });
    expect(sent.body.result).toMatchObject({ message_thread_id: topic, is_topic_message: true });
    await call("sendMessage", { chat_id: group.id, text: "y", reply_parameters: { message_id: said } });
    await call("sendMessage", { chat_id: group.id, text: "general" });
    expect(telegram.visible(group.id).map(({ text, threadId }) => [text, threadId])).toEqual([
      ["@helper_bot?", topic],
      ["x", topic],
      ["y", topic],
      ["general", null],
    ]);
  });

  it("knows its general topic by number for actions, but not for messages", async () => {
    const { group, call } = await groupStage("supergroup", true);
    const general = { chat_id: group.id, message_thread_id: 1 };
    expect((await call("sendMessage", { ...general, text: "x" })).body).toEqual(
      refusal(400, "Bad Request: message thread not found"),
    );
    expect((await call("sendChatAction", { ...general, action: "typing" })).status).toBe(200);
    expect((await call("sendChatAction", { ...general, message_thread_id: 99, action: "typing" })).status).toBe(400);
  });
});

describe("a channel", () => {
  it("brings posts in its own name, and edited ones", async () => {
    const { ann, group, call } = await groupStage("channel");
    const post = ann.say(group, "news");
    ann.edit(group, post, "better news");
    const updates = await heard(call);
    const channel = { id: group.id, title: "All", type: "channel" };
    expect(updates[0]!["channel_post"]).toMatchObject({ message_id: post, sender_chat: channel, chat: channel });
    expect(updates[0]!["channel_post"]).not.toHaveProperty("from");
    expect(updates[1]!["edited_channel_post"]).toMatchObject({ message_id: post, text: "better news" });
  });
});

describe("what a bot may ask about a chat", () => {
  it("is what it is and who is in it", async () => {
    const { telegram, ann, group, call } = await groupStage();
    const bob = telegram.addPerson({ firstName: "Bob" });
    const ask = { chat_id: group.id };
    expect((await call("getChat", ask)).body.result).toMatchObject({ id: group.id, title: "All", type: "supergroup" });
    expect((await call("getChatMember", { ...ask, user_id: ann.id })).body.result).toMatchObject({ status: "member" });
    expect((await call("getChatMember", { ...ask, user_id: bob.id })).body.result).toMatchObject({ status: "left" });
    expect((await call("getChatMember", { ...ask, user_id: 5 })).body).toEqual(
      refusal(400, "Bad Request: user not found"),
    );
    expect((await call("getChatMember", ask)).body).toEqual(refusal(400, "Bad Request: invalid user_id specified"));
    expect((await call("getChatMemberCount", ask)).body.result).toBe(2);
    expect((await call("getChat", { chat_id: ann.id })).body.result).toMatchObject({ id: ann.id, type: "private" });
  });
});
