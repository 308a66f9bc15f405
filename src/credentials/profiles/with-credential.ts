/**
 * How a login goes into a request. Where the protocol has a header of its own for keys, a bearer token must take its
 * place, not stand beside it: two credentials in one request are judged by whichever the server looks at first.
 */
import type { Credential } from "../contract.ts";

/** The parts of an endpoint that a login fills in. */
export interface CredentialedEndpoint {
  readonly api: string;
  readonly apiKey: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** The same endpoint with this login instead of whatever key it had. */
export function withCredential<Endpoint extends CredentialedEndpoint>(
  endpoint: Endpoint,
  credential: Credential,
): Endpoint {
  switch (credential.kind) {
    case "key":
      return { ...endpoint, apiKey: credential.apiKey };
    case "bearer":
      return { ...endpoint, apiKey: credential.token, headers: { ...endpoint.headers, ...credential.headers } };
    case "aws":
      return { ...endpoint, apiKey: null, aws: credential.aws };
    case "none":
      return { ...endpoint, apiKey: null };
  }
}

/** Where these protocols put a key; every other one has it in `Authorization: Bearer` already. */
const keyHeaders: Readonly<Record<string, string>> = {
  "anthropic-messages": "x-api-key",
  "google-generative-ai": "x-goog-api-key",
};

/** Puts the token of a bearer login where it belongs; every other login's requests pass as they are. */
export function bearerFetch(guarded: typeof globalThis.fetch, api: string, credential: Credential): typeof fetch {
  const keyHeader = Object.hasOwn(keyHeaders, api) ? keyHeaders[api] : undefined;
  if (credential.kind !== "bearer" || keyHeader === undefined) return guarded;
  return (input, init) => {
    const headers = new Headers(input instanceof Request ? input.headers : undefined);
    for (const [name, value] of new Headers(init?.headers)) headers.set(name, value);
    headers.delete(keyHeader);
    headers.set("authorization", `Bearer ${credential.token}`);
    return guarded(input, { ...init, headers });
  };
}
