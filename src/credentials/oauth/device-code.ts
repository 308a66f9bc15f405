/**
 * Logging in with a code that is typed on another device (RFC 8628), for machines without a browser. Asks as often as
 * the provider allows and no more; every end has a sentence of its own.
 */
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import { loggedIn, notLoggedIn, type LoginResult } from "./login-result.ts";
import type { OAuthClient } from "./services.ts";
import { postForm, requestTokens } from "./token-request.ts";

export interface DeviceLogin {
  /** What the person types, and where. */
  readonly userCode: string;
  readonly verificationUrl: string;
  /** With the code filled in; null where the provider has no such address. */
  readonly completeUrl: string | null;
  readonly expiresMs: number;
  /** Asks until the person has decided or the code has run out. Never rejects; the signal ends it. */
  wait(signal: AbortSignal): Promise<LoginResult>;
}

export type DeviceBegun =
  | { readonly ok: true; readonly login: DeviceLogin }
  | { readonly ok: false; readonly why: string };

export interface DeviceLoginDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly fetchFor: (url: string) => typeof globalThis.fetch;
}

/** A client with the addresses that this flow needs. */
export type DeviceClient = OAuthClient & { readonly deviceUrl: string; readonly tokenUrl: string };

export function hasDeviceFlow(client: OAuthClient): client is DeviceClient {
  return client.deviceUrl !== null && client.tokenUrl !== null;
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
/** By the standard, where the provider names none. */
const defaultIntervalMs = 5_000;
/** By the standard, with every answer that it is asked too often. */
const slowDownMs = 5_000;
const longestIntervalMs = 60_000;
const longestLifeMs = 30 * 60_000;

export async function beginDeviceLogin(
  client: DeviceClient,
  deps: DeviceLoginDeps,
  signal?: AbortSignal,
): Promise<DeviceBegun> {
  const form = {
    client_id: client.clientId,
    ...(client.scopes.length === 0 ? {} : { scope: client.scopes.join(" ") }),
  };
  const request = { tokenUrl: client.deviceUrl, form, ...(signal === undefined ? {} : { signal }) };
  const answer = await postForm(request, { fetch: deps.fetchFor(client.deviceUrl), clock: deps.clock });
  if (answer.kind === "no answer")
    return { ok: false, why: `${client.name} could not be asked: ${answer.description}.` };
  const code = readDeviceCode(answer.body);
  if (code === null) {
    const words = [answer.body["error_description"], answer.body["error"]].find((one) => typeof one === "string");
    const said = (words ?? String(answer.status)).slice(0, 200);
    return { ok: false, why: `${client.name} gave no code (${said}).` };
  }
  return { ok: true, login: deviceLogin(client, code, deps) };
}

interface DeviceCode {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUrl: string;
  readonly completeUrl: string | null;
  readonly lifeMs: number;
  readonly intervalMs: number;
}

function readDeviceCode(body: Readonly<Record<string, unknown>>): DeviceCode | null {
  const text = (...names: readonly string[]): string | null => {
    const value = names.map((name) => body[name]).find((one) => typeof one === "string" && one !== "");
    return typeof value === "string" ? value : null;
  };
  const spanMs = (name: string, otherwiseMs: number, mostMs: number): number => {
    const seconds = Number(body[name]);
    return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1_000, mostMs) : otherwiseMs;
  };
  const [deviceCode, userCode] = [text("device_code"), text("user_code")];
  // The second spelling is older than the standard, and still about.
  const verificationUrl = text("verification_uri", "verification_url");
  if (deviceCode === null || userCode === null || !isPage(verificationUrl)) return null;
  const completeUrl = text("verification_uri_complete");
  return {
    deviceCode,
    userCode,
    verificationUrl,
    completeUrl: isPage(completeUrl) ? completeUrl : null,
    lifeMs: spanMs("expires_in", longestLifeMs, longestLifeMs),
    intervalMs: spanMs("interval", defaultIntervalMs, longestIntervalMs),
  };
}

/** What a person is asked to open. */
function isPage(url: string | null): url is string {
  return url !== null && /^https?:$/.test(URL.parse(url)?.protocol ?? "");
}

function deviceLogin(client: DeviceClient, code: DeviceCode, deps: DeviceLoginDeps): DeviceLogin {
  const { clock } = deps;
  const { userCode, verificationUrl, completeUrl } = code;
  const endMs = clock.monotonicMs() + code.lifeMs;
  const form = { grant_type: deviceGrant, device_code: code.deviceCode, client_id: client.clientId };
  const withSecret = client.clientSecret === null ? form : { ...form, client_secret: client.clientSecret };
  return {
    userCode,
    verificationUrl,
    completeUrl,
    expiresMs: clock.nowMs() + code.lifeMs,
    async wait(signal) {
      for (let pauseMs = code.intervalMs; ;) {
        if (!(await slept(clock, pauseMs, signal))) return { ok: false, why: "The login was given up." };
        if (clock.monotonicMs() >= endMs) return { ok: false, why: "The code has run out. Begin again." };
        const request = { tokenUrl: client.tokenUrl, form: withSecret, signal };
        const answer = await requestTokens(request, { fetch: deps.fetchFor(client.tokenUrl), clock });
        if (answer.kind === "tokens") return loggedIn(client, answer.tokens, deps);
        // A network that is gone for a moment is no answer of the person's.
        if (answer.kind === "no answer")
          pauseMs = Math.min(longestIntervalMs, Math.max(pauseMs * 2, answer.retryAfterMs ?? 0));
        else if (answer.error === "slow_down")
          pauseMs = Math.min(longestIntervalMs, answer.intervalMs ?? pauseMs + slowDownMs);
        else if (answer.error !== "authorization_pending") return ended(client, answer);
      }
    },
  };
}

function ended(
  client: DeviceClient,
  answer: Parameters<typeof notLoggedIn>[1] & { readonly kind: "refused" },
): LoginResult {
  switch (answer.error) {
    case "access_denied":
      return { ok: false, why: "The login was refused at the page." };
    case "expired_token":
      return { ok: false, why: "The code has run out. Begin again." };
    default:
      return notLoggedIn(client, answer);
  }
}

async function slept(clock: Clock, pauseMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(pauseMs, signal);
    return true;
  } catch {
    // The signal's reason is the caller's own.
    return false;
  }
}
