/**
 * Responses that were kept, so that a later request can go on from them. Each belongs to the principal that made it:
 * for everybody else it does not exist.
 */
import { z } from "zod";
import { AppError } from "../../../domain/app-error.ts";
import type { Principal } from "../../../domain/authority.ts";
import type { ModelMessage } from "../../../domain/conversation.ts";
import { limits } from "../../../domain/limits.ts";
import type { GatewayDeps } from "../../deps.ts";
import { createShelf } from "./response-shelf.ts";
import type { Contribution } from "./responses-body.ts";

export interface StoredResponse {
  readonly response: unknown;
  readonly previousId: string | null;
  readonly system: readonly string[];
  /** Input and output of this response alone; what came before stands with its predecessors. */
  readonly messages: readonly ModelMessage[];
}

export interface StoredResponses {
  keep(owner: Principal, id: string, stored: StoredResponse): Promise<void>;
  /** Throws RPC_007 where there is none of that id for this owner. */
  get(owner: Principal, id: string): Promise<StoredResponse>;
  /** Throws RPC_007 as `get` does. */
  remove(owner: Principal, id: string): Promise<void>;
  /** The conversation up to and with `id`, oldest first, as far back as it is kept; at most `limits.responseChain` responses. */
  conversation(owner: Principal, id: string): Promise<Contribution>;
}

const namespace = "responses";

export function createStoredResponses({ store, clock }: Pick<GatewayDeps, "store" | "clock">): StoredResponses {
  const { documents } = store;
  const shelf = createShelf(documents, { namespace, capacity: limits.storedResponses, pageSize: 64 });
  const find = async (owner: Principal, id: string): Promise<StoredResponse | null> => {
    const stored = storedSchema.safeParse(await documents.get(namespace, keyOf(owner, id)));
    return stored.success ? (stored.data as StoredResponse) : null;
  };
  const get = async (owner: Principal, id: string): Promise<StoredResponse> => {
    const stored = await find(owner, id);
    if (stored !== null) return stored;
    throw new AppError("RPC_007", `There is no response ${JSON.stringify(id)}.`);
  };
  return {
    keep: (owner, id, stored) => shelf.put(keyOf(owner, id), stored, clock.nowMs()),
    get,
    remove: async (owner, id) => {
      await get(owner, id);
      await documents.delete(namespace, keyOf(owner, id));
    },
    conversation: async (owner, id) => {
      const chain: StoredResponse[] = [];
      for (let next: string | null = id; next !== null && chain.length < limits.responseChain;) {
        const stored: StoredResponse = await get(owner, next);
        chain.unshift(stored);
        next = stored.previousId;
      }
      return {
        system: chain.flatMap((stored) => stored.system),
        messages: chain.flatMap((stored) => stored.messages),
      };
    },
  };
}

/** Written by this file alone, so only its outline is checked. */
const storedSchema = z.object({
  response: z.unknown(),
  previousId: z.string().nullable(),
  system: z.array(z.string()),
  messages: z.array(z.unknown()),
});

function keyOf(owner: Principal, id: string): string {
  return JSON.stringify([owner.id, id]);
}
