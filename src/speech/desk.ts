/**
 * Has text spoken by a service of the configuration, once, and takes nothing for speech that does not play to its end.
 * Keeps no audio; the configuration says whom it asks, and whoever calls says for what.
 */
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import type { PayBeside, PricedModel } from "../domain/call-beside.ts";
import { limits } from "../domain/limits.ts";
import type { Clock } from "../platform/clock.ts";
import type { Egress } from "../platform/egress.ts";
import type { Speech, SpeechDesk, SpeechEndpoint, SpeechFormat, SpeechProvider, SpokenText } from "./contract.ts";
import { mp3DurationMs } from "./mp3-duration.ts";
import { opusDurationMs } from "./opus-duration.ts";
import { speechProviders } from "./registry.ts";

export interface SpeechDeskDeps {
  readonly config: () => Config;
  readonly variables: () => Readonly<Record<string, string | undefined>>;
  readonly egress: Pick<Egress, "trustedFetch">;
  readonly clock: Clock;
  /** Who pays: no tool of an agent speaks yet, so it is the house's first. */
  readonly agentId: () => string;
  readonly pay: PayBeside;
}

export function createSpeechDesk(deps: SpeechDeskDeps): SpeechDesk {
  const settings = (): Config["messages"]["tts"] => deps.config().messages.tts;
  return {
    status: () => {
      const { auto, maxTextLength } = settings();
      return { enabled: auto !== "off", auto, provider: chosen(deps)?.id ?? null, maxTextLength };
    },
    providers: () =>
      speechProviders.map((provider) => {
        const { model, voice } = endpointOf(provider, deps);
        const { id, label, voices } = provider;
        return { id, label, configured: isConfigured(provider, deps), model, voice, voices };
      }),
    convert: (spoken) => convert(spoken, deps),
  };
}

/** The configured one, whether or not it can be asked; else the first that can. */
function chosen(deps: SpeechDeskDeps): SpeechProvider | null {
  const named = deps.config().messages.tts.provider;
  if (named !== undefined) return speechProviders.find(({ id }) => id === named) ?? null;
  return speechProviders.find((provider) => isConfigured(provider, deps)) ?? null;
}

function isConfigured(provider: SpeechProvider, deps: SpeechDeskDeps): boolean {
  const { apiKey, baseUrl } = endpointOf(provider, deps);
  // A server of one's own may ask for no key.
  return apiKey !== null || baseUrl !== provider.defaults.baseUrl;
}

function endpointOf(
  { id, defaults, keyVariable }: SpeechProvider,
  { config, variables }: SpeechDeskDeps,
): SpeechEndpoint {
  const { baseUrl, apiKey, model, voice } = config().messages.tts.providers[id] ?? {};
  const address = (baseUrl ?? defaults.baseUrl).replace(/\/+$/, "");
  // The key of the environment is the service's own: it goes to no other address.
  const fromEnvironment = address === defaults.baseUrl ? variables()[keyVariable] : undefined;
  return {
    baseUrl: address,
    apiKey: present(apiKey) ?? present(fromEnvironment),
    model: model ?? defaults.model,
    voice: voice ?? defaults.voice,
  };
}

function present(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}

async function convert(spoken: SpokenText, deps: SpeechDeskDeps): Promise<Speech> {
  const { maxTextLength, timeoutMs } = deps.config().messages.tts;
  const text = spoken.text.trim();
  if (text === "") throw new AppError("RPC_003", "There is nothing to speak.", { details: { param: "text" } });
  if (text.length > maxTextLength) {
    const message = `The text has ${text.length} characters; messages.tts.maxTextLength allows ${maxTextLength}.`;
    throw new AppError("RPC_003", message, { details: { param: "text" } });
  }
  const provider = providerOf(spoken.provider, deps);
  const known = endpointOf(provider, deps);
  const endpoint = { ...known, voice: spoken.voice ?? known.voice };
  const format = spoken.format ?? "mp3";
  const call = { purpose: "speech", agentId: deps.agentId(), inputBytes: Buffer.byteLength(text) } as const;
  const model = pricedModel(provider, endpoint);
  return deps.pay({ ...call, model }, () => speak({ text, format, provider, endpoint, timeoutMs }, deps));
}

interface Sentence {
  readonly text: string;
  readonly format: SpeechFormat;
  readonly provider: SpeechProvider;
  readonly endpoint: SpeechEndpoint;
  readonly timeoutMs: number;
}

