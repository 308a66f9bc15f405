/** Files, both ways: what a person uploads can be fetched, what a bot uploads is seen, and what is too big is not. */
import { describe, expect, it } from "vitest";
import { botApiLimits } from "../bot-api-limits.ts";
import { emulators, refusal, type Stage } from "../emulator.fixture.ts";

const { stage } = emulators();
const bad = (why: string): Record<string, unknown> => refusal(400, `Bad Request: ${why}`);
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A call with files, as a client sends it. */
function form(fields: Readonly<Record<string, string | number | File>>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields))
    data.append(name, typeof value === "number" ? String(value) : value);
  return data;
}

async function fetched({ telegram, bot, call }: Stage, fileId: string): Promise<Uint8Array> {
  const { result } = (await call("getFile", { file_id: fileId })).body;
  const response = await fetch(`${telegram.url}/file/bot${bot.token}/${result.file_path}`);
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

describe("a file of a person", () => {
  it("is named in the update and can be fetched", async () => {
    const set = await stage();
    set.ann.upload(set.bot, {
      as: "document",
      bytes: bytesOf("notes"),
      name: "notes.txt",
      mimeType: "text/plain",
      caption: "see #1",
    });
    const { message } = (await set.call("getUpdates")).body.result[0];
    expect(message).toMatchObject({
      caption: "see #1",
      document: { file_name: "notes.txt", mime_type: "text/plain", file_size: 5, file_id: expect.any(String) },
    });
    expect(message).not.toHaveProperty("text");
    expect(await fetched(set, message.document.file_id)).toEqual(bytesOf("notes"));
  });

  it("as a photo has several sizes, the whole one last", async () => {
    const set = await stage();
    const bytes = bytesOf("x".repeat(2_048));
    set.ann.upload(set.bot, { as: "photo", bytes, caption: "@helper_bot look" });
    const { photo, caption_entities } = (await set.call("getUpdates")).body.result[0].message;
    expect(caption_entities).toEqual([{ type: "mention", offset: 0, length: 11 }]);
    expect(photo.map(({ file_size }: { file_size: number }) => file_size)).toEqual([128, 2_048]);
    expect(await fetched(set, photo[1].file_id)).toEqual(bytes);
    expect(await fetched(set, photo[0].file_id)).toHaveLength(128);
  });

  it("has another id for every bot, and is nobody's under a made up one", async () => {
    const set = await stage();
    const other = set.telegram.addBot({ username: "other_bot" });
    set.ann.upload(set.bot, { as: "voice", bytes: bytesOf("la"), mimeType: "audio/ogg" });
    set.ann.upload(other, { as: "voice", bytes: bytesOf("la"), mimeType: "audio/ogg" });
    const { voice } = (await set.call("getUpdates")).body.result[0].message;
    expect(voice).toMatchObject({ duration: 1, mime_type: "audio/ogg", file_size: 2 });
    const foreign = await fetch(`${set.telegram.url}/bot${other.token}/getFile?file_id=${voice.file_id}`);
    expect(await foreign.json()).toEqual(bad("wrong file_id or the file is temporarily unavailable"));
    expect((await set.call("getFile", { file_id: "made up" })).body).toEqual(bad("invalid file_id"));
    expect((await set.call("getFile")).body).toEqual(bad("file_id not specified"));
    const path = await fetch(`${set.telegram.url}/file/bot${set.bot.token}/voices/file_99.ogg`);
    expect(path.status).toBe(404);
  });

  it("above 20 MiB can be seen, but not fetched", async () => {
    const set = await stage();
    for (const sizeBytes of [botApiLimits.downloadBytes, botApiLimits.downloadBytes + 1]) {
      set.ann.upload(set.bot, { as: "video", bytes: new Uint8Array(sizeBytes) });
    }
    const [most, more] = (await set.call("getUpdates")).body.result;
    expect((await set.call("getFile", { file_id: most.message.video.file_id })).status).toBe(200);
    expect((await set.call("getFile", { file_id: more.message.video.file_id })).body).toEqual(bad("file is too big"));
  });
});

describe("a file of a bot", () => {
  it("is uploaded under its field's name or by attach://, and sent again by its id", async () => {
    const { telegram, ann, call } = await stage();
    const file = new File([bytesOf("data")], "data.bin", { type: "application/x-data" });
    const sent = await call(
      "sendDocument",
      form({ chat_id: ann.id, document: file, caption: "<i>here</i>", parse_mode: "HTML" }),
    );
    expect(sent.body.result).toMatchObject({
      caption: "here",
      caption_entities: [{ type: "italic", offset: 0, length: 4 }],
      document: { file_name: "data.bin", mime_type: "application/x-data", file_size: 4 },
    });
    await call("sendDocument", form({ chat_id: ann.id, document: "attach://part", part: file }));
    const fileId = sent.body.result.document.file_id;
    await call("sendDocument", { chat_id: ann.id, document: fileId });
    expect(
      telegram
        .visible(ann.id)
        .slice(1)
        .map(({ text, media }) => [text, media]),
    ).toEqual([
      ["here", { kind: "document", fileName: "data.bin", sizeBytes: 4 }],
      ["", { kind: "document", fileName: "data.bin", sizeBytes: 4 }],
      ["", { kind: "document", fileName: "data.bin", sizeBytes: 4 }],
    ]);
    expect(telegram.calls.at(-3)?.params).toMatchObject({
      document: { file_name: "data.bin", mime_type: "application/x-data", size: 4 },
    });
  });

  it.each(["photo", "document", "voice", "audio", "video", "animation", "sticker"])("may be a %s", async (kind) => {
    const { telegram, ann, call } = await stage();
    const method = `send${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
    const { body } = await call(method, form({ chat_id: ann.id, [kind]: new File([bytesOf("x")], "x"), duration: 9 }));
    expect(body.result).toHaveProperty(kind);
    expect(telegram.visible(ann.id).at(-1)?.media?.kind).toBe(kind);
    expect((await call(method, { chat_id: ann.id })).body).toEqual(bad(`there is no ${kind} in the request`));
  });

  it("is refused where it is empty, unknown, elsewhere, of the wrong kind or too big", async () => {
    const { telegram, bot, ann, call } = await stage();
    const send = async (fields: Readonly<Record<string, string | number | File>>): Promise<unknown> =>
      (await call("sendPhoto", form({ chat_id: ann.id, ...fields }))).body;
    expect(await send({ photo: new File([], "x.jpg") })).toEqual(bad("file must be non-empty"));
    expect(await send({ photo: "attach://nothing" })).toEqual(bad("wrong file identifier/HTTP URL specified"));
    expect(await send({ photo: "no-id" })).toEqual(bad("wrong remote file identifier specified: Wrong string length"));
    expect(await send({ photo: "https://example.com/x.jpg" })).toEqual(bad("failed to get HTTP URL content"));
    const big = new File([new Uint8Array(botApiLimits.photoBytes + 1)], "x.jpg");
    expect(await send({ photo: big })).toEqual(
      bad("file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes"),
    );
    ann.upload(bot, { as: "document", bytes: bytesOf("x") });
    const fileId = (await call("getUpdates")).body.result[0].message.document.file_id;
    expect(await send({ photo: fileId })).toEqual(bad("can't use file of type Document as Photo"));
    expect(telegram.visible(ann.id)).toHaveLength(2);
  });

  it("has a caption of at most 1024 characters, which can be edited", async () => {
    const { telegram, ann, call } = await stage();
    const send = (caption: string): ReturnType<typeof call> =>
      call("sendPhoto", form({ chat_id: ann.id, photo: new File([bytesOf("x")], "x.jpg"), caption }));
    expect((await send("x".repeat(1_025))).body).toEqual(bad("message caption is too long"));
    const { result } = (await send("x".repeat(1_024))).body;
    const edit = { chat_id: ann.id, message_id: result.message_id };
    expect((await call("editMessageText", { ...edit, text: "x" })).body).toEqual(
      bad("there is no text in the message to edit"),
    );
    expect((await call("editMessageCaption", { ...edit, caption: "short" })).status).toBe(200);
    expect(telegram.visible(ann.id).at(-1)).toMatchObject({ text: "short", edits: 1 });
  });

  it("of more than 50 MiB is refused with 413, and so is a request that holds more", async () => {
    const { telegram, bot, ann } = await stage();
    const post = async (sizeBytes: number): Promise<unknown> => {
      // Put together by hand: a client's own form takes seconds for so many bytes.
      const part = (name: string): string => `--x\r\ncontent-disposition: form-data; name="${name}"`;
      const head = `${part("chat_id")}\r\n\r\n${ann.id}\r\n${part("document")}; filename="x.bin"\r\n\r\n`;
      const response = await fetch(`${telegram.url}/bot${bot.token}/sendDocument`, {
        method: "POST",
        headers: { "content-type": "multipart/form-data; boundary=x" },
        body: Buffer.concat([Buffer.from(head), Buffer.alloc(sizeBytes), Buffer.from("\r\n--x--\r\n")]),
      });
      return response.json();
    };
    expect(await post(botApiLimits.uploadBytes)).toMatchObject({ ok: true });
    const tooLarge = refusal(413, "Request Entity Too Large");
    expect(await post(botApiLimits.uploadBytes + 1)).toEqual(tooLarge);
    expect(await post(botApiLimits.requestBytes)).toEqual(tooLarge);
    expect(telegram.visible(ann.id)).toHaveLength(2);
  });
});

describe("an album", () => {
  it("is several messages at once, each with its file", async () => {
    const { telegram, ann, call } = await stage();
    const media = JSON.stringify([
      { type: "photo", media: "attach://a", caption: "*one*", parse_mode: "MarkdownV2" },
      { type: "video", media: "attach://b" },
    ]);
    const file = (name: string): File => new File([bytesOf(name)], name);
    const { body } = await call("sendMediaGroup", form({ chat_id: ann.id, media, a: file("a.jpg"), b: file("b.mp4") }));
    expect(body.result).toMatchObject([
      { caption: "one", caption_entities: [{ type: "bold" }], photo: [{ file_size: 5 }] },
      { video: { file_name: "b.mp4" }, media_group_id: body.result[0].media_group_id },
    ]);
    expect(telegram.visible(ann.id).map(({ media: medium }) => medium?.kind)).toEqual([undefined, "photo", "video"]);
  });

  it("is made whole or not at all, and counts as many messages", async () => {
    const { telegram, ann, call } = await stage({ perChatPerSecond: 3 });
    const file = new File([bytesOf("x")], "x");
    const send = async (media: unknown): Promise<unknown> =>
      (await call("sendMediaGroup", form({ chat_id: ann.id, media: JSON.stringify(media), a: file }))).body;
    const photo = { type: "photo", media: "attach://a" };
    expect(await send([photo, { type: "photo", media: "attach://b" }])).toEqual(
      bad("wrong file identifier/HTTP URL specified"),
    );
    expect(await send([photo, { type: "document", media: "attach://a" }])).toEqual(
      bad("document can't be mixed with other media types"),
    );
    expect(await send([{ media: "attach://a" }])).toEqual(bad(`can't parse InputMedia: Can't find field "type"`));
    expect(await send([{ type: "photo" }])).toEqual(bad("media not found"));
    expect(await send([])).toEqual(bad("there are no messages to send"));
    expect(await send(Array.from({ length: 11 }, () => photo))).toEqual(bad("too many messages to send as an album"));
    expect(telegram.visible(ann.id)).toHaveLength(1);
    expect(await send([photo, photo])).toMatchObject({ ok: true });
    expect(await send([photo, photo])).toMatchObject({ error_code: 429 });
    expect(telegram.visible(ann.id)).toHaveLength(3);
  });
});
