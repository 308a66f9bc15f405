import { describe, expect, it } from "vitest";
import { attachmentTokens, createTokenCounter, messageTokens, textTokens, toolTokens } from "./token-estimate.ts";
import { says } from "./keeper.fixture.ts";

/** Texts of every kind, with what two public vocabularies (o200k, cl100k) make of them. */
const counted: readonly (readonly [kind: string, text: string, smaller: number, larger: number])[] = [
  [
    "English",
    "The afternoon passed while the shareholders discussed whether financing the hospital was worth it; in the end they agreed on a stopgap that convinced nobody.",
    28,
    28,
  ],
  [
    "German",
    "Der Nachmittag verging, während die Gesellschafterversammlung über die Wirtschaftlichkeitsberechnung der Krankenhausfinanzierung diskutierte; schließlich einigte man sich auf eine Übergangslösung.",
    39,
    53,
  ],
  [
    "French",
    "L'après-midi s'écoulait tandis que les actionnaires réunis à l'assemblée générale débattaient de la viabilité économique du financement hospitalier.",
    32,
    44,
  ],
  [
    "Polish",
    "Popołudnie mijało, podczas gdy zgromadzenie wspólników dyskutowało o opłacalności finansowania szpitala; ostatecznie zgodzono się na rozwiązanie przejściowe.",
    49,
    56,
  ],
  [
    "Russian",
    "Послеобеденное время прошло, пока собрание акционеров обсуждало экономическую целесообразность финансирования больницы.",
    27,
    53,
  ],
  [
    "Greek",
    "Το απόγευμα πέρασε ενώ η συνέλευση των μετόχων συζητούσε την οικονομική βιωσιμότητα της χρηματοδότησης.",
    36,
    97,
  ],
  [
    "Chinese",
    "下午的时间过去了,股东大会讨论了医院融资的经济可行性;最后大家同意了一个谁也不完全信服的过渡方案。",
    36,
    55,
  ],
  ["Japanese", "午後の時間が過ぎる中、株主総会は病院の資金調達の経済的実行可能性について議論しました。", 34, 55],
  ["Korean", "오후가 지나가는 동안 주주총회는 병원 자금 조달의 경제성에 대해 논의했다.", 26, 43],
  [
    "Arabic",
    "مرت فترة ما بعد الظهر بينما كانت الجمعية العامة للمساهمين تناقش الجدوى الاقتصادية لتمويل المستشفى.",
    25,
    70,
  ],
  ["Hebrew", "אחר הצהריים חלף בזמן שאסיפת בעלי המניות דנה בכדאיות הכלכלית של מימון בית החולים.", 31, 77],
  ["Hindi", "दोपहर बीत गई जबकि शेयरधारकों की बैठक ने अस्पताल के वित्तपोषण की आर्थिक व्यवहार्यता पर चर्चा की।", 28, 100],
  ["Thai", "บ่ายวันนั้นผ่านไปขณะที่ที่ประชุมผู้ถือหุ้นหารือเกี่ยวกับความเป็นไปได้ทางเศรษฐกิจ", 28, 73],
  ["emoji", "😀🎉👍🏽👨‍👩‍👧‍👦🚀❤️✅🔥 done! 🎂🥳", 28, 48],
  [
    "code",
    'export async function load(file: string): Promise<Config> {\n  const text = await readFile(file, "utf8");\n  return parseConfig(text, { strict: true, maxDepth: 64 });\n}',
    43,
    44,
  ],
  [
    "JSON",
    '{"id":"r1","ok":true,"payload":{"sessions":[{"key":"agent:main:main","messageCount":12,"costUsd":0.0042,"settings":{"model":null}}],"nextCursor":null}}',
    48,
    48,
  ],
  [
    "base64",
    "X+zrZv/IbzjZUnhsbWlsecLbwjndTpG0ZynXOif7V+lrhrJz/zT84Z1rgE7/Wj9XR62k6qIvHUnAHlLdt4dbS9RzXjomXhbu4D9ZcYubXQMBnAfYtsUfkNo6Zm7sE6s1TgdAhWK+24tgzgXB3s/jrRa3IjCWfeAfZAt+Rym0n85LInd31N0fxhxviE9IZB0CtNEh0/0yjLCLVTH8rNq/iu8tEn3je5QrqtBhReVLDGGaHyIy",
    163,
    175,
  ],
  [
    "hex",
    "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e96b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4bd4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab354e07408562bedb8b60ce05c1decfe3ad16b72230967de01f",
    137,
    139,
  ],
  ["numbers", "3141592653 58979 323846 2643383279 502884197 1693993751 0582097494 4592307816", 34, 34],
  ["UUIDs", "0198c2f4-7b1a-7c3e-9f21-5d8e0a4b6c7d 3fa85f64-5717-4562-b3fc-2c963f66afa6", 56, 56],
  ["address", "https://example.com/path/to/some-resource?query=abc123&utm_source=newsletter#section-4", 23, 23],
  [
    "log",
    "2026-01-02T03:04:05.678Z INFO  [gateway] request id=9f8e7d6c method=GET path=/v1/models status=200 durMs=12.34",
    48,
    48,
  ],
  ["table", "| name | value | note |\n|------|-------|------|\n| alpha | 1 | first |\n| beta | 22 | second |", 30, 30],
  ["markup", '<div class="card"><span style="color:red">Hello</span><a href="/x/y">link</a></div>', 27, 27],
  ["shouting", "THIS IS A VERY IMPORTANT MESSAGE ABOUT INTERNATIONALIZATION.", 10, 10],
  ["long words", "antidisestablishmentarianism floccinaucinihilipilification pneumonoultramicroscopic", 21, 21],
];

