/** Every way to send parameters means the same, and nothing that is sent breaks the server. */
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { emulators, refusal, type Stage } from "../emulator.fixture.ts";

const { stage } = emulators();

async function raw({ telegram, bot }: Stage, path: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(`${telegram.url}/bot${bot.token}/${path}`, init);
  return response.json();
}

const post = (type: string, body: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": type },
  body,
});

describe("parameters", () => {
  it("may stand in the query, in a form, in a multipart form or in JSON, numbers as text or not", async () => {
    const set = await stage();
    const { ann, hello } = set;
    const fields = {
      chat_id: String(ann.id),
      text: "é & <x>",
      reply_parameters: JSON.stringify({ message_id: hello }),
    };
    const multipart = new FormData();
    for (const [name, value] of Object.entries(fields)) multipart.append(name, value);
    const answers = [
      await raw(set, `sendMessage?${new URLSearchParams(fields).toString()}`),
      await raw(set, "sendMessage", { method: "POST", body: new URLSearchParams(fields) }),
      await raw(set, "sendMessage", { method: "POST", body: multipart }),
      await raw(set, "sendMessage", post("application/json", JSON.stringify(fields))),
      await raw(
        set,
        `sendMessage?text=${encodeURIComponent(fields.text)}`,
        post(
          "application/json; charset=utf-8",
          JSON.stringify({
            chat_id: ann.id,
            text: "overruled",
            reply_parameters: { message_id: hello },
            parse_mode: null,
          }),
        ),
      ),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({ ok: true, result: { text: "é & <x>", reply_to_message: { message_id: hello } } });
    }
  });

  it.each([
    ["JSON that ends early", post("application/json", '{"chat_id": 1'), "expected next field or object end"],
    ["JSON that is no object", post("application/json", "[1]"), "JSON object expected"],
    [
      "a multipart body without its boundary",
      post("multipart/form-data; boundary=x", "--y\r\n\r\n--y--"),
      "boundary not found",
    ],
    ["multipart without a boundary", post("multipart/form-data", "x"), "boundary not found"],
    [
      "a part without a name",
      post("multipart/form-data; boundary=x", "--x\r\ncontent-type: text/plain\r\n\r\nv\r\n--x--"),
      "field name in multipart/form-data not found",
    ],
    [
      "a part without headers",
      post("multipart/form-data; boundary=x", "--x\r\nv\r\n--x--"),
      "can't parse form data headers",
    ],
    ["a type that it does not know", post("text/plain", "text=x"), "message text is empty"],
    ["nothing", { method: "POST" }, "message text is empty"],
  ])("%s are refused, and the next call is served", async (_, init, why) => {
    const set = await stage();
    expect(await raw(set, "sendMessage", init)).toEqual(refusal(400, `Bad Request: ${why}`));
    expect(await raw(set, "getMe")).toMatchObject({ ok: true });
  });

  it("of any kind and size do not break it", async () => {
    const set = await stage();
    const values = [
      null,
      true,
      -1,
      1e300,
      "",
      "[]",
      "{}",
      "null",
      "\u0000",
      [],
      [[]],
      {},
      { type: {} },
      "x".repeat(5_000),
    ];
    const names =
      "chat_id text entities reply_parameters reply_markup message_id message_thread_id media photo action reaction commands scope offset limit allowed_updates url file_id parse_mode caption_entities user_id".split(
        " ",
      );
    const methods =
      "sendMessage editMessageText editMessageCaption deleteMessage sendPhoto sendMediaGroup sendChatAction setMessageReaction answerCallbackQuery getFile getChat getChatMember setMyCommands getMyCommands getUpdates setWebhook deleteWebhook forwardMessage sendLocation sendContact".split(
        " ",
      );
    for (const [index, value] of values.entries()) {
      for (const method of methods) {
        const params = Object.fromEntries(names.map((name, at) => [name, at % 3 === index % 3 ? set.ann.id : value]));
        const { status } = await set.call(method, { ...params, chat_id: set.ann.id, timeout: 0 });
        expect([200, 400, 409]).toContain(status);
      }
    }
  });

  it("of a client that breaks off are forgotten", async () => {
    const set = await stage();
    const { port } = new URL(set.telegram.url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write(
          `POST /bot${set.bot.token}/sendMessage HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\ncontent-type: application/json\r\n\r\n{"chat`,
          () => socket.destroy(),
        );
      });
      socket.on("close", () => resolve());
    });
    expect((await set.call("getMe")).status).toBe(200);
    expect(set.telegram.visible(set.ann.id)).toHaveLength(1);
  });
});
