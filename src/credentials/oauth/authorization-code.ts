/**
 * Logging in at a provider's page in a browser: the authorization code flow with PKCE (RFC 7636) for programs on a
 * person's own machine (RFC 8252). Owns the secrets of one login and what may come back; where the browser comes back
 * to is somebody else's.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import { loggedIn, notLoggedIn, type LoginResult } from "./login-result.ts";
import type { OAuthClient } from "./services.ts";
import { requestTokens } from "./token-request.ts";

export interface CodeLogin {
  /** What the person opens. */
  readonly url: string;
  /**
   * What the browser came back with, or what a person pasted: the whole address, `code#state`, or the code alone.
   * `stray` is not of this login and changes nothing; the first that is of it ends the waiting, whatever it says.
   */
  take(text: string): CodeTaken;
  /** Trades the code for tokens. Never throws. */
  finish(code: string, signal?: AbortSignal): Promise<LoginResult>;
}

export type CodeTaken =
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "stray"; readonly why: string }
  | { readonly kind: "refused"; readonly why: string };

export interface CodeLoginDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly fetchFor: (url: string) => typeof globalThis.fetch;
}

/** A client with the addresses that this flow needs. */
export type CodeClient = OAuthClient & { readonly authorizeUrl: string; readonly tokenUrl: string };

export function hasCodeFlow(client: OAuthClient): client is CodeClient {
  return client.authorizeUrl !== null && client.tokenUrl !== null;
}

export function beginCodeLogin(client: CodeClient, redirectUri: string, deps: CodeLoginDeps): CodeLogin {
  const verifier = deps.ids.token(32);
  const state = deps.ids.token(24);
  let isTaken = false;
  const url = new URL(client.authorizeUrl);
  const parameters = {
    ...client.parameters,
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri,
    ...(client.scopes.length === 0 ? {} : { scope: client.scopes.join(" ") }),
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return {
    url: url.href,
    take(text) {
      const given = readAnswer(text.trim());
      if (isTaken) return { kind: "stray", why: "This login was answered already." };
      // A code that a person copied by itself has no state; the verifier still binds it to this login.
      if (given.state !== null && !isSame(given.state, state)) {
        return { kind: "stray", why: "That answer belongs to another login." };
      }
      if (given.state === null && given.isAddress) return { kind: "stray", why: "That address holds no answer." };
      if (given.error !== null) {
        isTaken = true;
        return { kind: "refused", why: `${client.name} says ${given.error}.` };
      }
      if (given.code === null) return { kind: "stray", why: "That holds no code." };
      isTaken = true;
      return { kind: "code", code: given.code };
    },
    async finish(code, signal) {
      const form = {
        grant_type: "authorization_code",
        code,
        redirect_uri: redirectUri,
        client_id: client.clientId,
        code_verifier: verifier,
        ...(client.clientSecret === null ? {} : { client_secret: client.clientSecret }),
      };
      const request = { tokenUrl: client.tokenUrl, form, ...(signal === undefined ? {} : { signal }) };
      const answer = await requestTokens(request, { fetch: deps.fetchFor(client.tokenUrl), clock: deps.clock });
      return answer.kind === "tokens" ? loggedIn(client, answer.tokens, deps) : notLoggedIn(client, answer);
    },
  };
}

interface GivenAnswer {
  readonly isAddress: boolean;
  readonly code: string | null;
  readonly state: string | null;
  readonly error: string | null;
}

function readAnswer(text: string): GivenAnswer {
  const url = /^https?:\/\//i.test(text) || text.startsWith("/") ? URL.parse(text, "http://127.0.0.1") : null;
  if (url !== null) {
    const of = (name: string): string | null => url.searchParams.get(name) || null;
    const error = of("error");
    return {
      isAddress: true,
      code: of("code"),
      state: of("state"),
      error: error === null ? null : `${error} ${of("error_description") ?? ""}`.trim().slice(0, 200),
    };
  }
  const [code = "", state] = text.split("#");
  return { isAddress: false, code: code === "" ? null : code, state: state ?? null, error: null };
}

/** In a time that does not tell where they differ. */
function isSame(left: string, right: string): boolean {
  const [a, b] = [left, right].map((text) => createHash("sha256").update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(a, b);
}
