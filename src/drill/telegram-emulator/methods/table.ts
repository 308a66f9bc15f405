/** Every method that the emulator knows, by the name that the documentation gives it. */
import { sendMediaGroup } from "./album.ts";
import { getChat, getChatMember, getChatMemberCount } from "./chats.ts";
import { deleteMessage } from "./deletion.ts";
import { getFile, sendFile } from "./files.ts";
import { copyMessage, forwardMessage } from "./forwarding.ts";
import { answerCallbackQuery, sendChatAction, setMessageReaction } from "./gestures.ts";
import { deleteMyCommands, getMe, getMyCommands, setMyCommands } from "./identity.ts";
import type { Method } from "./method.ts";
import { sendContact, sendLocation } from "./places-and-contacts.ts";
import { editMessageCaption, editMessageReplyMarkup, editMessageText, sendMessage } from "./texts.ts";
import { deleteWebhook, getUpdates, getWebhookInfo, setWebhook } from "./updates.ts";

const methods: Readonly<Record<string, Method>> = {
  getMe,
  getUpdates,
  setWebhook,
  deleteWebhook,
  getWebhookInfo,
  sendMessage,
  editMessageText,
  editMessageCaption,
  editMessageReplyMarkup,
  deleteMessage,
  forwardMessage,
  copyMessage,
  setMessageReaction,
  sendPhoto: sendFile("photo"),
  sendDocument: sendFile("document"),
  sendVoice: sendFile("voice"),
  sendAudio: sendFile("audio"),
  sendVideo: sendFile("video"),
  sendVideoNote: sendFile("video_note"),
  sendSticker: sendFile("sticker"),
  sendAnimation: sendFile("animation"),
  sendMediaGroup,
  sendLocation,
  sendContact,
  sendChatAction,
  answerCallbackQuery,
  getFile,
  getChat,
  getChatMember,
  getChatMemberCount,
  setMyCommands,
  getMyCommands,
  deleteMyCommands,
};

export interface NamedMethod {
  readonly name: string;
  readonly run: Method;
}

const byLowerName: ReadonlyMap<string, NamedMethod> = new Map(
  Object.entries(methods).map(([name, run]) => [name.toLowerCase(), { name, run }]),
);

/** Names are understood in any case, as the real server does. */
export function methodNamed(name: string): NamedMethod | undefined {
  return byLowerName.get(name.toLowerCase());
}
