/** Handlers of the memory. Whoever may call them speaks for the agent in private. */
import { memoryAdd, memoryForget, memoryIndex, memorySearch, memoryStatus } from "../../protocol/methods/memory.ts";
import type { MemoryViewer } from "../../memory/contract.ts";
import { handle, type BoundMethod } from "./handler.ts";
import type { RpcServices } from "./services.ts";
import { sessionTarget } from "./session-target.ts";

export function memoryMethods({ deps }: RpcServices): readonly BoundMethod[] {
  const { memory } = deps;
  const viewerOf = (agentId: string | undefined): MemoryViewer => ({
    ...sessionTarget(deps, { sessionKey: undefined, agentId }),
    isGroup: false,
  });
  return [
    handle(memorySearch, async ({ query, limit, agentId }) => {
      const options = limit === undefined ? {} : { limit };
      const { hits, notice } = await memory.search(query, viewerOf(agentId), options);
      return { hits: hits.map((hit) => ({ ...hit })), notice };
    }),
    handle(memoryAdd, async ({ text, agentId }) => ({ ...(await memory.save(text, viewerOf(agentId))) })),
    handle(memoryForget, async ({ agentId, containing, ...lines }) => {
      const what = { ...lines, ...(containing === undefined ? {} : { containing }) };
      return { ok: true as const, pieces: await memory.forget(what, viewerOf(agentId)) };
    }),
    handle(memoryIndex, async ({ agentId, all }) => ({
      ...(await memory.index(viewerOf(agentId).agentId, { all: all ?? false })),
    })),
    handle(memoryStatus, async ({ agentId }) => ({ ...(await memory.status(viewerOf(agentId).agentId)) })),
  ];
}
