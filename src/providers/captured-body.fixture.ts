/** What a provider puts on the wire for a request, without any server: the request is refused as soon as it is read. */
import type { ModelInfo } from "../domain/conversation.ts";
import { systemClock } from "../platform/clock.ts";
import { systemIds } from "../platform/ids.ts";
import type { ModelApi, ModelRequest } from "./contract.ts";
import { providerModule } from "./registry.ts";

export type Body = Readonly<Record<string, unknown>>;

export async function capturedBody(
  api: ModelApi,
  request: ModelRequest,
  baseUrl = "http://127.0.0.1:9",
): Promise<Body> {
  const { body } = await captured(api, request, baseUrl);
  return body;
}

export async function captured(
  api: ModelApi,
  request: ModelRequest,
  baseUrl = "http://127.0.0.1:9",
): Promise<{ readonly body: Body; readonly headers: Headers; readonly url: string }> {
  let seen: { body: Body; headers: Headers; url: string } | undefined;
  const capture: typeof globalThis.fetch = (input, init) => {
    const text = typeof init?.body === "string" ? init.body : new TextDecoder().decode(init?.body as Uint8Array);
    seen = { body: JSON.parse(text) as Body, headers: new Headers(init?.headers), url: new Request(input).url };
    return Promise.resolve(new Response("{}", { status: 500 }));
  };
  const provider = (await providerModule(api)).open(
    { id: "captured", api, baseUrl, apiKey: "a-key", headers: {} },
    { fetch: capture, clock: systemClock(), ids: systemIds() },
  );
  for await (const event of provider.stream(request, new AbortController().signal)) {
    if (event.type === "failure" && seen === undefined) throw new Error(event.error.message);
  }
  if (seen === undefined) throw new Error("nothing was sent");
  return seen;
}

export function thinker(id: string, more: Partial<ModelInfo> = {}): ModelInfo {
  return {
    ref: `captured/${id}`,
    provider: "captured",
    id,
    name: id,
    contextWindow: null,
    maxTokens: null,
    reasoning: true,
    input: ["text", "image"],
    price: undefined,
    ...more,
  };
}
