/** A provider whose wire is spoken by one of the SDK's packages. The package is loaded by the first call, once. */
import type { LanguageModelV4, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { AppError } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import { callIds } from "../call-ids.ts";
import type {
  ModelApi,
  ModelEvent,
  ModelProvider,
  ModelRequest,
  ProviderDeps,
  ProviderEndpoint,
  ProviderModule,
} from "../contract.ts";
import { providerFailure, type ProviderFault } from "../failure.ts";
import { faultScene } from "../failure/scene.ts";
import { guardedCall, type Call } from "../guarded-call.ts";
import { sdkFault } from "./fault.ts";
import { eventsOf } from "./parts.ts";
import type { Seals } from "./seal.ts";

export interface SdkProtocol {
  readonly api: ModelApi;
  /** Imports the SDK's package and says how it makes a model. `fetch` must reach the wire with the call's own signal. */
  load(endpoint: ProviderEndpoint, fetch: typeof globalThis.fetch): Promise<(model: ModelInfo) => LanguageModelV4>;
  options(request: ModelRequest, endpoint: ProviderEndpoint): LanguageModelV4CallOptions;
  /** Of one model: what another one sealed, even of the same provider, is not shown to it. */
  seals(endpoint: ProviderEndpoint, model: ModelInfo): Seals;
  /** What the wire writes last, where the protocol has such a mark; it makes up for a missing finish reason. */
  readonly endMark?: string;
  /** What a failure means, where the provider says more than the SDK reads. */
  faultOf?(thrown: unknown): ProviderFault | null;
}

export function sdkProvider(protocol: SdkProtocol): ProviderModule {
  return { api: protocol.api, open: (endpoint, deps) => new SdkProvider(protocol, endpoint, deps) };
}

class SdkProvider implements ModelProvider {
  readonly endpoint: ProviderEndpoint;
  readonly #protocol: SdkProtocol;
  readonly #deps: ProviderDeps;
  /** Which call a request of the SDK belongs to: the SDK's models outlive a call, its signal does not. */
  readonly #calls = new WeakMap<AbortSignal, Call>();
  /** Making one costs as much as a short answer: its schemas are built anew. */
  readonly #models = new WeakMap<ModelInfo, LanguageModelV4>();
  #loading: Promise<(model: ModelInfo) => LanguageModelV4> | null = null;

  constructor(protocol: SdkProtocol, endpoint: ProviderEndpoint, deps: ProviderDeps) {
    this.#protocol = protocol;
    this.endpoint = endpoint;
    this.#deps = deps;
  }

  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const scene = { request, endpoint: this.endpoint, deps: this.#deps, faultOf: this.#faultOf };
    return guardedCall(scene, signal, (call, fitted) => this.#events(fitted, call, request));
  }

  readonly #faultOf = (thrown: unknown): ProviderFault | null => (this.#protocol.faultOf ?? sdkFault)(thrown);

  async *#events(request: ModelRequest, call: Call, original: ModelRequest): AsyncGenerator<ModelEvent> {
    const model = await this.#model(request.model);
    this.#calls.set(call.signal, call);
    const options = this.#protocol.options(request, this.endpoint);
    const { stream } = await model.doStream({ ...options, abortSignal: call.signal });
    const { endMark } = this.#protocol;
    yield* eventsOf(stream, {
      seals: this.#protocol.seals(this.endpoint, request.model),
      callId: callIds(original.messages, this.#deps.ids),
      faultOf: this.#faultOf,
      sawEndMark: () => endMark !== undefined && call.endsWith(endMark),
      fail: (fault) => providerFailure(fault, faultScene(this.endpoint, request, this.#deps.clock.nowMs())),
    });
  }

  async #model(info: ModelInfo): Promise<LanguageModelV4> {
    const known = this.#models.get(info);
    if (known !== undefined) return known;
    const model = (await this.#loaded())(info);
    this.#models.set(info, model);
    return model;
  }

  async #loaded(): Promise<(model: ModelInfo) => LanguageModelV4> {
    this.#loading ??= this.#protocol.load(this.endpoint, this.#fetch);
    try {
      return await this.#loading;
    } catch (thrown) {
      // A failed import is not kept: a half-written installation may be whole at the next call.
      this.#loading = null;
      throw thrown;
    }
  }

  readonly #fetch: typeof globalThis.fetch = (input, init) => {
    const call = init?.signal instanceof AbortSignal ? this.#calls.get(init.signal) : undefined;
    if (call === undefined) return Promise.reject(new AppError("SYS_001", "A model request left its call."));
    return call.fetch(input, init);
  };
}
