/**
 * The only way out for HTTP, and the only maker of `EgressUrl`. Addresses that people or models name are asked only
 * where they are public: judged when named, again for every address that a name resolves to, again at every redirect.
 * The HTTP library is loaded with the first request.
 */
import { lookup } from "node:dns/promises";
import type { Agent, BodyInit } from "undici";
import { AppError } from "../domain/app-error.ts";
import type { EgressUrl } from "../domain/authority.ts";
import { mintEgressUrl } from "../domain/authority-mint.ts";
import { limits } from "../domain/limits.ts";
import { isLocalName, isPublicAddress, literalAddress, matchesHost } from "./egress/address.ts";
import { boundedBody } from "./egress/bounded-body.ts";
import { guardedConnector, type Connector, type Resolve, type ResolvedAddress } from "./egress/connector.ts";
import { followRedirects, type Hop, type RequestBody } from "./egress/redirects.ts";
import { trustedFetch, type TrustedPool, type Undici } from "./egress/trusted-fetch.ts";
import { tellingUnsent } from "./egress/unsent.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { Log } from "./log.ts";

export interface EgressOptions {
  /** Given, only these hosts are asked: names, or `*.name` for all below one. */
  readonly allowHosts?: readonly string[];
  /** Whether an administrator allowed this address to be private. */
  readonly allowPrivate: (url: URL) => boolean;
  /** Every address of a name. The system's resolver where none is given. */
  readonly resolve?: Resolve;
  readonly log: Log;
  /** For time-outs. The system's where none is given. */
  readonly clock?: Clock;
}

export interface EgressInit {
  readonly method?: string;
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  readonly body?: RequestBody | null;
  readonly signal?: AbortSignal;
  /** Of the body, after decompression. */
  readonly maxBytes?: number;
  /** For all of it: every hop, and the body to its end. */
  readonly timeoutMs?: number;
  /** Without a byte from the server. */
  readonly idleTimeoutMs?: number;
}

export interface Egress {
  /** Throws SEC_005 for what is not http(s), carries credentials, or names an address that is not public. */
  check(url: string | URL): EgressUrl;
  /**
   * For addresses from outside. Throws SEC_005 where any hop may not be asked, MSG_003 over `maxBytes`, CONN_001 where
   * the server fails or is too slow, RUN_001 where the signal ended it. The body errors with the same.
   */
  fetch(url: string | URL | EgressUrl, init?: EgressInit): Promise<Response>;
  /** For addresses from the configuration; see `egress/trusted-fetch.ts`. Throws SEC_005 for one that is not http(s). */
  trustedFetch(baseUrls: readonly string[]): typeof fetch;
  /** Ends open connections. Idempotent. */
  close(): Promise<void>;
}

export function createEgress(options: EgressOptions): Egress {
  let trusted: Promise<TrustedPool> | null = null;
  const pool = (): Promise<TrustedPool> => (trusted ??= loadLibrary().then(openPool));
  return {
    check: (url) => checkUrl(url, options),
    fetch: (url, init = {}) => guardedFetch(url, init, options),
    trustedFetch: (baseUrls) => trustedFetch(baseUrls, pool),
    async close() {
      const opened = trusted;
      trusted = null;
      await (await opened)?.agent.destroy();
    },
  };
}

/**
 * Node.js carries a copy of the library, and the first `Headers` or `Response` anywhere in the process would load that one
 * too. From here on those names mean this one.
 */
async function loadLibrary(): Promise<Undici> {
  const undici = await import("./egress/http-library.ts");
  undici.install();
  return undici;
}

const idleTimeoutMs = 15_000;
const connectTimeoutMs = 10_000;
/** How long an unused connection to a model's address is kept: longer than people think between two messages. */
const keepAliveMs = 120_000;

function openPool(undici: Undici): TrustedPool {
  const agent = new undici.Agent({
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: limits.turnTimeoutMs,
    // A model may think for minutes before its first byte; the turn's own limit ends it.
    headersTimeout: limits.turnTimeoutMs,
    bodyTimeout: limits.turnTimeoutMs,
    allowH2: false,
    connect: tellingUnsent(
      undici.buildConnector({ timeout: connectTimeoutMs, autoSelectFamily: true, allowH2: false }),
    ),
  });
  return { undici, agent };
}

// ---------------------------------------------------------------- judging

function checkUrl(input: string | URL, options: EgressOptions): EgressUrl {
  const url = URL.parse(String(input));
  if (url === null) throw blocked("The address cannot be read.", null);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw blocked(`${url.protocol} is not asked, only http and https.`, url);
  if (url.username !== "" || url.password !== "") throw blocked("An address with credentials in it is not asked.", url);
  // `localhost.` is localhost: what is judged, compared and dialled has no dot at its end.
  if (url.hostname.endsWith(".")) url.hostname = url.hostname.replace(/\.+$/, "");
  const { hostname } = url;
  if (hostname === "" || hostname.endsWith(".")) throw blocked("The address names no host.", url);
  if (options.allowHosts !== undefined && !options.allowHosts.some((pattern) => matchesHost(pattern, hostname))) {
    throw blocked(`${hostname} is not one of the allowed hosts.`, url);
  }
  const literal = literalAddress(hostname);
  const isPrivate = literal === null ? isLocalName(hostname) : !isPublicAddress(literal);
  if (isPrivate && !options.allowPrivate(url)) throw blocked(`${hostname} is not a public address.`, url);
  return mintEgressUrl({ url });
}

function blocked(message: string, url: URL | null): AppError {
  return new AppError("SEC_005", message, { details: url === null ? {} : { host: url.hostname } });
}

// ---------------------------------------------------------------- asking

