/**
 * The short-lived token that Copilot wants, exchanged for a GitHub login. Asked for once however many calls need it,
 * again before it expires, and once more when a call was refused with it. Kept in memory alone.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { addressesOf } from "../addresses.ts";
import type { ProviderDeps, ProviderEndpoint } from "../contract.ts";
import { providerFailure, readErrorBody, record, type ProviderFault } from "../failure.ts";
import { networkCodeOf } from "../guarded-call.ts";
import { readBounded } from "../read-bounded.ts";
import { parsedInput } from "../tool-input.ts";
import { editorHeaders } from "./headers.ts";

export interface CopilotToken {
  readonly token: string;
  /** Where the models are asked; without a slash at its end. */
  readonly apiUrl: string;
  /** From then on it is exchanged anew, by the wall clock. */
  readonly freshUntilMs: number;
  /** Until then it is good for a call. */
  readonly expiresMs: number;
}

export class CopilotSession {
  readonly #endpoint: ProviderEndpoint;
  readonly #deps: ProviderDeps;
  #token: CopilotToken | null = null;
  #exchange: Promise<CopilotToken> | null = null;

  constructor(endpoint: ProviderEndpoint, deps: ProviderDeps) {
    this.#endpoint = endpoint;
    this.#deps = deps;
  }

  /** Throws AppError MODEL_00x. While the old token still holds, a failed exchange is nobody's trouble. */
  async current(): Promise<CopilotToken> {
    const token = this.#token;
    const nowMs = this.#deps.clock.nowMs();
    if (token !== null && nowMs < token.freshUntilMs) return token;
    try {
      return await this.#exchanged();
    } catch (thrown) {
      if (token !== null && nowMs < token.expiresMs && this.#token === token) return token;
      throw thrown;
    }
  }

  /** After a refusal. Another one than the refused, which a call beside this may have got already. */
  renewed(refused: CopilotToken): Promise<CopilotToken> {
    if (this.#token === refused) this.#token = null;
    return this.#token === null ? this.#exchanged() : Promise.resolve(this.#token);
  }

  #exchanged(): Promise<CopilotToken> {
    this.#exchange ??= this.#ask().finally(() => (this.#exchange = null));
    return this.#exchange;
  }

  /** Bound to no call: who gives up must not take it from the others. It has a time-out of its own. */
  async #ask(): Promise<CopilotToken> {
    const late = new AbortController();
    const timer = this.#deps.clock.after(limits.egressTimeoutMs, () => late.abort());
    try {
      const response = await this.#deps.fetch(exchangeUrl(this.#endpoint), {
        headers: {
          ...editorHeaders,
          accept: "application/json",
          authorization: `token ${this.#endpoint.apiKey ?? ""}`,
        },
        signal: late.signal,
      });
      const text = await readBounded(response, answerBytes);
      const body: unknown = text === null ? null : parsedInput(text);
      if (!response.ok) throw this.#failure(refusal(response, body));
      const token = this.#tokenIn(body);
      this.#token = token;
      return token;
    } catch (thrown) {
      throw thrown instanceof AppError ? thrown : this.#failure(unreached(thrown, late.signal.aborted));
    } finally {
      timer.cancel();
    }
  }

  #tokenIn(body: unknown): CopilotToken {
    const { token, expires_at: expiresAt, refresh_in: refreshIn, endpoints } = record(body) ?? {};
    if (typeof token !== "string" || token === "")
      throw this.#failure({ message: "what came for the GitHub login was no token", reason: "unreadable" });
    const nowMs = this.#deps.clock.nowMs();
    return { token, apiUrl: this.#apiUrl(record(endpoints)?.["api"]), ...lifeOf(expiresAt, refreshIn, nowMs) };
  }

  /** The answer names the server; a server that is not GitHub's, or the configured one, gets no token. */
  #apiUrl(named: unknown): string {
    const fallback = this.#endpoint.baseUrl ?? "https://api.githubcopilot.com";
    const address = (typeof named === "string" && named !== "" ? named : fallback).replace(/\/+$/, "");
    const origin = URL.parse(address)?.origin;
    if (addressesOf(this.#endpoint).some((allowed) => URL.parse(allowed)?.origin === origin)) return address;
    throw this.#failure({
      message: `it names a server that is not known as GitHub's: ${address}`,
      reason: "unreadable",
    });
  }

  #failure(fault: ProviderFault): AppError {
    return providerFailure(fault, { endpoint: this.#endpoint, model: "", nowMs: this.#deps.clock.nowMs() });
  }
}

/** A token and a few addresses. */
const answerBytes = 256 * 1024;
/** How long before its end a token is exchanged. */
const aheadMs = 5 * 60_000;
/** Where nothing that can be a time was said. */
const shortestLifeMs = 60_000;

function exchangeUrl({ baseUrl }: ProviderEndpoint): string {
  return `${(baseUrl ?? "https://api.github.com").replace(/\/+$/, "")}/copilot_internal/v2/token`;
}

/** Both are looked at: a wrong clock of this machine makes nonsense of a moment, but not of a span. */
function lifeOf(
  expiresAt: unknown,
  refreshIn: unknown,
  nowMs: number,
): Pick<CopilotToken, "freshUntilMs" | "expiresMs"> {
  const leftMs = typeof expiresAt === "number" ? expiresAt * 1000 - nowMs : Number.NaN;
  const spanMs = typeof refreshIn === "number" ? refreshIn * 1000 : Number.NaN;
  const spans = [leftMs - aheadMs, spanMs].filter((span) => span > 0);
  const freshMs = spans.length === 0 ? Math.max(shortestLifeMs, leftMs / 2 || 0) : Math.min(...spans);
  return { freshUntilMs: nowMs + freshMs, expiresMs: nowMs + (leftMs > freshMs ? leftMs : freshMs) };
}

function refusal(response: Response, body: unknown): ProviderFault {
  const { status } = response;
  const { message = "", ...facts } = readErrorBody(body);
  const headers = Object.fromEntries(response.headers);
  const told = record(record(body)?.["error_details"])?.["message"];
  const words = typeof told === "string" ? told : message;
  const isBusy = status === 429 || (status === 403 && headers["retry-after"] !== undefined);
  // Who has no Copilot is told 403 or, as for everything that one may not see, 404.
  const reason = isBusy ? "rate_limit" : status === 403 || status === 404 ? "auth" : undefined;
  const help = reason === "auth" ? "the GitHub account has no access to Copilot" : "";
  const said = [help, words].filter((text) => text !== "").join(": ");
  return { ...facts, message: said, status, headers, ...(reason === undefined ? {} : { reason }) };
}

function unreached(thrown: unknown, isLate: boolean): ProviderFault {
  if (isLate) return { message: "the exchange of the GitHub login took too long", reason: "network" };
  const networkCode = networkCodeOf(thrown);
  const message = networkCode ?? (thrown instanceof Error ? thrown.message : String(thrown));
  return { message, reason: "network", networkCode };
}
