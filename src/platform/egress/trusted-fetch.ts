/**
 * Fetch for addresses that an administrator wrote into the configuration: they may be private, and nothing but them is
 * asked. One pool keeps connections open, because the first byte of an answer is what a person waits for.
 */
import type * as httpLibrary from "./http-library.ts";
import type { Agent, BodyInit, RequestInit as UndiciInit } from "undici";
import { AppError } from "../../domain/app-error.ts";
import { followRedirects, type RequestBody } from "./redirects.ts";

export type Undici = typeof httpLibrary;

export interface TrustedPool {
  readonly undici: Undici;
  readonly agent: Agent;
}

/** Behaves as `fetch` does (errors too), but throws SEC_005 for any origin that is not one of the base addresses. */
export function trustedFetch(baseUrls: readonly string[], pool: () => Promise<TrustedPool>): typeof fetch {
  const origins = new Set(baseUrls.map(trustedOrigin));
  const check = (url: URL): URL => {
    if (origins.has(url.origin)) return url;
    throw new AppError("SEC_005", `${url.origin} is not one of the configured addresses.`, {
      details: { origin: url.origin },
    });
  };
  return async (input, init) => {
    const request = typeof input === "string" || input instanceof URL ? null : input;
    const url = check(new URL(typeof input === "string" || input instanceof URL ? input : input.url));
    const settings: RequestInit = request === null ? (init ?? {}) : { ...fromRequest(request), ...init };
    const { undici, agent } = await pool();
    const send = (target: URL, sent: RequestInit): Promise<Response> =>
      // The package's own classes stand for the global ones, which do not know its dispatcher.
      undici.fetch(target, {
        ...(sent as unknown as UndiciInit),
        body: foreignBody(sent.body ?? null, undici),
        dispatcher: agent,
        redirect: "manual",
      }) as unknown as Promise<Response>;
    const response = await send(url, settings);
    if (response.status < 300 || response.status > 399 || !response.headers.has("location")) return response;
    return followFrom(response, url, settings, { send, check });
  };
}

interface TrustedHops {
  readonly send: (target: URL, sent: RequestInit) => Promise<Response>;
  readonly check: (url: URL) => URL;
}

/** The rare case, kept off the path of every other answer: the first response is known already. */
async function followFrom(first: Response, url: URL, settings: RequestInit, hops: TrustedHops): Promise<Response> {
  let known: Response | null = first;
  const { response } = await followRedirects(
    {
      url,
      method: (settings.method ?? "GET").toUpperCase(),
      headers: new Headers(settings.headers),
      body: settings.body ?? null,
    },
    {
      check: hops.check,
      send: async ({ url: target, method, headers, body }) => {
        const answer = known ?? (await hops.send(target, { ...settings, method, headers, body }));
        known = null;
        return answer;
      },
    },
  );
  return response;
}

function trustedOrigin(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url.origin;
  throw new AppError("SEC_005", `A configured address must be http or https: ${baseUrl.slice(0, 200)}`);
}

function fromRequest(request: Request): RequestInit {
  const { method, headers, body, signal } = request;
  return { method, headers, signal, ...(body === null ? {} : { body, duplex: "half" }) } as RequestInit;
}

/** A form that was made before the library was there is of another class, and would be sent as "[object FormData]". */
function foreignBody(body: RequestBody | null, undici: Undici): BodyInit | null {
  if (!isForm(body) || body instanceof undici.FormData) return body as BodyInit | null;
  const form = new undici.FormData();
  for (const [name, value] of body) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, value, value.name);
  }
  return form;
}

function isForm(body: RequestBody | null): body is FormData {
  return Object.prototype.toString.call(body) === "[object FormData]";
}
