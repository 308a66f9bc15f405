/** Where vectors come from: an endpoint that makes numbers of texts. `app` says which; nothing here knows a key. */
import type { CallBeside } from "../../domain/call-beside.ts";

export const embeddingApis = ["openai", "google", "ollama"] as const;
export type EmbeddingApi = (typeof embeddingApis)[number];

/** A model of vectors, by the provider's name in the configuration. */
export interface EmbeddingModel {
  readonly provider: string;
  readonly model: string;
}

export interface Metered {
  /** Tokens that were read, as the provider counted them; null where it told nothing. */
  readonly inputTokens: number | null;
}

export interface EmbeddingEndpoint extends EmbeddingModel {
  readonly api: EmbeddingApi;
  /** Without a slash at the end; up to where the protocol's own path begins (`https://api.openai.com/v1`). */
  readonly url: string;
  /** Guarded: asks this endpoint's address and no other. */
  readonly fetch: typeof fetch;
  /** Makes the call where somebody pays for it. Throws BUDGET_001–003 where nobody does. */
  readonly paid: <Answer extends Metered>(
    call: Pick<CallBeside, "agentId" | "inputBytes">,
    ask: () => Promise<Answer>,
  ) => Promise<Answer>;
  /** With the credential, fresh. Throws what the credential's keeper throws. */
  headers(): Promise<Readonly<Record<string, string>>>;
}

export interface EmbeddingSource {
  /** What the configuration of this moment wants; null where words alone are to be searched. */
  wanted(): EmbeddingModel | null;
  /**
   * Also for a model that was wanted before: what is there is searched with it until the new one is ready. Throws MODEL_001
   * where there is no such provider, MODEL_008 where it makes no vectors.
   */
  open(model: EmbeddingModel): EmbeddingEndpoint;
}
