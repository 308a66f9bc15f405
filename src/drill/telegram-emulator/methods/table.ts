/** Every method that the emulator knows, by the name that the documentation gives it. */
import { deleteMessage } from "./deletion.ts";
import { getMe } from "./identity.ts";
import type { Method } from "./method.ts";
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
