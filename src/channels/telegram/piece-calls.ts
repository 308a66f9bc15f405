/**
 * Which calls one piece becomes: mostly one, more where it has files. Each knows what is sent instead where Telegram
 * refuses it as it is. Pure, and the same for the same piece, so that a retry can go on in the middle.
 */
import { AppError } from "../../domain/app-error.ts";
import type { OutboundPiece } from "../contract.ts";
import type { ApiFile, ApiParams } from "./api.ts";
import { generalTopic, messageNumber, type ChatTarget } from "./chat-target.ts";
import { entitiesOf } from "./entities.ts";
import { manifest, type TelegramConfig } from "./manifest.ts";
import { attachmentLine, fileCall, plainFileCall, type FileCall } from "./media.ts";
import type { ShownText } from "./sent-messages.ts";

/** One message of the platform. */
export interface OutboundCall {
  readonly method: string;
  readonly params: ApiParams;
  readonly file?: ApiFile;
  readonly shown: ShownText | null;
  /** Sent where Telegram refuses the request itself. */
  readonly otherwise: OutboundCall | null;
}

/** What Telegram takes as the text of a file, in UTF-16 units. */
const maxCaption = 1_024;

type SendConfig = Pick<TelegramConfig, "linkPreview" | "replyToMode">;

/** Or why it cannot be sent. */
export function callsFor(
  piece: OutboundPiece,
  target: ChatTarget,
  config: SendConfig,
): readonly OutboundCall[] | AppError {
  const files: FileCall[] = [];
  const lines: string[] = [];
  for (const attachment of piece.attachments) {
    const file = fileCall(attachment, manifest.attachmentBytes ?? 0);
    if (file === null) lines.push(attachmentLine(attachment));
    else files.push(file);
  }
  const [first, ...more] = textsOf(piece, lines);
  if (first.text.length > manifest.text.max) return tooLong(first.text.length);
  const frame = { ...frameOf(target), ...previewOf(config) };
  const [file] = files;
  const isOne = files.length === 1 && more.length === 0 && first.text.length <= maxCaption;
  const calls =
    isOne && file?.captioned === true
      ? [fileMessage(file, frame, first)]
      : [
          ...[first, ...more].filter(({ text }) => text.trim() !== "").map((shown) => textMessage(frame, shown)),
          ...files.map((other) => fileMessage(other, frame, { text: "", entities: [] })),
        ];
  if (calls.length === 0) return new AppError("MSG_002", "There is nothing to send.", { retry: "never" });
  const replyTo = replyToOf(piece, config);
  return calls
    .map((call, index) => (index === calls.length - 1 ? withButtons(call, piece) : call))
    .map((call, index) => (index === 0 && replyTo !== null ? answering(call, replyTo) : call));
}

/** Under the last message of the piece, side by side, also where it has to be sent plainer. */
function withButtons(call: OutboundCall, { buttons = [] }: OutboundPiece): OutboundCall {
  if (buttons.length === 0) return call;
  const keyboard = buttons.map(({ label, says }) => ({ text: label, callback_data: says }));
  return withParams(call, { reply_markup: { inline_keyboard: [keyboard] } });
}

function withParams(call: OutboundCall, more: ApiParams): OutboundCall {
  const otherwise = call.otherwise === null ? null : withParams(call.otherwise, more);
  return { ...call, params: { ...call.params, ...more }, otherwise };
}

export function tooLong(length: number): AppError {
  const { max } = manifest.text;
  return new AppError("MSG_003", `Telegram takes ${max} characters in a message, not ${length}.`);
}

/** What is said in words. Files that are named stand below the text where there is room, and else in messages of their own. */
function textsOf(piece: OutboundPiece, lines: readonly string[]): readonly [ShownText, ...ShownText[]] {
  const label = piece.label ?? "";
  const words = `${label}${piece.text}`;
  const entities = entitiesOf(piece.format, label.length);
  const whole = [words, ...lines].filter((line) => line !== "").join("\n");
  if (whole.length <= manifest.text.max || lines.length === 0) return [{ text: whole, entities }];
  return [{ text: words, entities }, ...packed(lines).map((text) => ({ text, entities: [] }))];
}

function packed(lines: readonly string[]): readonly string[] {
  const { max } = manifest.text;
  const texts: string[] = [];
  for (const long of lines) {
    const line = long.slice(0, max).toWellFormed();
    const last = texts.at(-1);
    if (last === undefined || last.length + 1 + line.length > max) texts.push(line);
    else texts[texts.length - 1] = `${last}\n${line}`;
  }
  return texts;
}

function textMessage(frame: ApiParams, { text, entities }: ShownText): OutboundCall {
  const plain: OutboundCall = {
    method: "sendMessage",
    params: { ...frame, text },
    shown: { text, entities: [] },
    otherwise: null,
  };
  if (entities.length === 0) return plain;
  return { ...plain, params: { ...plain.params, entities }, shown: { text, entities }, otherwise: plain };
}

/** As it is; then as a plain file without marks; then named in a text. */
function fileMessage(file: FileCall, frame: ApiParams, { text, entities }: ShownText): OutboundCall {
  const message = (sent: FileCall, marks: readonly unknown[], otherwise: OutboundCall): OutboundCall => ({
    method: sent.method,
    params: {
      ...frame,
      ...(text === "" ? {} : { caption: text, ...(marks.length === 0 ? {} : { caption_entities: marks }) }),
    },
    file: sent.file,
    shown: null,
    otherwise,
  });
  const lines = [text, file.line].filter((line) => line !== "");
  const named = textMessage(frame, { text: lines.join("\n"), entities: [] });
  const plain = plainFileCall(file);
  const isPlain = plain.method === file.method && entities.length === 0;
  return message(file, entities, isPlain ? named : message(plain, [], named));
}

function frameOf({ chatId, threadId }: ChatTarget): ApiParams {
  // A forum's first topic is where a message goes that names none; its number is refused.
  return {
    chat_id: chatId,
    ...(threadId === null || threadId === generalTopic ? {} : { message_thread_id: threadId }),
  };
}

export function previewOf({ linkPreview }: Pick<SendConfig, "linkPreview">): ApiParams {
  return linkPreview ? {} : { link_preview_options: { is_disabled: true } };
}

function replyToOf({ id, replyToId }: OutboundPiece, { replyToMode }: SendConfig): number | null {
  if (replyToId === null || replyToMode === "off") return null;
  // Ids are `<part>.<index of the piece>`.
  if (replyToMode === "first" && !id.endsWith(".0")) return null;
  return messageNumber(replyToId);
}

/** Also its substitutes answer. A message that is gone is answered all the same. */
function answering(call: OutboundCall, messageId: number): OutboundCall {
  return withParams(call, { reply_parameters: { message_id: messageId, allow_sending_without_reply: true } });
}
