/**
 * Amazon Bedrock's Converse API, streamed. Spoken directly: one signature and one framing need no package. Signs with
 * AWS keys, or sends a Bedrock API key where the endpoint has one.
 */
import type { AppError } from "../../domain/app-error.ts";
import { bedrockAddress, regionOfAddress } from "../addresses.ts";
import { callIds } from "../call-ids.ts";
import type {
  ModelEvent,
  ModelProvider,
  ModelRequest,
  ProviderDeps,
  ProviderEndpoint,
  ProviderModule,
} from "../contract.ts";
import { providerFailure, record, type ProviderFault } from "../failure.ts";
import { guardedCall, type Call } from "../guarded-call.ts";
import { parsedInput } from "../tool-input.ts";
import { Answer } from "./answer.ts";
import { eventFrames } from "./event-stream.ts";
import { frameFault, refusalFault, streamFault } from "./fault.ts";
import { bodyOf, pathOf } from "./request.ts";
import { signedHeaders } from "./sigv4.ts";

export const provider: ProviderModule = {
  api: "bedrock-converse-stream",
  open: (endpoint, deps) => new BedrockProvider(endpoint, deps),
};

class BedrockProvider implements ModelProvider {
  readonly endpoint: ProviderEndpoint;
  readonly #deps: ProviderDeps;

  constructor(endpoint: ProviderEndpoint, deps: ProviderDeps) {
    this.endpoint = endpoint;
    this.#deps = deps;
  }

  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const scene = { request, endpoint: this.endpoint, deps: this.#deps, faultOf: () => null };
    return guardedCall(scene, signal, (call, fitted) => this.#events(fitted, call));
  }

  async *#events(request: ModelRequest, call: Call): AsyncGenerator<ModelEvent> {
    const fail = (fault: ProviderFault): ModelEvent => ({
      type: "failure",
      error: this.#failure(fault, request.model.id).toJSON(),
    });
    const response = await this.#ask(request, call);
    const { body } = response;
    if (!response.ok || body === null) {
      yield fail(await refusalFault(response, this.#deps.clock.nowMs()));
      return;
    }
    if (!(response.headers.get("content-type") ?? "").startsWith("application/vnd.amazon.eventstream")) {
      yield fail({ message: "it is no event stream", reason: "unreadable" });
      return;
    }
    const callId = callIds(request.messages, this.#deps.ids);
    const answer = new Answer({ modelId: request.model.id, callId, fail });
    for await (const piece of eventFrames(body)) {
      if (piece.kind === "broken") {
        yield fail(streamFault(piece.fault));
        return;
      }
      const fault = frameFault(piece.frame);
      if (fault !== null) {
        yield fail(fault);
        return;
      }
      const event = record(parsedInput(new TextDecoder().decode(piece.frame.payload)));
      if (event === undefined) {
        yield fail({ message: "an event of it was no JSON object", reason: "unreadable" });
        return;
      }
      yield* answer.take(String(piece.frame.headers.get(":event-type")), event);
    }
    yield* answer.close();
  }

  #ask(request: ModelRequest, call: Call): Promise<Response> {
    const url = new URL(this.#address() + pathOf(request.model.id));
    const body = JSON.stringify(bodyOf(request));
    const headers = { "content-type": "application/json", accept: "application/vnd.amazon.eventstream" };
    return call.fetch(url.href, { method: "POST", headers: this.#authorized(url, headers, body, request), body });
  }

  #address(): string {
    const { baseUrl, aws } = this.endpoint;
    if (baseUrl !== null) return baseUrl.replace(/\/+$/, "");
    if (aws !== undefined) return bedrockAddress(aws.region);
    throw this.#failure(
      { message: "no AWS region is set (AWS_REGION, or the provider's baseUrl)", reason: "bad_request" },
      "",
    );
  }

  /** A key of Bedrock's own goes before keys of AWS: whoever set it, set it for this. */
  #authorized(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    { model }: ModelRequest,
  ): Record<string, string> {
    const { apiKey, aws, headers: more } = this.endpoint;
    if (apiKey !== null && apiKey !== "") return { ...headers, authorization: `Bearer ${apiKey}`, ...more };
    if (aws === undefined) {
      const message =
        "there are no AWS keys (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) and no AWS_BEARER_TOKEN_BEDROCK";
      throw this.#failure({ message, reason: "auth" }, model.id);
    }
    const call = {
      method: "POST",
      host: url.host,
      path: url.pathname,
      headers,
      body,
      service: "bedrock",
      atMs: this.#deps.clock.nowMs(),
    };
    // An address of AWS is in one region, whatever the keys' own is.
    const region = regionOfAddress(url.href) ?? aws.region;
    return { ...signedHeaders(call, { ...aws, region }), ...more };
  }

  #failure(fault: ProviderFault, model: string): AppError {
    return providerFailure(fault, { endpoint: this.endpoint, model, nowMs: this.#deps.clock.nowMs() });
  }
}
