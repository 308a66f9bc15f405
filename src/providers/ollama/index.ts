/** Ollama's own protocol: one JSON object per line. Spoken directly; no package is needed for it. */
import { AppError } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import type { TokenUsage } from "../../domain/money.ts";
import { callIds } from "../call-ids.ts";
import type {
  ModelEvent,
  ModelProvider,
  ModelRequest,
  ProviderDeps,
  ProviderEndpoint,
  ProviderModule,
} from "../contract.ts";
import { providerFailure, readErrorBody, record, type ProviderFault } from "../failure.ts";
import { faultScene } from "../failure/scene.ts";
import { guardedCall, type Call } from "../guarded-call.ts";
import { jsonLines } from "../json-lines.ts";
import { ollamaPrice } from "../prices.ts";
import { parsedInput } from "../tool-input.ts";
import { baseUrlOf, bodyOf, headersOf } from "./request.ts";

export const provider: ProviderModule = {
  api: "ollama",
  open: (endpoint, deps) => new OllamaProvider(endpoint, deps),
};

type Json = Readonly<Record<string, unknown>>;

class OllamaProvider implements ModelProvider {
  readonly endpoint: ProviderEndpoint;
  readonly #deps: ProviderDeps;

  constructor(endpoint: ProviderEndpoint, deps: ProviderDeps) {
    this.endpoint = endpoint;
    this.#deps = deps;
  }

  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const scene = { request, endpoint: this.endpoint, deps: this.#deps, faultOf: () => null };
    return guardedCall(scene, signal, (call, fitted) => this.#events(fitted, call, request));
  }

  /** What is installed on the server. Throws AppError MODEL_004 where it does not answer. */
  async listModels(signal: AbortSignal): Promise<readonly ModelInfo[]> {
    const response = await this.#get("/api/tags", signal);
    const body = record(await response.json().catch(() => null));
    const models = Array.isArray(body?.["models"]) ? body["models"] : [];
    return models.flatMap((model) => modelInfo(this.endpoint.id, record(model)));
  }

  async #get(path: string, signal: AbortSignal): Promise<Response> {
    try {
      const response = await this.#deps.fetch(`${baseUrlOf(this.endpoint)}${path}`, {
        headers: headersOf(this.endpoint),
        signal,
      });
      if (response.ok) return response;
      await response.body?.cancel();
      throw this.#listFault({ message: "", status: response.status });
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      throw this.#listFault({ message: thrown instanceof Error ? thrown.message : String(thrown), reason: "network" });
    }
  }

  async *#events(request: ModelRequest, call: Call, original: ModelRequest): AsyncGenerator<ModelEvent> {
    const response = await call.fetch(`${baseUrlOf(this.endpoint)}/api/chat`, {
      method: "POST",
      headers: headersOf(this.endpoint),
      body: JSON.stringify(bodyOf(request)),
    });
    const fail = (fault: ProviderFault): ModelEvent => ({
      type: "failure",
      error: providerFailure(fault, faultScene(this.endpoint, request, this.#deps.clock.nowMs())).toJSON(),
    });
    if (!response.ok || response.body === null) {
      yield fail(await refusal(response));
      return;
    }
    const callId = callIds(original.messages, this.#deps.ids);
    let called = false;
    for await (const line of jsonLines(response.body)) {
      const frame = record(line);
      if (frame === undefined) {
        yield fail({ message: "a line of it was no JSON object", reason: "unreadable" });
        return;
      }
      if (frame["error"] !== undefined) {
        yield fail({ ...readErrorBody(frame), message: readErrorBody(frame).message ?? "" });
        return;
      }
      for (const event of messageEvents(record(frame["message"]) ?? {}, callId)) {
        called ||= event.type === "tool-call";
        yield event;
      }
      if (frame["done"] === true) {
        yield { type: "end", reason: endReason(called, frame["done_reason"]), usage: usageOf(frame) };
        return;
      }
    }
  }

  #listFault(fault: ProviderFault): AppError {
    return providerFailure(fault, { endpoint: this.endpoint, model: "", nowMs: this.#deps.clock.nowMs() });
  }
}

async function refusal(response: Response): Promise<ProviderFault> {
  const { status } = response;
  const body: unknown = parsedInput(await response.text());
  const { message, ...facts } = readErrorBody(body);
  const headers = Object.fromEntries(response.headers);
  return {
    ...facts,
    message: message ?? "",
    status,
    headers,
    ...(response.ok ? { reason: "unreadable" as const } : {}),
  };
}

function messageEvents(message: Json, callId: (proposed: string) => string): ModelEvent[] {
  const { thinking, content, tool_calls: calls } = message;
  return [
    ...(typeof thinking === "string" && thinking !== "" ? [{ type: "thinking", text: thinking } as const] : []),
    ...(typeof content === "string" && content !== "" ? [{ type: "text", text: content } as const] : []),
    ...(Array.isArray(calls) ? calls.flatMap((call) => toolCall(record(call), callId)) : []),
  ];
}

function toolCall(call: Json | undefined, callId: (proposed: string) => string): ModelEvent[] {
  const called = record(call?.["function"]);
  if (typeof called?.["name"] !== "string") return [];
  const { arguments: given } = called;
  const input = typeof given === "string" ? parsedInput(given) : (given ?? {});
  return [
    {
      type: "tool-call",
      callId: callId(typeof call?.["id"] === "string" ? call["id"] : ""),
      tool: called["name"],
      input,
    },
  ];
}

function endReason(called: boolean, doneReason: unknown): "tool-calls" | "length" | "stop" {
  if (called) return "tool-calls";
  return doneReason === "length" ? "length" : "stop";
}

/** Null where nothing was counted. A prompt that was cached whole has no count; the answer's alone is a count still. */
function usageOf(frame: Json): TokenUsage | null {
  const count = (field: string): number => (typeof frame[field] === "number" ? frame[field] : 0);
  const input = count("prompt_eval_count");
  const output = count("eval_count");
  return input + output === 0 ? null : { input, output, cacheRead: 0, cacheWrite: 0 };
}

function modelInfo(provider: string, model: Json | undefined): ModelInfo[] {
  const id = model?.["model"] ?? model?.["name"];
  if (typeof id !== "string" || id === "") return [];
  return [
    {
      ref: `${provider}/${id}`,
      provider,
      id,
      name: id,
      contextWindow: null,
      maxTokens: null,
      reasoning: false,
      // The list does not say who can see; a note in place of an image is worse than a server's refusal of one.
      input: ["text", "image"],
      // It runs on the user's own machine, but for those that the server only passes on.
      price: ollamaPrice(id),
    },
  ];
}
