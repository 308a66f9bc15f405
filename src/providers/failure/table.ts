/**
 * The table of causes: which code, which words and which status mean what. Read in this order: the provider's own code;
 * words, where several causes share a status and only the text tells them apart; the status; the operating system's
 * code; and the types that are too coarse to be asked before the status. First match wins. Pure.
 */
import type { FailureReason } from "../../domain/failure-reason.ts";
import { htmlMark } from "./error-body.ts";
import type { ProviderFault } from "./fault.ts";

export function reasonOf(fault: ProviderFault, hasImages = false): FailureReason {
  if (fault.reason !== undefined) return fault.reason;
  const codes = (fault.codes ?? []).map((code) => code.toLowerCase());
  const status = fault.status !== undefined && fault.status >= 300 ? fault.status : undefined;
  return (
    first(codes, decisiveCodes) ??
    reasonOfWords(fault.message.slice(0, longestReadChars), status, hasImages) ??
    (status === undefined ? undefined : reasonOfStatus(status, hasImages)) ??
    reasonOfNetwork(fault.networkCode) ??
    first(codes, coarseCodes) ??
    "unknown"
  );
}

/** What tells the cause stands at the beginning, if anywhere. */
const longestReadChars = 4_000;

/** Codes that settle the cause whatever the status says. Lower case. */
// oxfmt-ignore
const decisiveCodes: Readonly<Record<string, FailureReason>> = {
  // OpenAI, Azure, Groq, Together, DeepSeek, OpenRouter
  context_length_exceeded: "context_overflow",
  string_above_max_length: "context_overflow",
  insufficient_quota: "billing",
  billing_hard_limit_reached: "billing",
  billing_not_active: "billing",
  insufficient_credits: "billing",
  insufficient_balance: "billing",
  credit_limit: "billing",
  payment_required: "billing",
  invalid_api_key: "auth",
  incorrect_api_key: "auth",
  account_deactivated: "auth",
  invalid_organization: "auth",
  invalid_model: "model_not_found",
  model_not_found: "model_not_found",
  model_not_available: "model_not_found",
  model_decommissioned: "model_not_found",
  deploymentnotfound: "model_not_found",
  content_filter: "content_filter",
  content_policy_violation: "content_filter",
  responsibleaipolicyviolation: "content_filter",
  image_content_policy_violation: "content_filter",
  moderation_flagged: "content_filter",
  image_too_large: "image_size",
  image_file_too_large: "image_size",
  // The key is good, the country is not: no other key of this provider helps, and waiting does not.
  unsupported_country_region_territory: "bad_request",
  // Anthropic; Z.ai, Kimi and others that speak its protocol
  billing_error: "billing",
  exceeded_current_quota_error: "billing",
  // Gemini
  api_key_invalid: "auth",
  api_key_service_blocked: "auth",
  service_disabled: "auth",
  consumer_invalid: "auth",
  consumer_suspended: "auth",
  billing_disabled: "billing",
  // llama.cpp
  exceed_context_size_error: "context_overflow",
  not_supported_error: "bad_request",
  // GitHub Copilot
  model_max_prompt_tokens_exceeded: "context_overflow",
  model_not_supported: "model_not_found",
  // LiteLLM: a limit that the proxy's owner set for the key.
  budget_exceeded: "billing",
  quota_exceeded: "billing",
  // Mistral: what a tier lacks is another model's to give, not another key's.
  service_tier_capacity_exceeded: "overloaded",
  // Groq's and others' 413 and 429 for one request that is larger than a minute's tokens: see the words below.
  // Bedrock
  throttlingexception: "rate_limit",
  servicequotaexceededexception: "rate_limit",
  modelnotreadyexception: "overloaded",
  modelerrorexception: "overloaded",
  modelstreamerrorexception: "overloaded",
  internalserverexception: "overloaded",
  serviceunavailableexception: "overloaded",
  modeltimeoutexception: "timeout",
  expiredtokenexception: "auth",
  expiredtoken: "auth",
  unrecognizedclientexception: "auth",
  invalidsignatureexception: "auth",
  incompletesignatureexception: "auth",
  missingauthenticationtokenexception: "auth",
  resourcenotfoundexception: "model_not_found",
};

/** Asked only where nothing else spoke: they say whose fault it is, not what it was. */
// oxfmt-ignore
const coarseCodes: Readonly<Record<string, FailureReason>> = {
  authentication_error: "auth",
  permission_error: "auth",
  unauthenticated: "auth",
  permission_denied: "auth",
  accessdeniedexception: "auth",
  rate_limit_error: "rate_limit",
  rate_limit_exceeded: "rate_limit",
  too_many_requests: "rate_limit",
  resource_exhausted: "rate_limit",
  request_too_large: "context_overflow",
  not_found_error: "model_not_found",
  not_found: "model_not_found",
  invalid_request_error: "bad_request",
  invalid_argument: "bad_request",
  failed_precondition: "bad_request",
  validationexception: "bad_request",
  timeout_error: "timeout",
  deadline_exceeded: "timeout",
  api_error: "overloaded",
  server_error: "overloaded",
  internal_server_error: "overloaded",
  internal_error: "overloaded",
  internal: "overloaded",
  unavailable: "overloaded",
  unavailable_error: "overloaded",
  overloaded_error: "overloaded",
  engine_overloaded: "overloaded",
  service_unavailable: "overloaded",
};

interface WordRule {
  /** The statuses that these words are believed at; none named: any, and none. An error in a stream has none. */
  readonly at?: readonly number[];
  readonly words: RegExp;
  readonly reason: FailureReason;
}

