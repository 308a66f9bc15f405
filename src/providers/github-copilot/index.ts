/**
 * GitHub Copilot: OpenAI's protocols behind a short token, exchanged for a GitHub login. Some models are asked over
 * `/chat/completions`, some over `/responses`; which is which Copilot says with its first refusal, and is remembered.
 */
import { bodyOf, namespace, optionsOf, sealsOf } from "../ai-sdk/completions.ts";
import { sdkProvider } from "../ai-sdk/provider.ts";
import { optionsOf as responsesOptionsOf, sealsOf as responsesSealsOf } from "../ai-sdk/responses.ts";
import type {
  ModelEvent,
  ModelProvider,
  ModelRequest,
  ProviderDeps,
  ProviderEndpoint,
  ProviderModule,
} from "../contract.ts";
import { callHeaders, editorHeaders } from "./headers.ts";
import { CopilotSession } from "./session.ts";

export const provider: ProviderModule = {
  api: "github-copilot",
  open: (endpoint, deps) => new CopilotProvider(endpoint, deps),
};

/** Stands in for the server that the token names. */
const placeholder = "https://copilot.invalid";

const completions = sdkProvider({
  api: "github-copilot",
  endMark: "[DONE]",
  seals: sealsOf,
  options: (request, endpoint) => ({ ...optionsOf(request, endpoint), headers: callHeaders(request) }),
  load: async (endpoint, fetch) => {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    return (model) =>
      createOpenAICompatible({
        name: namespace,
        baseURL: placeholder,
        headers: { ...endpoint.headers },
        fetch,
        includeUsage: true,
        supportsStructuredOutputs: true,
        transformRequestBody: (body) => bodyOf(body, model, placeholder),
      }).chatModel(model.id);
  },
});

const responses = sdkProvider({
  api: "github-copilot",
  seals: responsesSealsOf,
  options: (request, endpoint) => ({ ...responsesOptionsOf(request, endpoint), headers: callHeaders(request) }),
  load: async (endpoint, fetch) => {
    const { createOpenAI } = await import("@ai-sdk/openai");
    // Empty and not absent: the SDK would look into the environment for one.
    const sdk = createOpenAI({ baseURL: placeholder, apiKey: "", headers: { ...endpoint.headers }, fetch });
    return (model) => sdk.responses(model.id);
  },
});

function addressIn(input: Parameters<typeof globalThis.fetch>[0]): string {
  return input instanceof Request ? input.url : input.toString();
}

type Wire = "completions" | "responses";

class CopilotProvider implements ModelProvider {
  readonly endpoint: ProviderEndpoint;
  readonly #deps: ProviderDeps;
  readonly #session: CopilotSession;
  readonly #wires: Readonly<Record<Wire, ModelProvider>>;
  /** What a refusal taught, by model. */
  readonly #learned = new Map<string, Wire>();
  /** The token that was sent last, so that no error repeats it. */
  #sent: string | null = null;

  constructor(endpoint: ProviderEndpoint, deps: ProviderDeps) {
    this.endpoint = endpoint;
    this.#deps = deps;
    this.#session = new CopilotSession(endpoint, deps);
    const within: ProviderDeps = {
      ...deps,
      fetch: (input, init) => this.#fetch(addressIn(input), init ?? {}),
    };
    this.#wires = { completions: completions.open(endpoint, within), responses: responses.open(endpoint, within) };
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    const { id } = request.model;
    const first = this.#learned.get(id) ?? usualWire(id);
    let said = false;
    for await (const event of this.#wires[first].stream(request, signal)) {
      if (!said && isWrongWire(event)) {
        const second = first === "completions" ? "responses" : "completions";
        for await (const other of this.#wires[second].stream(request, signal)) {
          if (!isWrongWire(other)) this.#learned.set(id, second);
          yield this.#discreet(other);
        }
        return;
      }
      said = true;
      yield this.#discreet(event);
    }
  }

  async #fetch(input: string, init: RequestInit): Promise<Response> {
    const token = await this.#session.current();
    const send = (by: typeof token): Promise<Response> => {
      this.#sent = by.token;
      const headers = new Headers(init.headers);
      for (const [name, value] of Object.entries(editorHeaders)) headers.set(name, value);
      headers.set("authorization", `Bearer ${by.token}`);
      const sent = { ...init, headers: Object.fromEntries(headers) };
      return this.#deps.fetch(input.replace(placeholder, by.apiUrl), sent);
    };
    const response = await send(token);
    if (response.status !== 401) return response;
    await response.body?.cancel();
    // Once: who is refused with a new token is refused.
    return send(await this.#session.renewed(token));
  }

  #discreet(event: ModelEvent): ModelEvent {
    const token = this.#sent;
    if (event.type !== "failure" || token === null || !event.error.message.includes(token)) return event;
    return { type: "failure", error: { ...event.error, message: event.error.message.replaceAll(token, "[key]") } };
  }
}

function usualWire(modelId: string): Wire {
  return /codex|^gpt-5\.([4-9]|\d\d)|^gpt-[6-9]/.test(modelId) ? "responses" : "completions";
}

function isWrongWire(event: ModelEvent): boolean {
  const details = event.type === "failure" ? event.error.details : undefined;
  return details?.["providerCode"] === "unsupported_api_for_model";
}
