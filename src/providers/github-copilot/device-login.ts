/**
 * GitHub's login for programs without a browser: a code is shown, a person types it in at GitHub, the token is asked
 * for until it is there. Pure but for what it is given. The token that comes out is the secret; nothing here keeps it.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import { record } from "../failure.ts";
import { readBounded } from "../read-bounded.ts";
import { parsedInput } from "../tool-input.ts";
import { editorHeaders } from "./headers.ts";

/** What a person needs: the address to open and the code to type in there. */
export interface DeviceCode {
  readonly userCode: string;
  readonly verificationUrl: string;
  readonly expiresMs: number;
}

export interface DeviceLoginDeps {
  /** Must be allowed to ask `baseUrl`. */
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** Shown once, before the first question whether it was typed in. */
  readonly show: (code: DeviceCode) => void;
  /** `https://github.com`, or an enterprise's own. */
  readonly baseUrl?: string;
  /** The program that asks, as GitHub knows it. Copilot gives tokens to few; the one of its own editor plug-ins is public. */
  readonly clientId?: string;
}

export type DeviceLogin =
  | { readonly outcome: "token"; readonly token: string }
  /** Nobody typed the code in before it expired: begin anew. */
  | { readonly outcome: "expired" }
  /** The person said no. */
  | { readonly outcome: "denied" };

export const copilotClientId = "Iv1.b507a08c87ecfe98";
export const githubLoginUrl = "https://github.com";

/**
 * Resolves with how it ended; a single question that fails (no network, 5xx) is asked again until the code expires.
 * Throws RUN_001 when the signal aborts, MODEL_004 where the first question fails, MODEL_002 where GitHub refuses it.
 */
export async function deviceLogin(deps: DeviceLoginDeps, signal: AbortSignal): Promise<DeviceLogin> {
  const { clock } = deps;
  const begun = await begin(deps, signal);
  deps.show({ userCode: begun.userCode, verificationUrl: begun.verificationUrl, expiresMs: begun.expiresMs });
  let intervalMs = begun.intervalMs;
  for (;;) {
    await rest(clock, intervalMs, signal);
    if (clock.nowMs() >= begun.expiresMs) return { outcome: "expired" };
    const answer = await poll(deps, begun.deviceCode, signal);
    if (answer === null) continue;
    const token = answer["access_token"];
    if (typeof token === "string" && token !== "") return { outcome: "token", token };
    switch (answer["error"]) {
      case "authorization_pending":
        break;
      case "slow_down":
        intervalMs = seconds(answer["interval"]) ?? intervalMs + slowerMs;
        break;
      case "expired_token":
        return { outcome: "expired" };
      case "access_denied":
        return { outcome: "denied" };
      default:
        throw refused(answer);
    }
  }
}

interface Begun {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUrl: string;
  readonly intervalMs: number;
  readonly expiresMs: number;
}

type Json = Readonly<Record<string, unknown>>;

const answerBytes = 64 * 1024;
/** As RFC 8628 has them: how often to ask where nobody says, and how much slower when told to. */
const usualIntervalMs = 5_000;
const slowerMs = 5_000;
const longestIntervalMs = 60_000;
const usualLifeMs = 15 * 60_000;

async function begin(deps: DeviceLoginDeps, signal: AbortSignal): Promise<Begun> {
  const answer = await post(deps, "/login/device/code", { scope: "read:user" }, signal);
  const { device_code: deviceCode, user_code: userCode, verification_uri: verificationUrl } = answer;
  if (typeof deviceCode !== "string" || typeof userCode !== "string" || typeof verificationUrl !== "string")
    throw refused(answer);
  return {
    deviceCode,
    userCode,
    verificationUrl,
    intervalMs: seconds(answer["interval"]) ?? usualIntervalMs,
    expiresMs:
      deps.clock.nowMs() + (typeof answer["expires_in"] === "number" ? answer["expires_in"] * 1000 : usualLifeMs),
  };
}

/** Null where the question did not get through: the person is still typing, and the next one may. */
async function poll(deps: DeviceLoginDeps, deviceCode: string, signal: AbortSignal): Promise<Json | null> {
  const grant = "urn:ietf:params:oauth:grant-type:device_code";
  try {
    return await post(deps, "/login/oauth/access_token", { device_code: deviceCode, grant_type: grant }, signal);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "MODEL_004") return null;
    throw thrown;
  }
}

/** GitHub says what is wrong with 200 as well as with 4xx; a body that says it is an answer. */
async function post(
  deps: DeviceLoginDeps,
  path: string,
  fields: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Json> {
  const { clock, baseUrl = githubLoginUrl, clientId = copilotClientId } = deps;
  const late = new AbortController();
  const timer = clock.after(limits.egressTimeoutMs, () => late.abort());
  try {
    const response = await deps.fetch(`${baseUrl.replace(/\/+$/, "")}${path}`, {
      method: "POST",
      headers: {
        accept: "application/json",
        "content-type": "application/json",
        "user-agent": editorHeaders["user-agent"] ?? "",
      },
      body: JSON.stringify({ client_id: clientId, ...fields }),
      signal: AbortSignal.any([signal, late.signal]),
    });
    const text = await readBounded(response, answerBytes);
    const body = record(text === null ? null : parsedInput(text));
    if (body !== undefined && (response.ok || typeof body["error"] === "string")) return body;
    throw new AppError("MODEL_004", `GitHub answered the login with something unreadable (HTTP ${response.status}).`);
  } catch (thrown) {
    if (signal.aborted) throw aborted();
    if (thrown instanceof AppError) throw thrown;
    throw new AppError("MODEL_004", "GitHub could not be reached for the login.", { cause: thrown });
  } finally {
    timer.cancel();
  }
}

async function rest(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(delayMs, signal);
  } catch (thrown) {
    throw signal.aborted ? aborted() : thrown;
  }
}

function aborted(): AppError {
  return new AppError("RUN_001", "The login was aborted.");
}

function refused(answer: Json): AppError {
  const { error, error_description: described } = answer;
  const said = [described, error].find((text): text is string => typeof text === "string" && text !== "");
  return new AppError("MODEL_002", `GitHub refused the login: ${(said ?? "it did not say why").slice(0, 300)}`, {
    details: { provider: "github-copilot", reason: "auth" },
  });
}

function seconds(value: unknown): number | undefined {
  return typeof value === "number" && value > 0 ? Math.min(value * 1000, longestIntervalMs) : undefined;
}
