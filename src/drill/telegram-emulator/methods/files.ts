/** Messages with a file: uploaded with the call, or one that Telegram has already. And how a bot fetches files. */
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, Refusal } from "../refusal.ts";
import type { Params } from "../request/params.ts";
import { captionFields, parseText } from "../text/formatted.ts";
import { fileObject, isFetchable, isFileId, type Media, type MediaKind, type StoredFile } from "../world/files.ts";
import type { Call, Done, Method } from "./method.ts";
import { postOne } from "./posting.ts";
import { settledCaption } from "./texts.ts";

/** `sendPhoto` and its like: the field with the file has the name of the kind. */
export function sendFile(kind: MediaKind): Method {
  return (call) => {
    const caption = captionless.has(kind) ? { text: "", entities: [] } : parseText(call.params, captionFields);
    if (caption instanceof Refusal) return caption;
    const named = call.params.text(kind);
    if (named === "" && call.params.file(kind) === undefined)
      return badRequest(`there is no ${kindWords[kind]} in the request`);
    return postOne(call, () => {
      const file = fileOf(call, kind, named === "" ? `attach://${kind}` : named);
      if (file instanceof Refusal) return file;
      const settled = settledCaption(caption);
      if (settled instanceof Refusal) return settled;
      return { ...settled, media: { kind, file, details: detailsOf(call.params) } };
    });
  };
}

export function getFile({ world, bot, params }: Call): Done | Refusal {
  const fileId = params.text("file_id").trim();
  if (fileId === "") return badRequest("file_id not specified");
  if (!isFileId(fileId)) return badRequest("invalid file_id");
  const file = world.files.byId(fileId, bot.id);
  if (file === undefined) return badRequest("wrong file_id or the file is temporarily unavailable");
  return isFetchable(file) ? { result: fileObject(file, bot.id) } : badRequest("file is too big");
}

/** One medium of an album or of a call of its own. `named` is a file's id, or `attach://` and the name of a part. */
export function fileOf(call: Call, kind: MediaKind, named: string): StoredFile | Refusal {
  if (named.startsWith("attach://")) return uploaded(call, kind, named.slice("attach://".length));
  // The real server would go and fetch it; this one never leaves the machine.
  if (/^https?:\/\//i.test(named)) return badRequest("failed to get HTTP URL content");
  const file = isFileId(named) ? call.world.files.byId(named, call.bot.id) : undefined;
  if (file === undefined) return badRequest("wrong remote file identifier specified: Wrong string length");
  const [one, other] = [typeWords[file.kind], typeWords[kind]];
  return (file.kind === "photo") === (kind === "photo")
    ? file
    : badRequest(`can't use file of type ${one} as ${other}`);
}

export function detailsOf(params: Pick<Params, "integer" | "text" | "flag">): Media["details"] {
  const numbers = ["duration", "width", "height", "length"].flatMap((name) =>
    params.text(name) === "" ? [] : [[name, params.integer(name)]],
  );
  const texts = ["performer", "title"].flatMap((name) => (params.text(name) === "" ? [] : [[name, params.text(name)]]));
  return Object.fromEntries([...numbers, ...texts]) as Media["details"];
}

function uploaded(call: Call, kind: MediaKind, part: string): StoredFile | Refusal {
  const file = call.params.file(part);
  if (file === undefined) return badRequest("wrong file identifier/HTTP URL specified");
  const { bytes, fileName, mimeType } = file;
  if (bytes.byteLength === 0) return badRequest("file must be non-empty");
  if (bytes.byteLength > botApiLimits.uploadBytes) return new Refusal(413, "Request Entity Too Large");
  if (kind === "photo" && bytes.byteLength > botApiLimits.photoBytes) {
    return badRequest(
      `file of size ${bytes.byteLength} bytes is too big for a photo; the maximum size is ${botApiLimits.photoBytes} bytes`,
    );
  }
  return call.world.files.add({ kind, bytes, fileName: fileName === "" ? null : fileName, mimeType });
}

const captionless: ReadonlySet<MediaKind> = new Set(["sticker", "video_note"]);

const kindWords: Readonly<Record<MediaKind, string>> = {
  photo: "photo",
  document: "document",
  voice: "voice",
  audio: "audio",
  video: "video",
  video_note: "video note",
  sticker: "sticker",
  animation: "animation",
};

const typeWords: Readonly<Record<MediaKind, string>> = {
  photo: "Photo",
  document: "Document",
  voice: "VoiceNote",
  audio: "Audio",
  video: "Video",
  video_note: "VideoNote",
  sticker: "Sticker",
  animation: "Animation",
};
