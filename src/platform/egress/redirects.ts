/**
 * Follows redirects one by one, so that every hop is judged like the first address. What was meant for one origin
 * (credentials above all) does not go to another.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";

export type RequestBody = NonNullable<RequestInit["body"]>;

export interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: RequestBody | null;
}

export interface FollowOptions {
  /** Sends one hop without following. Throws what the guard says. */
  readonly send: (hop: Hop) => Promise<Response>;
  /** Judges the next address; throws where it may not be asked. */
  readonly check: (url: URL) => URL;
}

/** The response of the last hop. Throws CONN_001 after too many, and for a body that cannot be sent twice. */
export async function followRedirects(first: Hop, options: FollowOptions): Promise<{ response: Response; url: URL }> {
  let hop = first;
  for (let followed = 0; ; followed += 1) {
    const response = await options.send(hop);
    const location = redirectStatuses.includes(response.status) ? response.headers.get("location") : null;
    if (location === null) return { response, url: hop.url };
    await response.body?.cancel();
    if (followed >= limits.egressRedirects) {
      throw new AppError("CONN_001", `${first.url.origin} redirects more than ${limits.egressRedirects} times.`, {
        retry: "never",
      });
    }
    hop = nextHop(hop, response.status, options.check(parseLocation(location, hop.url)));
  }
}

const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];
/** What may go to any origin: nothing in it says who is asking. */
const plainHeaders: readonly string[] = [
  "accept",
  "accept-encoding",
  "accept-language",
  "content-type",
  "range",
  "user-agent",
];

function nextHop(hop: Hop, status: number, url: URL): Hop {
  const becomesGet =
    status === 303 ? hop.method !== "HEAD" : (status === 301 || status === 302) && hop.method === "POST";
  const method = becomesGet ? "GET" : hop.method;
  const body = becomesGet ? null : hop.body;
  if (body instanceof ReadableStream) {
    throw new AppError("CONN_001", `${hop.url.origin} redirects a stream, which can be sent only once.`, {
      retry: "never",
    });
  }
  const headers = new Headers();
  for (const [name, value] of hop.headers) {
    if (becomesGet && name.startsWith("content-")) continue;
    if (url.origin === hop.url.origin || plainHeaders.includes(name)) headers.set(name, value);
  }
  return { url, method, headers, body };
}

function parseLocation(location: string, base: URL): URL {
  const url = URL.parse(location, base.href);
  if (url === null)
    throw new AppError("CONN_001", `${base.origin} redirects to something that is no address.`, { retry: "never" });
  return url;
}
