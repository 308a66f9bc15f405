/** Logging in at a page: what is asked, what may come back, and that nothing else ends a login. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import { systemIds } from "../../platform/ids.ts";
import { beginCodeLogin, hasCodeFlow, type CodeLogin } from "./authorization-code.ts";
import { oauthClient, oauthServices } from "./services.ts";
import { tokenEndpoint, type Planted } from "./token-endpoint.fixture.ts";

const redirect = "http://127.0.0.1:40123/callback";

function begin(planted: readonly Planted[] = []) {
  const clock = new FakeClock();
  const endpoint = tokenEndpoint(clock);
  endpoint.plant(...planted);
  const { client } = oauthClient("google", { google: { clientId: "own", clientSecret: "own-secret" } });
  if (client === null || !hasCodeFlow(client)) throw new Error("the table has no such flow");
  const login = beginCodeLogin(client, redirect, { clock, ids: systemIds(), fetchFor: () => endpoint.fetch });
  return { clock, endpoint, login, url: new URL(login.url) };
}

const stateOf = ({ url }: CodeLogin): string => new URL(url).searchParams.get("state") ?? "";

describe("the authorization code flow", () => {
  it("asks for a code with a challenge, a state of its own each time, and what the provider wants besides", () => {
    const { url } = begin();
    expect(url.origin + url.pathname).toBe("https://accounts.google.com/o/oauth2/v2/auth");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: "code",
      client_id: "own",
      redirect_uri: redirect,
      access_type: "offline",
      code_challenge_method: "S256",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
    });
    expect(url.href).not.toContain("own-secret");
    const states = new Set(Array.from({ length: 50 }, () => stateOf(begin().login)));
    expect(states.size).toBe(50);
    expect(stateOf(begin().login).length).toBeGreaterThanOrEqual(22);
  });

  it("trades the code for tokens, with the verifier that the challenge was made of", async () => {
    const { login, endpoint, url, clock } = begin();
    const taken = login.take(`${redirect}?code=the-code&state=${stateOf(login)}`);
    expect(taken).toEqual({ kind: "code", code: "the-code" });
    const result = await login.finish("the-code");
    expect(result).toMatchObject({
      ok: true,
      document: {
        kind: "oauth",
        issuer: "google",
        accessToken: "access-1",
        refreshToken: "refresh-1",
        expiresMs: clock.nowMs() + 3_600_000,
        trouble: null,
      },
    });
    const form = Object.fromEntries(endpoint.forms[0] ?? []);
    expect(form).toMatchObject({
      grant_type: "authorization_code",
      redirect_uri: redirect,
      client_secret: "own-secret",
    });
    const challenge = createHash("sha256")
      .update(form["code_verifier"] ?? "")
      .digest("base64url");
    expect(url.searchParams.get("code_challenge")).toBe(challenge);
  });

  it("takes a pasted address, a pasted code with its state, and a bare code", () => {
    for (const paste of [
      (login: CodeLogin) => ` ${redirect}?state=${stateOf(login)}&code=the-code&scope=x \n`,
      (login: CodeLogin) => `/callback?code=the-code&state=${stateOf(login)}`,
      (login: CodeLogin) => `the-code#${stateOf(login)}`,
      () => "the-code",
    ]) {
      const { login } = begin();
      expect(login.take(paste(login))).toEqual({ kind: "code", code: "the-code" });
    }
  });

  it("an answer with a foreign state, none, or no code changes nothing; the right one still counts, once", () => {
    const { login } = begin();
    for (const stray of [
      `${redirect}?code=evil&state=${stateOf(begin().login)}`,
      `${redirect}?code=evil`,
      `${redirect}?code=evil&state=`,
      `${redirect}?error=access_denied`,
      `${redirect}?state=${stateOf(login)}`,
      "/favicon.ico",
      `evil#wrong`,
      "",
    ]) {
      expect(login.take(stray).kind, stray).toBe("stray");
    }
    const right = `${redirect}?code=the-code&state=${stateOf(login)}`;
    expect(login.take(right).kind).toBe("code");
    expect(login.take(right).kind).toBe("stray");
  });

  it("a refusal at the page ends the login with the page's words", () => {
    const { login } = begin();
    const text = `${redirect}?error=access_denied&error_description=not+today&state=${stateOf(login)}`;
    expect(login.take(text)).toEqual({ kind: "refused", why: "Google says access_denied not today." });
  });

  it("a code that is not taken is told with the provider's words and without the code or a secret", async () => {
    const body = { error: "invalid_grant", error_description: "the-code is of own-secret" };
    const { login } = begin([{ status: 400, body }]);
    const result = await login.finish("the-code");
    expect(result).toMatchObject({ ok: false });
    expect(JSON.stringify(result)).toContain("invalid_grant");
    expect(JSON.stringify(result)).not.toMatch(/the-code|own-secret/);
    expect(await begin(["unreachable"]).login.finish("the-code")).toMatchObject({ ok: false });
  });

  it("nothing that is pasted makes it throw, or is taken for the right state", () => {
    const { login } = begin();
    // A bare code would end the login: everything else is of no state, or of a wrong one.
    const pasted = fc.oneof(
      fc.string().map((text) => `https://x.test/${text}`),
      fc.string().map((text) => `${text}#${text}`),
      fc.string().map((text) => `/callback?code=x&state=${encodeURIComponent(text)}`),
    );
    fc.assert(
      fc.property(pasted, (text) => {
        expect(login.take(text).kind).toBe("stray");
      }),
      { numRuns: 50 },
    );
    fc.assert(
      fc.property(fc.string(), (text) => void begin().login.take(text)),
      { numRuns: 20 },
    );
  });
});

describe("providers that people log in at", () => {
  it("no client id of somebody else's program is used: without one of their own, people are told how to get it", () => {
    for (const { id } of oauthServices) {
      const found = oauthClient(id, {});
      expect(found).toMatchObject({
        client: null,
        missing: expect.stringContaining(`auth.oauth.${id}.clientId`) as string,
      });
    }
    expect(oauthClient("elsewhere", {})).toMatchObject({ client: null });
    expect(oauthClient("constructor", {})).toMatchObject({ client: null });
  });

  it("settings describe a provider that the table does not know, and win over one that it does", () => {
    const tokenUrl = "https://login.example/token";
    expect(oauthClient("elsewhere", { elsewhere: { clientId: "c", tokenUrl } }).client).toMatchObject({
      name: "elsewhere",
      tokenUrl,
      authorizeUrl: null,
    });
    expect(oauthClient("google", { google: { clientId: "c", tokenUrl, scopes: ["one"] } }).client).toMatchObject({
      tokenUrl,
      scopes: ["one"],
      authorizeUrl: "https://accounts.google.com/o/oauth2/v2/auth",
    });
  });
});
