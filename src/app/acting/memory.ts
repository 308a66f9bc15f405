/** The memory of a gateway, over its agents' workspaces and by its providers; loaded when it is first asked. */
import type { Config } from "../../config/schema/root.ts";
import type { PayBeside } from "../../domain/call-beside.ts";
import type { Memory } from "../../memory/contract.ts";
import type { Clock } from "../../platform/clock.ts";
import { createEgress } from "../../platform/egress.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import { vectorPrice } from "../../providers/prices.ts";
import { createEmbeddingSource } from "./memory-embeddings.ts";
import type { Models } from "../models.ts";

export interface OpenMemoryDeps {
  readonly stateDir: string;
  readonly config: () => Config;
  readonly models: Pick<Models, "catalogue" | "profiles">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly pay: PayBeside;
}

export function openMemory(deps: OpenMemoryDeps): Memory {
  const { models, config } = deps;
  const log = deps.log.child("memory");
  const egress = createEgress({ allowPrivate: () => false, log });
  const embeddings = createEmbeddingSource({
    config,
    endpointOf: (id) => models.catalogue().endpoint(id),
    profiles: models.profiles,
    egress,
    priceOf: (endpoint, model) => {
      const ref = `${endpoint.id}/${model}`;
      const found = models.catalogue().find(ref);
      return (found?.ref === ref ? found.price : undefined) ?? vectorPrice(endpoint, model);
    },
    pay: deps.pay,
  });
  let loading: Promise<Memory> | undefined;
  const loaded = (): Promise<Memory> => {
    loading ??= import("../../memory/create-memory.ts").then(({ createMemory }) =>
      createMemory({ ...deps, log, embeddings }),
    );
    return loading;
  };
  return {
    search: async (...given) => (await loaded()).search(...given),
    read: async (...given) => (await loaded()).read(...given),
    save: async (...given) => (await loaded()).save(...given),
    forget: async (...given) => (await loaded()).forget(...given),
    status: async (...given) => (await loaded()).status(...given),
    index: async (...given) => (await loaded()).index(...given),
    async close() {
      await (await loading)?.close();
      await egress.close();
    },
  };
}