describe("an estimate of tokens", () => {
  it("is never below what a current vocabulary counts, and seldom far above", () => {
    const far = counted.filter(([kind, text, smaller]) => {
      const estimate = textTokens(text);
      expect(estimate, kind).toBeGreaterThanOrEqual(smaller);
      return estimate > smaller * 2;
    });
    // Writings that the newest vocabulary is much better at than its forerunners, and shouting.
    expect(far.map(([kind]) => kind)).toEqual(["Russian", "Greek", "Arabic", "Hebrew", "Hindi", "Thai", "shouting"]);
  });

  it("covers three quarters of an older vocabulary for every kind of writing, and nearly all of it for the most", () => {
    for (const [kind, text, , larger] of counted) expect(textTokens(text) / larger, kind).toBeGreaterThanOrEqual(0.74);
    const short = counted.filter(([, text, , larger]) => textTokens(text) < larger);
    expect(short.length).toBeLessThanOrEqual(counted.length / 4);
  });

  it("counts a file by its kind, and one that is gone as its note", () => {
    expect(attachmentTokens({ type: "image", data: "A".repeat(4_000_000) })).toBe(1_600);
    expect(attachmentTokens({ type: "document", data: "AAAA", sizeBytes: 400_000 })).toBe(10_000);
    expect(attachmentTokens({ type: "document", data: "AAAA", sizeBytes: 4e9 })).toBe(100_000);
    expect(attachmentTokens({ type: "document", mediaId: "gone" })).toBeLessThan(100);
  });

  it("counts calls, results, seals and the schema of a tool", () => {
    const call = { type: "tool-call", callId: "c", tool: "look", input: { text: "x ".repeat(500) } } as const;
    expect(messageTokens({ role: "assistant", content: [call] })).toBeGreaterThan(500);
    const sealed = { type: "thinking", text: "", signature: "Zm9v".repeat(400) } as const;
    expect(messageTokens({ role: "assistant", content: [sealed] })).toBeGreaterThan(400);
    const inputSchema = {
      type: "object",
      properties: { text: { type: "string", description: "plain words ".repeat(50) } },
    };
    expect(toolTokens([{ name: "look", description: "looks", inputSchema }])).toBeGreaterThan(100);
  });

  it("is made once for each message, and lets others have their turn on the way", async () => {
    const counter = createTokenCounter();
    const messages = Array.from({ length: 200 }, () => says("user", "plain words ".repeat(1_000)));
    let pauses = 0;
    const pause = () => {
      pauses += 1;
      return Promise.resolve();
    };
    await counter.warm(messages, pause);
    expect(pauses).toBeGreaterThan(8);
    await counter.warm(messages, pause);
    expect(pauses).toBeLessThan(20);
    expect(counter.conversation(messages)).toBe(200 * counter.message(says("user", "plain words ".repeat(1_000))));
  });
});
