import { describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { embeddingApis, type EmbeddingApi } from "./contract.ts";
import { embeddingRequest, readEmbeddings } from "./request.ts";

const answers: Readonly<Record<EmbeddingApi, (rows: unknown) => unknown>> = {
  openai: (rows) => ({ data: (rows as unknown[]).map((embedding, index) => ({ index, embedding })) }),
  google: (rows) => ({ embeddings: (rows as unknown[]).map((values) => ({ values })) }),
  ollama: (rows) => ({ embeddings: rows }),
};

describe("a request for vectors", () => {
  it("T5: is asked in the words of each protocol", () => {
    expect(embeddingRequest({ api: "openai", url: "https://h/v1", model: "m" }, ["a"])).toEqual({
      url: "https://h/v1/embeddings",
      body: { model: "m", input: ["a"], encoding_format: "float" },
    });
    expect(embeddingRequest({ api: "google", url: "https://h/v1beta", model: "g" }, ["a", "b"])).toEqual({
      url: "https://h/v1beta/models/g:batchEmbedContents",
      body: {
        requests: [
          { model: "models/g", content: { parts: [{ text: "a" }] } },
          { model: "models/g", content: { parts: [{ text: "b" }] } },
        ],
      },
    });
    expect(embeddingRequest({ api: "google", url: "https://h", model: "../x?y" }, []).url).toBe(
      "https://h/models/..%2Fx%3Fy:batchEmbedContents".replace("..%2F", "../"),
    );
    expect(embeddingRequest({ api: "ollama", url: "http://h", model: "n" }, ["a"])).toEqual({
      url: "http://h/api/embed",
      body: { model: "n", input: ["a"] },
    });
  });

  it.each(embeddingApis)("T5: an answer of %s becomes vectors of length 1", (api) => {
    const { dimensions, values } = readEmbeddings(
      api,
      answers[api]([
        [3, 4],
        [0, -2],
      ]),
      2,
    );
    expect(dimensions).toBe(2);
    expect([...values].map((value) => value.toFixed(3))).toEqual(["0.600", "0.800", "0.000", "-1.000"]);
  });

  it.each<[EmbeddingApi, object, number | null]>([
    ["openai", { usage: { prompt_tokens: 7, total_tokens: 7 } }, 7],
    ["google", { usageMetadata: { promptTokenCount: 8 } }, 8],
    ["ollama", { prompt_eval_count: 0 }, 0],
    ["openai", {}, null],
    ["openai", { usage: { prompt_tokens: -1 } }, null],
    ["openai", { usage: { prompt_tokens: 1.5 } }, null],
    ["openai", { usage: { prompt_tokens: "7" } }, null],
    ["openai", { usage: null }, null],
    ["ollama", { prompt_eval_count: 1e300 }, null],
  ])("T5: what %s counted in %j is %j tokens", (api, told, tokens) => {
    expect(readEmbeddings(api, { ...(answers[api]([[1]]) as object), ...told }, 1).inputTokens).toBe(tokens);
  });

  it("T5: vectors of an answer in another order belong to the texts that it names", () => {
    const answer = {
      data: [
        { index: 1, embedding: [0, 1] },
        { index: 0, embedding: [1, 0] },
      ],
    };
    expect([...readEmbeddings("openai", answer, 2).values]).toEqual([1, 0, 0, 1]);
  });

  const long = Array.from({ length: limits.embeddingDimensions + 1 }, () => 1);
  const garbage: readonly [string, unknown, number][] = [
    ["too few", [[1, 2]], 2],
    ["too many", [[1], [2], [3]], 2],
    ["several lengths", [[1, 2], [1]], 2],
    ["NaN", [[Number.NaN, 1]], 1],
    ["infinite", [[Number.POSITIVE_INFINITY, 1]], 1],
    ["text", [["1", 1]], 1],
    ["null", [[null, 1]], 1],
    ["zero", [[0, 0]], 1],
    ["empty", [[]], 1],
    ["no list", [7], 1],
    ["overflowing", [[1e200, 1e200]], 1],
    ["too long", [long], 1],
  ];
  it.each(embeddingApis)("T5: garbage of %s is refused, never kept", (api) => {
    for (const [, rows, count] of garbage) {
      expect(() => readEmbeddings(api, answers[api](rows), count)).toThrow(
        expect.objectContaining({ code: "MODEL_005" }),
      );
    }
    for (const answer of [null, 7, "x", [], {}, { data: {} }, { embeddings: "x" }, { __proto__: { data: [] } }]) {
      expect(() => readEmbeddings(api, answer, 1)).toThrow(expect.objectContaining({ code: "MODEL_005" }));
    }
  });

  it("T5: an index that is named twice, or is none, is refused", () => {
    for (const index of [0, 2, -1, 0.5, "1", "__proto__"]) {
      const answer = {
        data: [
          { index: 0, embedding: [1] },
          { index, embedding: [1] },
        ],
      };
      expect(() => readEmbeddings("openai", answer, 2)).toThrow(expect.objectContaining({ code: "MODEL_005" }));
    }
  });

  it("T5: the longest vector that is taken is as long as the limit", () => {
    expect(readEmbeddings("ollama", { embeddings: [long.slice(1)] }, 1).dimensions).toBe(limits.embeddingDimensions);
  });
});
