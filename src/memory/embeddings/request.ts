/**
 * One request for vectors in the words of each protocol, and what of its answer is believed: as many vectors as texts, all of
 * one length, of finite numbers, not all zero. They are brought to length 1.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { EmbeddingApi, EmbeddingEndpoint, Metered } from "./contract.ts";

export interface EmbeddingRequest {
  readonly url: string;
  readonly body: unknown;
}

/** Vectors one after the other. */
export interface Embedded extends Metered {
  readonly dimensions: number;
  readonly values: Float32Array;
}

type Asked = Pick<EmbeddingEndpoint, "api" | "url" | "model">;

export function embeddingRequest({ api, url, model }: Asked, texts: readonly string[]): EmbeddingRequest {
  switch (api) {
    case "openai":
      return { url: `${url}/embeddings`, body: { model, input: texts, encoding_format: "float" } };
    case "google": {
      const name = model.startsWith("models/") ? model : `models/${model}`;
      const requests = texts.map((text) => ({ model: name, content: { parts: [{ text }] } }));
      return {
        url: `${url}/${name.split("/").map(encodeURIComponent).join("/")}:batchEmbedContents`,
        body: { requests },
      };
    }
    case "ollama":
      return { url: `${url}/api/embed`, body: { model, input: texts } };
  }
}

/** Throws MODEL_005 for an answer that is no such list. */
export function readEmbeddings(api: EmbeddingApi, answer: unknown, count: number): Embedded {
  const rows = rowsOf(api, answer);
  if (rows.length !== count) throw unreadable(`${rows.length} vectors for ${count} texts`);
  const dimensions = lengthOf(rows[0]);
  if (dimensions < 1 || dimensions > limits.embeddingDimensions) throw unreadable(`vectors of ${dimensions} numbers`);
  const values = new Float32Array(count * dimensions);
  for (const [index, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length !== dimensions) throw unreadable("vectors of several lengths");
    values.set(normalised(row), index * dimensions);
  }
  return { dimensions, values, inputTokens: tokensOf(api, answer) };
}

/** What it cost to read them; whatever is no count is none. */
function tokensOf(api: EmbeddingApi, answer: unknown): number | null {
  const told = {
    openai: () => field(field(answer, "usage"), "prompt_tokens"),
    google: () => field(field(answer, "usageMetadata"), "promptTokenCount"),
    ollama: () => field(answer, "prompt_eval_count"),
  }[api]();
  return typeof told === "number" && Number.isSafeInteger(told) && told >= 0 ? told : null;
}

function rowsOf(api: EmbeddingApi, answer: unknown): readonly unknown[] {
  switch (api) {
    case "openai": {
      // An index that is named says which text it belongs to; the order of the list is no promise.
      const data = listOf(answer, "data");
      const rows: unknown[] = Array.from({ length: data.length });
      for (const [place, entry] of data.entries()) {
        const index = field(entry, "index") ?? place;
        if (typeof index !== "number" || !(index in data) || rows[index] !== undefined)
          throw unreadable("a wrong index");
        rows[index] = field(entry, "embedding") ?? null;
      }
      return rows;
    }
    case "google":
      return listOf(answer, "embeddings").map((entry) => field(entry, "values"));
    case "ollama":
      return listOf(answer, "embeddings");
  }
}

function normalised(row: readonly unknown[]): Float32Array {
  let squares = 0;
  for (const value of row) {
    if (typeof value !== "number" || !Number.isFinite(value)) throw unreadable("a value that is no number");
    squares += value * value;
  }
  const length = Math.sqrt(squares);
  if (!Number.isFinite(length) || length < 1e-12) throw unreadable("a vector without a direction");
  return Float32Array.from(row as readonly number[], (value) => value / length);
}

function lengthOf(row: unknown): number {
  return Array.isArray(row) ? row.length : 0;
}

function listOf(answer: unknown, name: string): readonly unknown[] {
  const list = field(answer, name);
  if (!Array.isArray(list)) throw unreadable(`no list named ${name}`);
  return list as readonly unknown[];
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function unreadable(what: string): AppError {
  return new AppError("MODEL_005", `The embedding provider answered with ${what}.`);
}
