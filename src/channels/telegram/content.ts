/**
 * What a message of Telegram carries → contents. Files are named by their id, and fetched by nobody here. What has no
 * type of its own (a poll, a die) is said as text. Pure.
 */
import type { Attachment, Content } from "../../domain/message.ts";
import type { AnsweredMessage, TelegramFile, TelegramMessage } from "./wire.ts";

type Carrier = TelegramMessage | AnsweredMessage;

/** Empty where the message says nothing of its own, such as that somebody pinned another one. `text` goes for text or caption. */
export function contentsOf(message: Carrier, text: string): readonly Content[] {
  const [file] = filesOf(message);
  if (file !== undefined) return [fileContent(file, message, text)];
  if (message.text !== undefined) return [{ type: "text", text }];
  return otherContents(message);
}

/** One line that says what a message is about, for whoever answers it. */
export function gistOf(message: Carrier): string {
  const words = message.text ?? message.caption;
  if (words !== undefined && words !== "") return words;
  const [content] = contentsOf(message, "");
  return content === undefined ? "" : (content.text ?? `[${content.type}]`);
}

interface FoundFile {
  readonly type: Attachment["type"];
  readonly file: TelegramFile;
  /** What Telegram does not say of this kind, because it is always so. */
  readonly mimeType?: string;
}

function filesOf(message: Carrier): readonly FoundFile[] {
  const found: FoundFile[] = [];
  // The largest of the sizes; an animation comes with a document beside it, which is the same file.
  const photo = message.photo?.toSorted((left, right) => right.width * right.height - left.width * left.height)[0];
  if (photo !== undefined) found.push({ type: "image", file: photo, mimeType: "image/jpeg" });
  if (message.sticker !== undefined) found.push({ type: "sticker", file: message.sticker });
  if (message.voice !== undefined) found.push({ type: "voice", file: message.voice, mimeType: "audio/ogg" });
  if (message.audio !== undefined) found.push({ type: "audio", file: message.audio });
  for (const file of [message.video, message.video_note, message.animation]) {
    if (file !== undefined) found.push({ type: "video", file, mimeType: "video/mp4" });
  }
  if (message.document !== undefined) found.push({ type: "document", file: message.document });
  return found;
}

function fileContent({ type, file, mimeType }: FoundFile, message: Carrier, text: string): Content {
  const mime = file.mime_type ?? mimeType;
  const attachment: Attachment = {
    type,
    mediaId: file.file_id,
    ...(mime === undefined ? {} : { mimeType: mime }),
    ...(file.file_name === undefined ? {} : { fileName: file.file_name }),
    ...(file.file_size === undefined ? {} : { sizeBytes: Math.trunc(file.file_size) }),
    ...(file.duration === undefined ? {} : { durationMs: file.duration * 1_000 }),
  };
  const words = type === "sticker" ? (message.sticker?.emoji ?? "") : text;
  return { type, ...(words === "" ? {} : { caption: words }), attachments: [attachment] };
}

function otherContents({ venue, location, contact, poll, dice }: Carrier): readonly Content[] {
  if (venue !== undefined) {
    const title = [venue.title, venue.address].filter((part) => part !== undefined && part !== "").join(", ");
    return [place(venue.location, title)];
  }
  if (location !== undefined) return [place(location, "")];
  if (contact !== undefined) {
    const name = [contact.first_name, contact.last_name].filter((part) => part !== undefined).join(" ");
    const details = {
      name,
      phone: contact.phone_number,
      ...(contact.user_id === undefined ? {} : { id: String(contact.user_id) }),
    };
    return [{ type: "contact", text: `Contact: ${name}, ${contact.phone_number}`, contact: details }];
  }
  if (poll !== undefined) {
    const lines = poll.options.map((option, index) => `${index + 1}. ${option.text}`);
    return [{ type: "text", text: [`Poll: ${poll.question}`, ...lines].join("\n") }];
  }
  return dice === undefined ? [] : [{ type: "text", text: `${dice.emoji} ${dice.value}` }];
}

function place({ latitude, longitude }: { latitude: number; longitude: number }, title: string): Content {
  return {
    type: "location",
    text: `Location: ${title === "" ? "" : `${title}, `}${latitude}, ${longitude}`,
    location: { latitude, longitude, ...(title === "" ? {} : { title }) },
  };
}