async function speak({ text, format, provider, endpoint, timeoutMs }: Sentence, deps: SpeechDeskDeps): Promise<Speech> {
  const call = provider.call(text, format, endpoint);
  const late = new AbortController();
  const timer = deps.clock.after(timeoutMs, () => late.abort());
  try {
    const response = await deps.egress.trustedFetch([endpoint.baseUrl])(call.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...call.headers },
      body: call.body,
      signal: late.signal,
    });
    const bytes = await readBytes(response, provider);
    if (!response.ok) throw refusalOf(response, bytes, provider);
    const durationMs = durationOf(bytes, format, provider);
    const { id } = provider;
    const { model, voice } = endpoint;
    return { provider: id, model, voice, format, mimeType: mimeTypes[format], audio: bytes, durationMs };
  } catch (thrown) {
    if (late.signal.aborted) {
      throw new AppError("MODEL_006", `${provider.label} did not speak within ${timeoutMs / 1_000} s.`, {
        cause: thrown,
      });
    }
    if (thrown instanceof AppError) throw thrown;
    throw new AppError("MODEL_004", `${provider.label} could not be reached, or broke off.`, { cause: thrown });
  } finally {
    timer.cancel();
  }
}

/** Services of speech count characters, seconds or credits: no price by tokens is known of any. */
function pricedModel({ id: provider }: SpeechProvider, { model }: SpeechEndpoint): PricedModel {
  return { ref: `${provider}/${model}`, provider, id: model, maxTokens: null, price: undefined };
}

const mimeTypes: Readonly<Record<SpeechFormat, string>> = { mp3: "audio/mpeg", opus: "audio/ogg" };

function providerOf(named: string | undefined, deps: SpeechDeskDeps): SpeechProvider {
  const wanted = named ?? deps.config().messages.tts.provider;
  if (wanted !== undefined) {
    const found = speechProviders.find(({ id }) => id === wanted);
    const known = speechProviders.map(({ id }) => id).join(", ");
    if (found !== undefined) return found;
    throw new AppError(
      "RPC_007",
      `There is no speech service named ${JSON.stringify(wanted.slice(0, 64))}; known: ${known}.`,
    );
  }
  const found = chosen(deps);
  if (found !== null) return found;
  throw new AppError(
    "MODEL_009",
    "No speech service is set up: give one a key or an address in messages.tts.providers.",
  );
}

/** Whatever it sends, no more than a limit is taken. */
async function readBytes(response: Response, provider: SpeechProvider): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > limits.speechBytes) {
      throw new AppError("MODEL_005", `${provider.label} sent more than ${limits.speechBytes} bytes of audio.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusalOf(response: Response, bytes: Uint8Array, { label }: SpeechProvider): AppError {
  const { status } = response;
  const details = { status };
  if (status === 401 || status === 403) return new AppError("MODEL_002", `${label} refused the key.`, { details });
  if (status === 429) {
    const seconds = Number(response.headers.get("retry-after"));
    const wait = Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {};
    return new AppError("MODEL_003", `${label} is asked too often, or its quota is used up.`, { details, ...wait });
  }
  if (status >= 500 || status < 400)
    return new AppError("MODEL_004", `${label} failed (status ${status}).`, { details });
  const said = saidIn(bytes);
  return new AppError("MODEL_008", `${label} refused the text (status ${status})${said === null ? "." : `: ${said}`}`, {
    details,
  });
}

/** The words of an error in JSON, short and on one line; a page of HTML says nothing to a person. */
function saidIn(bytes: Uint8Array): string | null {
  try {
    const body = JSON.parse(Buffer.from(bytes.subarray(0, 16_384)).toString("utf8")) as {
      readonly error?: { readonly message?: unknown };
      readonly detail?: { readonly message?: unknown };
    } | null;
    const said = body?.error?.message ?? body?.detail?.message;
    return typeof said === "string" ? said.replaceAll(/[\p{Cc}\s]+/gu, " ").slice(0, 300) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function durationOf(bytes: Uint8Array, format: SpeechFormat, { label }: SpeechProvider): number {
  const durationMs = format === "mp3" ? mp3DurationMs(bytes) : opusDurationMs(bytes);
  if (durationMs !== null) return durationMs;
  const start = Buffer.from(bytes.subarray(0, 4)).toString("latin1");
  const isAudio =
    start.startsWith("ID3") || start === "OggS" || (bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0);
  const why = isAudio ? `audio that is cut off or no ${format}` : "something that is no audio";
  throw new AppError("MODEL_005", `${label} sent ${why}.`);
}
