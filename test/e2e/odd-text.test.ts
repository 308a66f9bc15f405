/** Odd text through a gateway as people run it: what comes back, and what is kept, is byte for byte what was said. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startModelEmulator, type ModelEmulator } from "../../src/drill/model-emulator/server.ts";
import { cleanText } from "../../src/domain/text.ts";
import { errorOf, type WireClient } from "../../src/gateway/wire-client.fixture.ts";
import { configWith, newStateDir, runCommand, startGateway, type GatewayProcess } from "./gateway-process.ts";
import { client, complete } from "./observe.ts";
import { xssCorpus } from "../http/xss-corpus.ts";

/** What programs have stumbled over: words that mean something elsewhere, marks that cannot be seen, text of every script. */
const odd: readonly string[] = [
  ["undefined", "null", "NaN", "true", "0", "-0", "1e999", "0x1F", "[object Object]", "__proto__", "constructor"],
  ["[DONE]", "data: [DONE]", "event: error", '{"error":{}}', "NO_REPLY", "HEARTBEAT_OK", "<|im_start|>system"],
  ["'; DROP TABLE inbox; --", "' OR 1=1 --", "%s%s%n", "${HOME}", "$(id)", "`id`", "{{7*7}}", "../../../etc/passwd"],
  ["C:\\con\\nul", "\\", '"', "'", "\\u0000", "\\n", "%00", "&lt;b&gt;", "<![CDATA[x]]>", "]]>", "<?xml?>", "<!--"],
  ["/nothing", "//", "@everyone", "#", "<@U123>", "*_~`[x](y)", "```\ncode\n```", "~~~", "| a | b |", "- [ ] x"],
  [
    "  leading and trailing  ",
    "tab\there",
    "line\nbreak",
    "\n\nblank lines\n\n",
    "nbsp\u00A0end",
    "\u3000wide",
    "a\u2009b",
  ],
  ["\u200B", "zero\u200Bwidth", "\uFEFFmark", "soft\u00ADhyphen", "\u2060joined", "\u180Evowel", "\u202Eright to left"],
  [
    "\u2066isolate\u2069",
    "مرحبا بالعالم",
    "שלום עולם",
    "Ω≈ç√∫˜µ≤≥÷",
    "田中さんにあげて下さい",
    "찦차를 타고",
    "ЁЂЃЄЅІЇ",
    "ខ្មែរ",
    "नमस्ते",
  ],
  [
    "👩‍👩‍👧‍👦",
    "👍🏿",
    "🏳️‍🌈",
    "🇺🇳🇷🇺",
    "1️⃣",
    "𝒯𝑒𝓍𝓉",
    "\u{10FFFF}",
    "\uFFFD",
    "\uFFFE",
    "\uE000",
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    "e\u0301",
    "é",
    "ﷺ",
    "ﬁ",
    "İı",
    "ß",
  ],
  ["x".repeat(20_000), "👩‍👩‍👧‍👦".repeat(500), "\n".repeat(50).concat("end"), "e\u0301".repeat(2_000)],
].flat();

/** What no person types is taken out, line breaks become one kind, half a character becomes the mark for it. */
const dirty: readonly (readonly [string, string])[] = [
  ["nul\u0000inside", "nulinside"],
  ["\u001B[31mred\u001B[0m", "[31mred[0m"],
  ["bell\u0007 back\u0008space \u007F \u009B1m", "bell backspace  1m"],
  ["a\r\nb\rc\u2028d\u2029e\u0085f", "a\nb\nc\nd\ne\nf"],
  ["half \uD800 of a pair", "half \uFFFD of a pair"],
  ["\uDC00\uD800", "\uFFFD\uFFFD"],
];

const said: readonly string[] = [...odd, ...xssCorpus, ...dirty.map(([raw]) => raw)];

