/** A memory with workspaces, an embedding server that is made of words, and a clock that stands still. For tests. */
import { mkdir, mkdtemp, rm, writeFile, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { vi } from "vitest";
import { defaultConfig } from "../config/default-config.ts";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import { FakeClock } from "../platform/fake-clock.ts";
import { silentLog, type Log } from "../platform/log.ts";
import { seededIds } from "../platform/seeded-ids.ts";
import { createMemory } from "./create-memory.ts";
import type { EmbeddingApi, EmbeddingModel, EmbeddingSource } from "./embeddings/contract.ts";

export interface World {
  readonly folder: string;
  readonly clock: FakeClock;
  readonly config: Config;
  readonly memory: ReturnType<typeof createMemory>;
  readonly server: FakeEmbeddings;
  readonly lines: string[];
  /** A file of the (main) workspace; changes are seen by the next look. */
  write(name: string, text: string | Uint8Array): Promise<void>;
  read(name: string): Promise<string>;
  indexFile(agentId?: string): string;
  /** Another memory over the same folder. */
  another(): ReturnType<typeof createMemory>;
  close(): Promise<void>;
}

export interface FakeEmbeddings {
  wanted: EmbeddingModel | null;
  api: EmbeddingApi;
  dimensions: number;
  /** Replaces the answer: a status, a body, or a promise that never ends. */
  answer: ((texts: readonly string[]) => Response | Promise<Response>) | null;
  /** Texts of every request so far. */
  readonly asked: string[][];
  readonly models: string[];
}

export const atMs = Date.UTC(2026, 10, 29, 12, 0);
export const direct = { agentId: "main", sessionKey: "agent:main:main", isGroup: false };
export const group = { agentId: "main", sessionKey: "agent:main:irc:default:group:room", isGroup: true };

export async function openWorld(change: (config: Config) => void = () => undefined): Promise<World> {
  const folder = await mkdtemp(path.join(tmpdir(), "openclaw-memory-"));
  const workspace = path.join(folder, "workspace");
  const config = structuredClone(defaultConfig()) as Config;
  config.agents.defaults.workspace = workspace;
  change(config);
  const clock = new FakeClock(atMs);
  const lines: string[] = [];
  const server: FakeEmbeddings = {
    wanted: null,
    api: "openai",
    dimensions: 16,
    answer: null,
    asked: [],
    models: [],
  };
  const made: ReturnType<typeof createMemory>[] = [];
  const another = () => {
    const memory = createMemory({
      stateDir: path.join(folder, "state"),
      config: () => config,
      embeddings: sourceOf(server),
      clock,
      ids: seededIds(7),
      log: listening(lines),
    });
    made.push(memory);
    return memory;
  };
  return {
    folder,
    clock,
    config,
    memory: another(),
    server,
    lines,
    async write(name, text) {
      const file = path.join(workspace, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
      await clock.advance(1_000);
    },
    read: (name) => readFile(path.join(workspace, name), "utf8"),
    indexFile: (agentId = "main") => path.join(folder, "state", "memory", `${agentId}.sqlite`),
    another,
    async close() {
      for (const memory of made) await memory.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Until it holds; the thread works in its own time, and slowly on a busy machine. */
export async function until(holds: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(holds, { timeout: 15_000, interval: 5 });
}

/** Every word turns the vector a bit in a direction of its own: texts that share words are alike. */
export function vectorOf(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0.001);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    let seed = 2_166_136_261;
    for (const unit of word) seed = Math.imul(seed ^ (unit.codePointAt(0) ?? 0), 16_777_619);
    for (let index = 0; index < dimensions; index += 1) {
      seed = Math.imul(seed ^ (seed >>> 15), 2_246_822_519) + index;
      vector[index] = (vector[index] ?? 0) + ((seed >>> 0) / 2 ** 32 - 0.5);
    }
  }
  return vector;
}

function sourceOf(server: FakeEmbeddings): EmbeddingSource {
  return {
    wanted: () => server.wanted,
    open: ({ provider, model }) => {
      if (provider === "nobody") throw new AppError("MODEL_001", "There is no model provider named nobody.");
      return {
        provider,
        model,
        api: server.api,
        paid: (_call, ask) => ask(),
        url: "http://127.0.0.1:1/v1",
        headers: () => Promise.resolve({ authorization: "Bearer key" }),
        fetch: async (_url, init) => {
          const { input } = JSON.parse(init?.body as string) as { input: string[] };
          server.asked.push(input);
          server.models.push(model);
          if (server.answer !== null) return server.answer(input);
          return Response.json({ data: input.map((text) => ({ embedding: vectorOf(text, server.dimensions) })) });
        },
      };
    },
  };
}

function listening(lines: string[]): Log {
  const say = (message: string): void => void lines.push(message);
  const log: Log = { ...silentLog(), warn: say, error: say, child: () => log };
  return log;
}
