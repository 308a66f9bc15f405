/**
 * What a provider's failure means, as the one error the house knows. The cause comes from the table; the sentence names
 * no key and no body.
 */
import { AppError } from "../domain/app-error.ts";
import type { ErrorCode, Retry } from "../domain/error-codes.ts";
import type { FailureReason } from "../domain/failure-reason.ts";
import { createRedactor } from "../platform/redact.ts";
import type { ProviderEndpoint } from "./contract.ts";
import type { FaultScene, ProviderFault } from "./failure/fault.ts";
import { retryAfterMs } from "./failure/retry-after.ts";
import { reasonOf } from "./failure/table.ts";
import { quotaWindows } from "./quota.ts";

export { readErrorBody, record } from "./failure/error-body.ts";
export type { FaultScene, ProviderFault } from "./failure/fault.ts";

export function providerFailure(fault: ProviderFault, scene: FaultScene): AppError {
  const reason = reasonOf(fault, scene.hasImages);
  const { code, says, retry } = verdicts[reason];
  const waitMs = retryAfterMs(fault, scene.nowMs);
  const status = fault.status === undefined ? "" : ` (HTTP ${fault.status})`;
  const words = networkWords(fault.networkCode) ?? withoutSecrets(fault.message, scene.endpoint).trim();
  return new AppError(
    code,
    `${says.replace("{provider}", () => scene.endpoint.id).replace("{model}", () => scene.model)}${status}${words === "" ? "." : `: ${words}`}`,
    {
      details: {
        provider: scene.endpoint.id,
        model: scene.model,
        reason,
        ...(fault.status === undefined ? {} : { status: fault.status }),
        ...(isCode(fault.codes?.[0], scene.endpoint) ? { providerCode: fault.codes[0] } : {}),
        ...named("networkCode", fault.networkCode, scene.endpoint),
        ...quotaOf(fault, scene.nowMs),
      },
      ...(retry === undefined ? {} : { retry }),
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    },
  );
}

interface Verdict {
  readonly code: ErrorCode;
  readonly says: string;
  /** Where the code table's answer is wrong for this cause. */
  readonly retry?: Retry;
}

const verdicts: Readonly<Record<FailureReason, Verdict>> = {
  auth: { code: "MODEL_002", says: "The provider {provider} refused the API key" },
  // Waiting does not fill an account: the same key is not asked again.
  billing: { code: "MODEL_003", says: "The account at {provider} has no credit or quota left", retry: "never" },
  rate_limit: { code: "MODEL_003", says: "The provider {provider} asks to slow down" },
  overloaded: { code: "MODEL_004", says: "The provider {provider} failed" },
  network: { code: "MODEL_004", says: "The provider {provider} could not be reached" },
  timeout: { code: "MODEL_006", says: "The model {model} of {provider} was silent for too long" },
  model_not_found: { code: "MODEL_001", says: "The provider {provider} has no model {model}, or its address is wrong" },
  context_overflow: { code: "MODEL_007", says: "The conversation does not fit the context window of {model}" },
  image_size: { code: "MODEL_008", says: "A picture is too large for {model}" },
  image_dimension: { code: "MODEL_008", says: "A picture has too many pixels for {model}" },
  content_filter: { code: "MODEL_008", says: "The safety filter of {provider} blocked the answer" },
  bad_request: { code: "MODEL_008", says: "The provider {provider} refused the request" },
  interrupted: { code: "MODEL_005", says: "The answer of {model} was cut off" },
  unreadable: { code: "MODEL_005", says: "The answer of {model} was unreadable" },
  empty: { code: "MODEL_005", says: "The model {model} answered with nothing" },
  unknown: { code: "MODEL_004", says: "The provider {provider} failed" },
};

function quotaOf(fault: ProviderFault, nowMs: number): Pick<ProviderFault, "quota"> {
  const told = quotaWindows(Object.entries(fault.headers ?? {}), nowMs);
  const windows = told.length > 0 ? told : (fault.quota ?? []).map((window) => resetting(window, fault, nowMs));
  return windows.length === 0 ? {} : { quota: windows };
}

/** A body that names the window that was hit says beside it when to come back. */
function resetting(
  window: NonNullable<ProviderFault["quota"]>[number],
  fault: ProviderFault,
  nowMs: number,
): NonNullable<ProviderFault["quota"]>[number] {
  const waitMs = retryAfterMs(fault, nowMs);
  return window.resetsMs === null && waitMs !== undefined ? { ...window, resetsMs: nowMs + waitMs } : window;
}

function named(name: string, code: string | undefined, endpoint: ProviderEndpoint): Readonly<Record<string, string>> {
  return code === undefined ? {} : { [name]: withoutSecrets(code, endpoint) };
}

/** A server may put anything where a code belongs, the key that it refused among it. */
function isCode(code: string | undefined, endpoint: ProviderEndpoint): code is string {
  return code !== undefined && /^[\w.-]{1,64}$/.test(code) && withoutSecrets(code, endpoint) === code;
}

/** Providers quote the refused key in their message; ours may not, nor any other. Nobody reads a long text. */
function withoutSecrets(message: string, endpoint: ProviderEndpoint): string {
  // A header is a scheme and a key; an address has either in the spelling of addresses.
  const words = [
    endpoint.apiKey ?? "",
    endpoint.aws?.secretAccessKey ?? "",
    endpoint.aws?.sessionToken ?? "",
    ...Object.values(endpoint.headers),
  ].flatMap((text) => [text, ...text.split(" ")]);
  // Longest first: one secret may begin with another.
  const secrets = words
    .flatMap((word) => [word, encodeURIComponent(word.toWellFormed())])
    .filter(isLongEnough)
    .toSorted((left, right) => right.length - left.length);
  const known = secrets.reduce((text, secret) => text.replaceAll(secret, "[key]"), message);
  const safe = createRedactor().text(known);
  return safe.length > longestWordsChars ? `${safe.slice(0, longestWordsChars)}…` : safe;
}

const longestWordsChars = 500;

/** Shorter words stand in any sentence, the name of the scheme among them. */
function isLongEnough(secret: string): boolean {
  return secret.length >= 6 && !/^(bearer|basic|digest|apikey|api-key)$/i.test(secret);
}

/** What people can act on; the code stays beside it for those who look it up. */
function networkWords(code: string | undefined): string | null {
  const words = code === undefined ? undefined : Object.hasOwn(networkFaults, code) ? networkFaults[code] : undefined;
  return words === undefined ? null : `${words} (${code})`;
}

const networkFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens at its address",
  ECONNRESET: "the connection broke",
  EPIPE: "the connection broke",
  UND_ERR_SOCKET: "the connection broke",
  ENOTFOUND: "its host name is not known",
  EAI_AGAIN: "its host name could not be looked up",
  ETIMEDOUT: "no connection came about in time",
  UND_ERR_CONNECT_TIMEOUT: "no connection came about in time",
};