describe("odd text", () => {
  let model: ModelEmulator;
  let state: Awaited<ReturnType<typeof newStateDir>>;
  let gateway: GatewayProcess;
  let socket: WireClient;

  beforeAll(async () => {
    model = await startModelEmulator({ script: (request) => ({ text: [request.lastText] }) });
    state = await newStateDir();
    gateway = await startGateway({ stateDir: state.stateDir, config: configWith(model.url) });
    socket = await client(gateway);
  });

  afterAll(async () => {
    await gateway?.kill("SIGTERM");
    await model?.close();
    await state?.remove();
  });

  it("is cleaned as it is documented", () => {
    for (const [raw, clean] of dirty) expect(cleanText(raw)).toBe(clean);
    for (const text of odd) expect(cleanText(text)).toBe(text);
  });

  it("C7: comes back over a socket as it went out, and stands so in the transcript, over a restart too", async () => {
    const sessionKey = "agent:main:odd";
    for (const [index, message] of said.entries()) {
      const runId = `odd-${index}`;
      await socket.ask("chat.send", { sessionKey, message, idempotencyKey: runId });
      const { status, text } = await socket.ask("agent.wait", { runId });
      expect([status, text], JSON.stringify(message).slice(0, 200)).toEqual(["ok", cleanText(message)]);
    }
    const expected = said.flatMap((message) => [
      ["user", cleanText(message)],
      ["assistant", cleanText(message)],
    ]);
    expect(await history(sessionKey)).toEqual(expected);
    const { port } = gateway;
    expect(await gateway.kill("SIGTERM")).toBe(0);
    gateway = await startGateway({ stateDir: state.stateDir, port });
    socket = await client(gateway);
    expect(await history(sessionKey)).toEqual(expected);
  });

  it("D2: comes back over HTTP as it went out, whole and in pieces", async () => {
    for (const content of said) {
      const whole = JSON.parse((await complete(gateway, content)).text) as {
        choices: { message: { content: string } }[];
      };
      expect(whole.choices[0]?.message.content).toBe(cleanText(content));
      const pieces = (await complete(gateway, content, { stream: true })).text.split("\n\n").slice(0, -2);
      const chunks = pieces.map(
        (piece) => JSON.parse(piece.slice(6)) as { choices: { delta: { content?: string } }[] },
      );
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(cleanText(content));
    }
  });

  it("C8: in a session's name is kept or refused, and no two names are taken for one another", async () => {
    const names = odd.filter((text) => text.length < 300 && text.trim() !== "");
    const keys = new Map<string, string>();
    for (const [index, name] of names.entries()) {
      const idempotencyKey = `name ${index}`;
      const sent = await socket.call("chat.send", { sessionKey: name, message: name, idempotencyKey });
      if (sent.ok !== true) {
        expect(errorOf(sent).details["errorCode"], name).toMatch(/^(?:RPC_003|MODEL_001)$/);
        continue;
      }
      expect(await socket.ask("agent.wait", { runId: idempotencyKey })).toMatchObject({ status: "ok", text: name });
      const { sessionKey, messages } = await socket.ask("chat.history", { sessionKey: name });
      const same = keys.get(String(sessionKey)) ?? name;
      // Letters of another case, and spaces around it, make no other session.
      expect(same.trim().normalize().toLowerCase(), name).toBe(name.trim().normalize().toLowerCase());
      keys.set(String(sessionKey), name);
      expect((messages as { content: { text: string }[] }[]).at(-1)?.content[0]?.text).toBe(name);
    }
    expect(keys.size).toBeGreaterThan(50);
  });

  it("C7: that is nothing once it is cleaned is refused as empty, without asking the model", async () => {
    const before = model.count();
    for (const message of ["", " \n\t ", "\u0000", "\u001B\u0007\u0000 \n"]) {
      const refused = await socket.call("chat.send", {
        sessionKey: "main",
        message,
        idempotencyKey: `empty ${message}`,
      });
      expect(errorOf(refused).details["errorCode"], JSON.stringify(message)).toBe("RPC_003");
      expect((await complete(gateway, message)).status).toBe(400);
    }
    expect(model.count()).toBe(before);
  });

  it("Y2: reaches the command line as it was written, without the marks that a terminal obeys", async () => {
    const run = (text: string) =>
      runCommand(["agent", "-"], {
        stateDir: state.stateDir,
        env: { OPENCLAW_GATEWAY_PORT: String(gateway.port) },
        input: text,
      });
    const text = "👩‍👩‍👧‍👦 مرحبا \u001B[31mred\u0007 田中";
    expect((await run(text)).stdout).toBe(`${cleanText(text)}\n`);
  });

  async function history(sessionKey: string): Promise<unknown> {
    const { messages } = (await socket.ask("chat.history", { sessionKey, limit: 1_000 })) as {
      messages: { role: string; content: { text: string }[] }[];
    };
    return messages.map(({ role, content }) => [role, content.map((part) => part.text).join("")]);
  }
});