async function guardedFetch(
  input: string | URL | EgressUrl,
  init: EgressInit,
  options: EgressOptions,
): Promise<Response> {
  const clock = options.clock ?? systemClock();
  const watch = watchRequest(init, clock);
  try {
    // An EgressUrl is judged again: who could name it then may be different from who may now.
    const { url } = checkUrl(isEgressUrl(input) ? input.url : input, options);
    const undici = await loadLibrary();
    const first = {
      url,
      method: (init.method ?? "GET").toUpperCase(),
      headers: new Headers(init.headers),
      body: init.body ?? null,
    };
    const followed = await watch.inTime(
      followRedirects(first, {
        check: (next) => checkUrl(next, options).url,
        send: (hop) => sendOnce(hop, undici, { ...options, watch }),
      }),
    );
    return boundedResponse(followed.response, followed.url, init, watch);
  } catch (error) {
    watch.end();
    const failure = watch.reason() ?? failureOf(error);
    if (failure.code === "SEC_005") options.log.warn("An outbound request was stopped.", { error: failure });
    throw failure;
  }
}

/** A dispatcher for one hop and one connection: nothing that was allowed for one address is kept for another. */
async function sendOnce(hop: Hop, undici: Undici, context: EgressOptions & { watch: RequestWatch }): Promise<Response> {
  const agent = new undici.Agent({
    pipelining: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: guardedConnector({
      hostname: hop.url.hostname,
      allowPrivate: context.allowPrivate(hop.url),
      resolve: context.resolve ?? systemResolve,
      dial: (addresses) => pinnedDial(undici, addresses),
    }),
  });
  context.watch.own(agent);
  const { method, headers, body } = hop;
  const duplex = body instanceof ReadableStream ? { duplex: "half" as const } : {};
  return (await undici.fetch(hop.url, {
    method,
    headers: [...headers],
    body: body as BodyInit | null,
    ...duplex,
    dispatcher: agent,
    redirect: "manual",
    signal: context.watch.signal,
  })) as unknown as Response;
}

/** Dials these addresses and no other; the name stays what the certificate is checked against. */
function pinnedDial(undici: Undici, addresses: readonly ResolvedAddress[]): Connector {
  return undici.buildConnector({
    timeout: connectTimeoutMs,
    allowH2: false,
    maxCachedSessions: 0,
    autoSelectFamily: true,
    lookup: (_hostname, wanted, callback) => {
      const [first = { address: "", family: 4 }] = addresses;
      if (wanted.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    },
  });
}

async function systemResolve(hostname: string): Promise<readonly ResolvedAddress[]> {
  return lookup(hostname, { all: true, verbatim: true });
}

function boundedResponse(response: Response, url: URL, init: EgressInit, watch: RequestWatch): Response {
  const body = boundedBody(response, {
    maxBytes: init.maxBytes ?? limits.egressBodyBytes,
    idleTimeoutMs: init.idleTimeoutMs ?? idleTimeoutMs,
    abort: watch.abort,
    reason: watch.reason,
    onEnd: watch.end,
    clock: watch.clock,
  });
  const headers = new Headers([...response.headers]);
  // The bytes given on are decoded, and these two would describe the others.
  if (headers.has("content-encoding")) for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  const { status, statusText } = response;
  const hasBody = !bodilessStatuses.includes(status);
  if (!hasBody) watch.end();
  const bounded = new Response(hasBody ? body : null, { status, statusText, headers });
  Object.defineProperty(bounded, "url", { value: url.href });
  return bounded;
}

const bodilessStatuses: readonly number[] = [204, 205, 304];

// ---------------------------------------------------------------- limits of one request

interface RequestWatch {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  abort(reason: AppError): void;
  reason(): AppError | null;
  /** Waits for headers, within the time that the server may be silent. */
  inTime<T>(work: Promise<T>): Promise<T>;
  /** The dispatcher is destroyed when the request has ended. */
  own(agent: Agent): void;
  end(): void;
}

function watchRequest(init: EgressInit, clock: Clock): RequestWatch {
  const controller = new AbortController();
  const agents: Agent[] = [];
  let reason: AppError | null = null;
  const abort = (why: AppError): void => {
    reason ??= why;
    controller.abort(reason);
  };
  const timeoutMs = init.timeoutMs ?? limits.egressTimeoutMs;
  const silentMs = Math.min(init.idleTimeoutMs ?? idleTimeoutMs, timeoutMs);
  const total = clock.after(timeoutMs, () =>
    abort(new AppError("CONN_001", `The request took longer than ${timeoutMs} ms.`)),
  );
  const onCallerAbort = (): void =>
    abort(new AppError("RUN_001", "The request was stopped.", { cause: init.signal?.reason }));
  if (init.signal?.aborted === true) onCallerAbort();
  init.signal?.addEventListener("abort", onCallerAbort, { once: true });
  return {
    signal: controller.signal,
    clock,
    abort,
    reason: () => reason,
    own: (agent) => void agents.push(agent),
    async inTime(work) {
      const idle = clock.after(silentMs, () =>
        abort(new AppError("CONN_001", `The server sent nothing for ${silentMs} ms.`)),
      );
      try {
        return await work;
      } finally {
        idle.cancel();
      }
    },
    end() {
      total.cancel();
      init.signal?.removeEventListener("abort", onCallerAbort);
      for (const agent of agents.splice(0)) void agent.destroy();
    },
  };
}

/** The library wraps what the connector said into a TypeError, sometimes twice. */
function failureOf(error: unknown): AppError {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (cause instanceof AppError) return cause;
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new AppError("CONN_001", cause instanceof Error ? cause.message : String(cause), { cause: error });
}

function isEgressUrl(input: string | URL | EgressUrl): input is EgressUrl {
  return typeof input !== "string" && !(input instanceof URL);
}
