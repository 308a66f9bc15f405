/** `sendMediaGroup`: several files as one album, all of them or none. */
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, Refusal } from "../refusal.ts";
import { notJson, objectOf, Params } from "../request/params.ts";
import { formatted } from "../text/formatted.ts";
import type { FormattedText } from "../text/entity.ts";
import type { MediaKind } from "../world/files.ts";
import { messageObject } from "../world/message.ts";
import { detailsOf, fileOf } from "./files.ts";
import type { Call, Done } from "./method.ts";
import { append, placeOf, type Content } from "./posting.ts";
import { settledCaption } from "./texts.ts";

interface Item {
  readonly kind: MediaKind;
  readonly named: string;
  readonly caption: FormattedText;
  readonly about: Params;
}

export function sendMediaGroup(call: Call): Done | Refusal {
  const items = itemsOf(call.params);
  if (items instanceof Refusal) return items;
  const place = placeOf(call);
  if (place instanceof Refusal) return place;
  const contents: Content[] = [];
  for (const item of items) {
    const content = contentOf(call, item);
    if (content instanceof Refusal) return content;
    contents.push(content);
  }
  const refused = call.limits.admit(call.bot, place.chat, contents.length);
  if (refused !== null) return refused;
  const group = { media_group_id: String(13_000_000_000_000_000n + BigInt(call.world.nextAlbum())) };
  const messages = contents.map((content) => append(call, place, { ...content, fields: group }));
  const [first] = messages;
  return {
    result: messages.map((message) => messageObject(message, place.chat, call.bot.id)),
    ...(first === undefined ? {} : { messageId: first.id }),
  };
}

function contentOf(call: Call, { kind, named, caption, about }: Item): Content | Refusal {
  const file = fileOf(call, kind, named);
  if (file instanceof Refusal) return file;
  const settled = settledCaption(caption);
  if (settled instanceof Refusal) return settled;
  return { ...settled, media: { kind, file, details: detailsOf(about) } };
}

function itemsOf(params: Params): readonly Item[] | Refusal {
  const given = params.json("media");
  if (given === undefined) return badRequest('parameter "media" is required');
  if (given === notJson) return badRequest("can't parse media JSON object");
  if (!Array.isArray(given)) return badRequest("expected an Array of InputMedia");
  if (given.length === 0) return badRequest("there are no messages to send");
  if (given.length > botApiLimits.mediaGroup) return badRequest("too many messages to send as an album");
  const items: Item[] = [];
  for (const value of given) {
    const item = itemOf(value);
    if (item instanceof Refusal) return item;
    items.push(item);
  }
  const apart = (["document", "audio"] as const).find(
    (kind) => items.some((item) => item.kind === kind) && items.some((item) => item.kind !== kind),
  );
  return apart === undefined ? items : badRequest(`${apart} can't be mixed with other media types`);
}

function itemOf(value: unknown): Item | Refusal {
  const fields = objectOf(value);
  if (fields === undefined) return badRequest("can't parse InputMedia: expected an Object");
  const about = new Params(fields, new Map());
  const kind = about.text("type");
  if (kind === "") return badRequest(`can't parse InputMedia: Can't find field "type"`);
  if (!isAlbumKind(kind)) return badRequest(`type "${kind}" is unsupported in a media group`);
  const named = about.text("media");
  if (named === "") return badRequest("media not found");
  const caption = formatted(about.text("caption"), about.text("parse_mode"), about.json("caption_entities"));
  return caption instanceof Refusal ? caption : { kind, named, caption, about };
}

function isAlbumKind(kind: string): kind is MediaKind {
  return kind === "photo" || kind === "video" || kind === "document" || kind === "audio";
}
