/** Text spoken by a service that is played on a real port: what is asked of it, and what is made of its every answer. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import fc from "fast-check";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import type { PayBeside } from "../domain/call-beside.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import { createEgress } from "../platform/egress.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog } from "../platform/log.ts";
import { silentMp3, silentOpus } from "./audio.fixture.ts";
import type { SpeechDesk } from "./contract.ts";
import { createSpeechDesk } from "./desk.ts";
import { mp3DurationMs } from "./mp3-duration.ts";
import { opusDurationMs } from "./opus-duration.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Asked {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

async function service(answer: (res: ServerResponse, asked: Asked) => void) {
  const asked: Asked[] = [];
  const hear = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    const one = { url: `${req.method} ${req.url}`, headers: req.headers, body };
    asked.push(one);
    answer(res, one);
  };
  const server = createServer((req, res) => void hear(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return { asked, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

type Tts = Config["messages"]["tts"];

function deskWith(
  tts: Partial<Tts>,
  options: { variables?: Record<string, string>; clock?: Clock; pay?: PayBeside } = {},
): SpeechDesk {
  const base = defaultConfig();
  const config = { ...base, messages: { ...base.messages, tts: { ...base.messages.tts, ...tts } } };
  const egress = createEgress({ allowPrivate: () => false, log: silentLog() });
  closing.push(() => egress.close());
  return createSpeechDesk({
    config: () => config,
    variables: () => options.variables ?? {},
    egress,
    clock: options.clock ?? systemClock(),
    agentId: () => "main",
    pay: options.pay ?? ((_call, ask) => ask()),
  });
}

async function codeOf(pending: Promise<unknown>): Promise<AppError> {
  return pending.then(
    () => expect.fail("it was spoken"),
    (thrown: unknown) => AppError.from(thrown),
  );
}

describe("what is spoken", () => {
  it("C16: MP3 and Opus come back byte for byte, with the length they play, from either service and its own request", async () => {
    const mp3 = silentMp3(100);
    const opus = silentOpus(125);
    const { asked, baseUrl } = await service((res, { body, url }) => {
      const isOpus = body["response_format"] === "opus" || url.includes("opus_48000_64");
      res.writeHead(200, { "content-type": "audio/mpeg" }).end(isOpus ? opus : mp3);
    });
    const desk = deskWith({
      providers: {
        openai: { baseUrl: `${baseUrl}/v1/`, apiKey: "key-one", model: "kokoro", voice: "sky" },
        elevenlabs: { baseUrl, apiKey: "key-two" },
      },
    });
    const first = await desk.convert({ text: " Hello. " });
    expect(first).toMatchObject({ provider: "openai", format: "mp3", mimeType: "audio/mpeg", durationMs: 2_612 });
    expect(Buffer.from(first.audio).equals(mp3)).toBe(true);
    const second = await desk.convert({ text: "Hello.", format: "opus", voice: "nova" });
    expect(second).toMatchObject({ mimeType: "audio/ogg", voice: "nova", durationMs: 2_500 });
    expect(Buffer.from(second.audio).equals(opus)).toBe(true);
    expect((await desk.convert({ text: "Hi", provider: "elevenlabs", format: "opus" })).durationMs).toBe(2_500);
    expect((await desk.convert({ text: "Hi", provider: "elevenlabs", voice: "a/b" })).durationMs).toBe(2_612);
    expect(asked.map(({ url, body }) => [url, body])).toEqual([
      ["POST /v1/audio/speech", { model: "kokoro", voice: "sky", input: "Hello.", response_format: "mp3" }],
      ["POST /v1/audio/speech", { model: "kokoro", voice: "nova", input: "Hello.", response_format: "opus" }],
      [
        "POST /v1/text-to-speech/21m00Tcm4TlvDq8ikWAM?output_format=opus_48000_64",
        { text: "Hi", model_id: "eleven_multilingual_v2" },
      ],
      ["POST /v1/text-to-speech/a%2Fb?output_format=mp3_44100_128", { text: "Hi", model_id: "eleven_multilingual_v2" }],
    ]);
    expect(asked[0]?.headers["authorization"]).toBe("Bearer key-one");
    expect(asked[2]?.headers["xi-api-key"]).toBe("key-two");
    expect(asked[2]?.headers["authorization"]).toBeUndefined();
  });

  it("C16: a server of one's own needs no key, and is never shown the key of the environment", async () => {
    const { asked, baseUrl } = await service((res) => void res.end(silentMp3(1)));
    const variables = { OPENAI_API_KEY: "canary-key" };
    const desk = deskWith({ providers: { openai: { baseUrl } } }, { variables });
    await desk.convert({ text: "Hello." });
    expect(JSON.stringify(asked)).not.toContain("canary-key");
    expect(asked[0]?.headers["authorization"]).toBeUndefined();
    expect(deskWith({}, { variables }).status().provider).toBe("openai");
    expect(deskWith({}, { variables: { ELEVENLABS_API_KEY: "k" } }).status().provider).toBe("elevenlabs");
    expect(
      deskWith({})
        .providers()
        .map(({ id, configured }) => [id, configured]),
    ).toEqual([
      ["openai", false],
      ["elevenlabs", false],
    ]);
  });

  const mp3 = silentMp3(3);
  it.each<[string, (res: ServerResponse) => void, string]>([
    ["a refused key", (res) => void res.writeHead(401).end("{}"), "MODEL_002"],
    ["a key without the right", (res) => void res.writeHead(403).end("{}"), "MODEL_002"],
    ["a limit", (res) => void res.writeHead(429, { "retry-after": "7" }).end(), "MODEL_003"],
    ["a refusal", (res) => void res.writeHead(400).end('{"error":{"message":"no such\\nvoice"}}'), "MODEL_008"],
    ["a refusal by a page", (res) => void res.writeHead(404).end("<html>gone"), "MODEL_008"],
    ["a failure", (res) => void res.writeHead(503).end("<html>"), "MODEL_004"],
    ["a page instead of audio", (res) => void res.end("<!doctype html><p>Log in"), "MODEL_005"],
    ["nothing", (res) => void res.end(), "MODEL_005"],
    ["audio that ends within a frame", (res) => void res.end(mp3.subarray(0, -1)), "MODEL_005"],
    ["another format", (res) => void res.end(silentOpus(3)), "MODEL_005"],
    ["more than is taken", (res) => void res.end(Buffer.alloc(limits.speechBytes + 1, 0xff)), "MODEL_005"],
    [
      "less than it announced",
      (res) => (res.writeHead(200, { "content-length": "9999" }).write(mp3), res.destroy()),
      "MODEL_004",
    ],
    ["a line that breaks", (res) => void res.destroy(), "MODEL_004"],
    ["a way to elsewhere", (res) => void res.writeHead(302, { location: "http://127.0.0.1:9/x" }).end(), "SEC_005"],
  ])("C16: %s is told as what it is", async (_what, answer, code) => {
    const { baseUrl } = await service(answer);
    const desk = deskWith({ providers: { openai: { baseUrl, apiKey: "canary-key" } } });
    const error = await codeOf(desk.convert({ text: "Hello." }));
    expect(error.code).toBe(code);
    expect(JSON.stringify(error.toJSON())).not.toMatch(/canary-key|<html|\\n/);
    if (code === "MODEL_003") expect(error.retryAfterMs).toBe(7_000);
  });

  it("C16: a text that is empty or too long asks nobody; as long as is allowed, it is spoken", async () => {
    const { asked, baseUrl } = await service((res) => void res.end(silentMp3(1)));
    const desk = deskWith({ maxTextLength: 10, providers: { openai: { baseUrl } } });
    expect((await codeOf(desk.convert({ text: "x".repeat(11) }))).code).toBe("RPC_003");
    expect((await codeOf(desk.convert({ text: " \n " }))).code).toBe("RPC_003");
    expect((await codeOf(desk.convert({ text: "x", provider: "nobody" }))).code).toBe("RPC_007");
    expect((await codeOf(deskWith({}).convert({ text: "x" }))).code).toBe("MODEL_009");
    expect(asked).toEqual([]);
    await desk.convert({ text: "x".repeat(10) });
    expect(asked).toHaveLength(1);
  });

  it("C16: a service that does not answer is given up after messages.tts.timeoutMs", async () => {
    const clock = new FakeClock();
    const { promise: came, resolve } = Promise.withResolvers<void>();
    const { baseUrl } = await service(() => resolve());
    const failing = codeOf(
      deskWith({ timeoutMs: 5_000, providers: { openai: { baseUrl } } }, { clock }).convert({ text: "Hello." }),
    );
    await came;
    await clock.advance(5_000);
    expect((await failing).code).toBe("MODEL_006");
  });
});

describe("how long audio plays", () => {
  it("C16: MP3 of every length, with tags and an index that are no sound; Opus of every length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.boolean(), fc.boolean(), (count, tag, index) => {
        expect(mp3DurationMs(silentMp3(count, { tag, index }))).toBe(Math.round((count * 1_152_000) / 44_100));
        expect(opusDurationMs(silentOpus(count))).toBe(count * 20);
      }),
    );
  });

  it("C16: audio that is cut anywhere is none; whatever the bytes, nothing is thrown", () => {
    const whole = [silentMp3(5), silentOpus(25)] as const;
    for (let cut = 0; cut < whole[1].length; cut += 1) expect(opusDurationMs(whole[1].subarray(0, cut))).toBeNull();
    for (let cut = 0; cut < whole[0].length; cut += 1) {
      if (cut % 417 !== 0 || cut === 0) expect(mp3DurationMs(whole[0].subarray(0, cut)), String(cut)).toBeNull();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 0, max: 500 }), (noise, at) => {
        for (const [index, source] of whole.entries()) {
          const bytes = Buffer.from(source);
          bytes.set(noise.subarray(0, bytes.length - (at % bytes.length)), at % bytes.length);
          const duration = index === 0 ? mp3DurationMs(bytes) : opusDurationMs(bytes);
          expect(duration === null || Number.isFinite(duration)).toBe(true);
        }
      }),
    );
  });
});

it("C16: has its call paid before it asks, by the words that it speaks, and asks nobody where that is refused", async () => {
  const calls: object[] = [];
  const pay: PayBeside = (call) => {
    calls.push(call);
    return Promise.reject(new AppError("BUDGET_003", "Spending is paused."));
  };
  const desk = deskWith({ providers: { openai: { baseUrl: "http://127.0.0.1:9", model: "voice" } } }, { pay });
  expect(await codeOf(desk.convert({ text: " Grüße " }))).toMatchObject({ code: "BUDGET_003" });
  const model = { ref: "openai/voice", provider: "openai", id: "voice", maxTokens: null, price: undefined };
  expect(calls).toEqual([{ purpose: "speech", agentId: "main", inputBytes: 7, model }]);
});
