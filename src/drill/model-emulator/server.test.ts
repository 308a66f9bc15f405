import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "./server.ts";

/** How each protocol asks "hello there"; the providers' own suite speaks to every one of them at length. */
const asks = [
  [
    "/v1/chat/completions",
    { model: "m", stream: true, messages: [{ role: "user", content: "hello there" }] },
    "data: [DONE]",
  ],
  [
    "/v1/responses",
    { model: "m", stream: true, input: [{ role: "user", content: [{ type: "input_text", text: "hello there" }] }] },
    "response.completed",
  ],
  [
    "/v1/messages",
    { model: "m", stream: true, messages: [{ role: "user", content: [{ type: "text", text: "hello there" }] }] },
    "message_stop",
  ],
  [
    "/v1beta/models/m:streamGenerateContent?alt=sse",
    { contents: [{ role: "user", parts: [{ text: "hello there" }] }] },
    '"finishReason":"STOP"',
  ],
  ["/api/chat", { model: "m", stream: true, messages: [{ role: "user", content: "hello there" }] }, '"done":true'],
  [
    "/model/m/converse-stream",
    { messages: [{ role: "user", content: [{ text: "hello there" }] }] },
    '{"stopReason":"end_turn"}',
  ],
] as const;

describe("the model emulator", () => {
  let emulator: ModelEmulator;
  beforeEach(async () => {
    emulator = await startModelEmulator();
  });
  afterEach(() => emulator.close());

  function ask(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(emulator.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  it.each(asks)("answers %s with what it was told, the same each time, and to the end", async (path, body, endMark) => {
    const [once, again] = [await (await ask(path, body)).text(), await (await ask(path, body)).text()];
    for (const piece of ["You ", "said: ", "hello ", "there"]) expect(once).toContain(JSON.stringify(piece));
    expect(once).toContain(endMark);
    expect(again.length).toBe(once.length);
    expect(emulator.requests.map(({ model, lastText, lastRole }) => [model, lastText, lastRole])).toEqual([
      ["m", "hello there", "user"],
      ["m", "hello there", "user"],
    ]);
  });

  it("plays a list in order and goes on with its last, then whatever is played next", async () => {
    const [path, body] = asks[0];
    const said = async (): Promise<string> => (await ask(path, body)).text();
    emulator.play([{ text: "first" }, { text: "second" }]);
    expect([await said(), await said(), await said()].map((text) => /first|second/.exec(text)?.[0])).toEqual([
      "first",
      "second",
      "second",
    ]);
    emulator.play((request) => ({ text: request.lastText.toUpperCase() }));
    expect(await said()).toContain("HELLO ");
  });

  it("a script that throws answers 500 instead of nothing", async () => {
    emulator.play(() => expect.fail("a bug in the script"));
    const response = await ask(asks[0][0], asks[0][1]);
    expect(response.status).toBe(500);
    expect(await response.text()).toContain("a bug in the script");
  });

  it("refuses a wrong key where it has one, and counts the request", async () => {
    const locked = await startModelEmulator({ apiKey: "right" });
    const [path, body] = asks[0];
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(locked.url + path, { method: "POST", headers, body: JSON.stringify(body) })).status;
    expect(await status({ authorization: "Bearer wrong" })).toBe(401);
    expect(await status({ authorization: "Bearer right" })).toBe(200);
    expect(await status({ "x-api-key": "right" })).toBe(200);
    expect(locked.count()).toBe(3);
    await locked.close();
  });

  it("remembers the newest requests and counts them all; a request can be waited for", async () => {
    const short = await startModelEmulator({ remember: 2 });
    const third = short.arrived(3);
    for (const content of ["one", "two", "three"]) {
      await (
        await fetch(`${short.url}/api/chat`, {
          method: "POST",
          body: JSON.stringify({ messages: [{ role: "user", content }] }),
        })
      ).text();
    }
    expect((await third).lastText).toBe("three");
    expect(short.requests.map(({ lastText }) => lastText)).toEqual(["two", "three"]);
    expect(short.count()).toBe(3);
    await short.close();
  });

  it("says what models it has, and that it does not know a path", async () => {
    expect(await (await fetch(`${emulator.url}/v1/models`)).json()).toMatchObject({ data: [{ id: "emulated" }] });
    expect(await (await fetch(`${emulator.url}/api/tags`)).json()).toMatchObject({ models: [{ name: "emulated" }] });
    expect((await fetch(`${emulator.url}/elsewhere`)).status).toBe(404);
  });

  it("a port that is taken is an error, and closing twice is none", async () => {
    await expect(startModelEmulator({ port: emulator.port })).rejects.toMatchObject({ code: "CONN_001" });
    await emulator.close();
    await emulator.close();
  });
});