// Each line is there because a provider sends several causes with one status and one code.
// oxfmt-ignore
const wordRules: readonly WordRule[] = [
  // Anthropic and Bedrock: pictures are refused with the same 400 invalid_request_error as everything else.
  { words: /image dimensions? exceed|image (width|height|resolution) .{0,40}(exceed|too large)|exceeds? (the )?max(imum)? (pixels|image dimension)/i, reason: "image_dimension" },
  { words: /image (size )?exceeds? .{0,40}\b(MB|bytes|maximum|limit)|image (file )?(is )?too large/i, reason: "image_size" },
  // One request of more tokens than a minute has: OpenAI calls it a rate limit (429), Groq a 413. Waiting never helps.
  { words: /request too large for .{0,120}tokens per (min|day)/i, reason: "context_overflow" },
  // Anthropic has no code for an empty account: it is a 400 invalid_request_error; nor for a limit set by its owner.
  { words: /credit balance is too low|reached your specified (workspace )?api usage limits/i, reason: "billing" },
  // xAI says it with 403 and with 429, OpenRouter's limit of a key with 403, Gemini's prepaid credit with 429.
  { at: [400, 403, 429], words: /used all available credits|key limit exceeded|prepayment credits are depleted|insufficient (balance|credit)|monthly spending (cap|limit)/i, reason: "billing" },
  // AWS Marketplace, behind an AccessDeniedException; Ollama's cloud, behind a 403.
  { at: [403], words: /INVALID_PAYMENT_INSTRUMENT|requires a subscription/i, reason: "billing" },
  // xAI and OpenRouter's moderation with 403, DeepSeek with 400.
  { at: [400, 403], words: /violates usage guidelines|safety_check_type|content exists risk|your input was flagged|safety system|blocked by content filtering|content management policy/i, reason: "content_filter" },
  // xAI and Gemini answer a wrong key with 400; a compatible proxy hands the words on without the code.
  { at: [400], words: /incorrect api key|api key (is )?(not valid|expired|not found)|invalid api key/i, reason: "auth" },
  // Gemini's countries, with 400 and no code of their own; OpenAI's with 403.
  { at: [400, 403], words: /(user location|country, region,? or territory) (is )?not supported/i, reason: "bad_request" },
  // A login that is good for other models: Bedrock's 403 and 400, OpenAI's 403 and 404, Copilot's and DeepSeek's 400.
  { at: [400, 403, 404], words: /access to (the |this )?model|model identifier is invalid|on-demand throughput isn.t supported|must be verified to use the model|requested model is not supported|invalid model (name|id)\b|is not a valid model id|^model not exist/i, reason: "model_not_found" },
  // OpenRouter's 404 for a parameter that none of a model's hosts takes: the model is there.
  { at: [404], words: /no endpoints found that (support|can handle)/i, reason: "bad_request" },
  // A guard in front of the provider: it has not seen the key, and the provider has not seen the request.
  { at: [401, 403], words: new RegExp(`^${htmlMark}`), reason: "network" },
  // Overflow: Anthropic, Bedrock, Gemini, xAI, Mistral, Cohere and every local server tell it in words alone.
  { at: [400, 413, 422, 500], words: /prompt (is )?too long|input is too long|input token count.{0,40}exceeds the maximum|maximum (context|prompt|model) length|too large for model with|reduce the length of (the|your) (messages|input|prompt)|context limit/i, reason: "context_overflow" },
  { at: [400, 413, 422, 500], words: /exceeds? (the )?(available |model.s |maximum )?(context|limit of \d+$)|context (length|window|size).{0,40}exceed|max_new_tokens. must be <=|longer than the (model.s context|maximum model)|input is too large to process|too many (input )?tokens in/i, reason: "context_overflow" },
];

/** In a stream there is no status: there the words of every status are believed. */
function reasonOfWords(message: string, status: number | undefined, hasImages: boolean): FailureReason | undefined {
  // Gemini's limit for the body as a whole, 20 MB: text that long is far beyond any window, so it was the pictures.
  if (/request payload size exceeds the limit/i.test(message)) return hasImages ? "image_size" : "context_overflow";
  return wordRules.find(
    ({ at, words }) => (status === undefined || (at ?? [status]).includes(status)) && words.test(message),
  )?.reason;
}

// oxfmt-ignore
const statuses: Readonly<Record<number, FailureReason>> = {
  401: "auth",
  402: "billing",
  403: "auth",
  404: "model_not_found",
  408: "timeout",
  409: "overloaded",
  410: "model_not_found",
  // Too early, too much for the tier (Groq), a model that failed (Bedrock), a client that was said to have gone (proxies).
  424: "overloaded",
  425: "overloaded",
  429: "rate_limit",
  451: "bad_request",
  498: "overloaded",
  499: "overloaded",
  501: "bad_request",
  504: "timeout",
  // Cloudflare in front of a provider whose own server is down, unreachable, or without a certificate; 524 is silence.
  521: "network",
  522: "network",
  523: "network",
  524: "timeout",
  525: "network",
  526: "network",
  530: "network",
};

function reasonOfStatus(status: number, hasImages: boolean): FailureReason {
  // By bytes, not by tokens: a proxy's or the provider's limit of a body.
  if (status === 413) return hasImages ? "image_size" : "context_overflow";
  if (status >= 300 && status < 400) return "model_not_found";
  return statuses[status] ?? (status >= 500 ? "overloaded" : "bad_request");
}

const silentCodes = new Set(["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "ESOCKETTIMEDOUT"]);

function reasonOfNetwork(code: string | undefined): FailureReason | undefined {
  if (code === undefined) return undefined;
  return silentCodes.has(code) ? "timeout" : "network";
}

/** A provider names its codes as it likes, "constructor" too. */
function first(codes: readonly string[], table: Readonly<Record<string, FailureReason>>): FailureReason | undefined {
  const known = codes.find((code) => Object.hasOwn(table, code));
  return known === undefined ? undefined : table[known];
}
