/**
 * What a test holds in its hand for a person and for a group. Translates "says", "edits", "presses" into what happens
 * in the world; refuses loudly what no person could do, because then the test is wrong.
 */
import { AppError } from "../../domain/app-error.ts";
import { botApiLimits } from "./bot-api-limits.ts";
import type { EmulatedBot, EmulatedGroup, EmulatedPerson, SayOptions } from "./contract.ts";
import { detectEntities } from "./text/detect.ts";
import { userObject, type Actor } from "./world/actor.ts";
import type { Chat } from "./world/chat.ts";
import { withReactions, type Draft, type Message } from "./world/message.ts";
import type { Bot, World } from "./world/world.ts";

export function personHandle(world: World, person: Actor): EmulatedPerson {
  const speak = (where: EmulatedBot | EmulatedGroup, draft: Omit<Draft, "from">, options: SayOptions = {}): number => {
    const chat = chatWith(world, person, where);
    return world.hear(chat, { from: person, ...draft, ...placed(chat, options) }).id;
  };
  return {
    id: person.id,
    say(where, text, options) {
      if (text.length > botApiLimits.textChars) {
        throw new AppError(
          "SYS_003",
          `The apps send no more than ${botApiLimits.textChars} characters in one message.`,
        );
      }
      return speak(where, { text }, options);
    },
    post: (where, fields, options) => speak(where, { fields }, options),
    upload(where, file, options) {
      const { as: kind, bytes, name: fileName = null, mimeType = null, caption } = file;
      const stored = world.files.add({ kind, bytes, fileName, mimeType });
      const said = caption === undefined ? {} : { text: caption };
      return speak(where, { media: { kind, file: stored, details: {} }, ...said }, options);
    },
    edit: (where, messageId, text) => edit(world, person, { where, messageId }, text),
    react: (where, messageId, emoji) => react(world, person, { where, messageId }, emoji),
    press: (where, messageId, data) => press(world, person, { where, messageId }, data),
    remove(where, messageId) {
      const { chat, message } = found(world, person, { where, messageId });
      chat.remove(message.id);
    },
    block: (bot) => setBlocked(world, person, botOf(world, bot.id), true),
    unblock: (bot) => setBlocked(world, person, botOf(world, bot.id), false),
  };
}

export function groupHandle(world: World, group: Chat): EmulatedGroup {
  return {
    id: group.id,
    addTopic(name) {
      if (!group.isForum) throw new AppError("SYS_003", "Only a forum has topics.");
      return openTopic(world, group, name);
    },
    join: (member) => join(world, group, actorOf(world, member.id)),
    leave: (member) => leave(world, group, actorOf(world, member.id)),
    migrate: () => groupHandle(world, migrate(world, group)),
  };
}

interface Target {
  readonly where: EmulatedBot | EmulatedGroup;
  readonly messageId: number;
}

function chatWith(world: World, person: Actor, where: EmulatedBot | EmulatedGroup): Chat {
  const group = world.groups.get(where.id);
  if (group === undefined) return directWith(world, person, botOf(world, where.id));
  if (group.migratedTo !== null)
    throw new AppError("SYS_003", `The group ${group.id} has become ${group.migratedTo.id}.`);
  if (!group.members.has(person.id))
    throw new AppError("SYS_003", `${person.firstName} is not in the group ${group.id}.`);
  return group;
}

/** The apps let nobody write to a bot that they blocked before they take it back. */
function directWith(world: World, person: Actor, bot: Bot): Chat {
  if (bot.blockedBy.has(person.id)) throw new AppError("SYS_003", `${person.firstName} has blocked that bot.`);
  return world.direct(bot, person);
}

/** An answer to a message of a topic is in that topic. */
function placed(chat: Chat, { replyTo, threadId }: SayOptions): Pick<Draft, "replyTo" | "threadId"> {
  if (threadId !== undefined && !chat.topics.has(threadId)) {
    throw new AppError("SYS_003", `The chat ${chat.id} has no topic ${threadId}.`);
  }
  const answered = replyTo === undefined ? undefined : chat.message(replyTo);
  return { replyTo: replyTo ?? null, threadId: threadId ?? answered?.threadId ?? null };
}

function found(world: World, person: Actor, { where, messageId }: Target): { chat: Chat; message: Message } {
  const chat = chatWith(world, person, where);
  const message = chat.message(messageId);
  if (message === undefined) throw new AppError("SYS_003", `The chat ${chat.id} shows no message ${messageId}.`);
  return { chat, message };
}

function edit(world: World, person: Actor, target: Target, text: string): void {
  const { chat, message } = found(world, person, target);
  if (message.from.id !== person.id) throw new AppError("SYS_003", "A person edits only what they wrote.");
  message.text = text;
  message.entities = detectEntities(text);
  message.editedMs = world.nowMs();
  message.edits += 1;
  world.tell(chat, chat.kind === "channel" ? "edited_channel_post" : "edited_message", message);
}

