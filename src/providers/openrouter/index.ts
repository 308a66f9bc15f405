/** OpenRouter: OpenAI's `/chat/completions` for hundreds of models, with what each call cost and a list with prices. */
import { AppError } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import { limits } from "../../domain/limits.ts";
import { openRouterAddress } from "../addresses.ts";
import { namespace } from "../ai-sdk/completions.ts";
import { sdkProvider } from "../ai-sdk/provider.ts";
import type { ProviderDeps, ProviderEndpoint, ProviderModule } from "../contract.ts";
import { providerFailure, readErrorBody } from "../failure.ts";
import { networkCodeOf } from "../guarded-call.ts";
import { readBounded } from "../read-bounded.ts";
import { parsedInput } from "../tool-input.ts";
import { openRouterFault } from "./fault.ts";
import { withExtras } from "./model.ts";
import { readModels } from "./models.ts";
import { optionsOf, sealsOf } from "./request.ts";

const chat = sdkProvider({
  api: "openrouter",
  endMark: "[DONE]",
  seals: sealsOf,
  options: optionsOf,
  faultOf: openRouterFault,
  load: async (endpoint, fetch) => {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    return (model) =>
      withExtras(
        createOpenAICompatible({
          name: namespace,
          baseURL: baseUrlOf(endpoint),
          ...(endpoint.apiKey === null ? {} : { apiKey: endpoint.apiKey }),
          headers: headersOf(endpoint),
          fetch,
          includeUsage: true,
          supportsStructuredOutputs: true,
        }).chatModel(model.id),
      );
  },
});

export const provider: ProviderModule = {
  api: "openrouter",
  open: (endpoint, deps) => {
    const talk = chat.open(endpoint, deps);
    return {
      endpoint,
      stream: (request, signal) => talk.stream(request, signal),
      listModels: (signal) => listModels(endpoint, deps, signal),
    };
  },
};

function baseUrlOf(endpoint: Pick<ProviderEndpoint, "baseUrl">): string {
  return (endpoint.baseUrl ?? openRouterAddress).replace(/\/+$/, "");
}

/** Which program asks; nothing of who runs it or where. */
function headersOf(endpoint: ProviderEndpoint): Record<string, string> {
  return { "X-Title": "OpenClaw", ...endpoint.headers };
}

/** Throws AppError MODEL_00x; nothing is read beyond `limits.modelListBytes` over all pages. */
async function listModels(
  endpoint: ProviderEndpoint,
  deps: ProviderDeps,
  signal: AbortSignal,
): Promise<readonly ModelInfo[]> {
  const key = endpoint.apiKey === null || endpoint.apiKey === "" ? {} : { authorization: `Bearer ${endpoint.apiKey}` };
  const headers = { accept: "application/json", ...headersOf(endpoint), ...key };
  const scene = { endpoint, model: "", nowMs: deps.clock.nowMs() };
  let leftBytes = limits.modelListBytes;
  const read = async (url: URL): Promise<unknown> => {
    const response = await deps.fetch(url.href, { headers, signal });
    const text = await readBounded(response, leftBytes);
    if (text === null)
      throw providerFailure({ message: "the list of models is too long", reason: "unreadable" }, scene);
    leftBytes -= text.length;
    const body: unknown = parsedInput(text);
    if (response.ok) return body;
    const { message = "", ...facts } = readErrorBody(body);
    throw providerFailure({ ...facts, message, status: response.status }, scene);
  };
  try {
    return await readModels(endpoint.id, new URL(`${baseUrlOf(endpoint)}/models`), read);
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    if (signal.aborted) throw new AppError("RUN_001", "The call was aborted.", { cause: thrown });
    const networkCode = networkCodeOf(thrown);
    const message = networkCode ?? (thrown instanceof Error ? thrown.message : String(thrown));
    throw providerFailure({ message, reason: "network", networkCode }, scene);
  }
}