/** An empty emoji takes the reaction away. Bots hear of it in direct chats, and in groups where they may read all. */
function react(world: World, person: Actor, target: Target, emoji: string): void {
  const { chat, message } = found(world, person, target);
  const before = message.reactions?.get(person.id) ?? [];
  const after = emoji === "" ? [] : [emoji];
  message.reactions = withReactions(message, person.id, after);
  for (const bot of world.botsOf(chat)) {
    if (chat.kind !== "private" && !bot.canReadAllGroupMessages) continue;
    bot.queue.push("message_reaction", chat.id, {
      message_reaction: {
        chat: chat.object(),
        message_id: message.id,
        user: userObject(person),
        date: Math.floor(world.nowMs() / 1_000),
        old_reaction: before.map(reactionType),
        new_reaction: after.map(reactionType),
      },
    });
  }
}

function reactionType(emoji: string): Readonly<Record<string, unknown>> {
  return { type: "emoji", emoji };
}

function press(world: World, person: Actor, target: Target, data: string): void {
  const { chat, message } = found(world, person, target);
  const rows = (message.replyMarkup?.["inline_keyboard"] ?? []) as readonly (readonly { callback_data?: unknown }[])[];
  if (!rows.flat().some((button) => button.callback_data === data)) {
    throw new AppError("SYS_003", `The message ${message.id} has no button with the data ${data}.`);
  }
  world.press(chat, botOf(world, message.from.id), person, { message, data });
}

function setBlocked(world: World, person: Actor, bot: Bot, isBlocked: boolean): void {
  if (bot.blockedBy.has(person.id) === isBlocked) return;
  if (isBlocked) bot.blockedBy.add(person.id);
  else bot.blockedBy.delete(person.id);
  const [before, after] = isBlocked ? ["member", "kicked"] : ["kicked", "member"];
  tellOfMembership(world, world.direct(bot, person), { bot, by: person, before, after });
}

function openTopic(world: World, group: Chat, name: string): number {
  const opener = [...group.members.values()].find(({ isBot }) => !isBot);
  if (opener === undefined) throw new AppError("SYS_003", "A topic is opened by a person, and the forum has none.");
  const fields = { forum_topic_created: { name, icon_color: 7_322_096 } };
  return world.hear(group, { from: opener, fields, opensTopic: name }).id;
}

function join(world: World, group: Chat, actor: Actor): void {
  group.members.set(actor.id, actor);
  group.formerMembers.delete(actor.id);
  const by = inviter(group, actor);
  const bot = world.bots.get(actor.id);
  if (bot !== undefined) tellOfMembership(world, group, { bot, by, before: "left", after: "member" });
  if (group.kind === "channel") return;
  const user = userObject(actor);
  world.hear(group, {
    from: by,
    fields: { new_chat_participant: user, new_chat_member: user, new_chat_members: [user] },
  });
}

function leave(world: World, group: Chat, actor: Actor): void {
  const by = inviter(group, actor);
  const bot = world.bots.get(actor.id);
  if (bot !== undefined) tellOfMembership(world, group, { bot, by, before: "member", after: "kicked" });
  group.members.delete(actor.id);
  group.formerMembers.add(actor.id);
  if (group.kind === "channel") return;
  const user = userObject(actor);
  world.hear(group, { from: by, fields: { left_chat_participant: user, left_chat_member: user } });
}

/** People come and go by themselves; a bot is brought and removed by somebody. */
function inviter(group: Chat, actor: Actor): Actor {
  if (!actor.isBot) return actor;
  return [...group.members.values()].find(({ isBot }) => !isBot) ?? actor;
}

/** Everybody moves; both chats say so, and the old one is closed. */
function migrate(world: World, group: Chat): Chat {
  if (group.kind !== "group") throw new AppError("SYS_003", "Only a plain group becomes a supergroup.");
  const by = [...group.members.values()].find(({ isBot }) => !isBot) ?? [...group.members.values()][0];
  if (by === undefined) throw new AppError("SYS_003", "An empty group cannot become a supergroup.");
  const supergroup = world.addGroup(group.title, "supergroup");
  for (const [id, member] of group.members) supergroup.members.set(id, member);
  world.hear(group, { from: by, fields: { migrate_to_chat_id: supergroup.id } });
  world.hear(supergroup, { from: by, fields: { migrate_from_chat_id: group.id } });
  group.migratedTo = supergroup;
  return supergroup;
}

interface MembershipChange {
  readonly bot: Bot;
  readonly by: Actor;
  readonly before: string;
  readonly after: string;
}

function tellOfMembership(world: World, chat: Chat, { bot, by, before, after }: MembershipChange): void {
  const user = userObject(bot);
  bot.queue.push("my_chat_member", chat.id, {
    my_chat_member: {
      chat: chat.object(),
      from: userObject(by),
      date: Math.floor(world.nowMs() / 1_000),
      old_chat_member: { user, status: before },
      new_chat_member: { user, status: after, ...(after === "kicked" ? { until_date: 0 } : {}) },
    },
  });
}

function botOf(world: World, id: number): Bot {
  const bot = world.bots.get(id);
  if (bot === undefined) throw new AppError("SYS_003", `The Telegram emulator has no bot and no group ${id}.`);
  return bot;
}

function actorOf(world: World, id: number): Actor {
  return world.people.get(id) ?? botOf(world, id);
}
