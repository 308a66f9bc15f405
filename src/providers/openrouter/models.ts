/**
 * OpenRouter's list of its models as ours. Believes nothing that is no number: what has no price that can be one is
 * unpriced, which is not free. Reads page after page where there are several, and no more than a limit of anything.
 */
import { AppError } from "../../domain/app-error.ts";
import type { ModelInfo } from "../../domain/conversation.ts";
import { limits } from "../../domain/limits.ts";
import type { ModelPrice } from "../../domain/money.ts";
import { record } from "../failure.ts";

type Json = Readonly<Record<string, unknown>>;

/** Fetches one page; throws where it cannot be had. */
export type PageReader = (url: URL) => Promise<unknown>;

/** In the order of the list, each id once. Throws as the reader does, and MODEL_005 where the first page is no list. */
export async function readModels(provider: string, first: URL, read: PageReader): Promise<readonly ModelInfo[]> {
  const found = new Map<string, ModelInfo>();
  const seen = new Set<string>();
  for (let url: URL | null = first; url !== null && seen.size < limits.modelListPages;) {
    seen.add(url.href);
    const page: Json | undefined = record(await read(url));
    const entries: unknown = page?.["data"];
    if (page === undefined || !Array.isArray(entries)) {
      if (seen.size > 1) break;
      throw new AppError("MODEL_005", `The list of models of ${provider} was unreadable.`, {
        details: { provider, reason: "unreadable" },
      });
    }
    for (const entry of entries) {
      const model = modelOf(provider, record(entry));
      if (model !== undefined && !found.has(model.id) && found.size < limits.modelListEntries)
        found.set(model.id, model);
    }
    url = found.size < limits.modelListEntries ? nextPage(page, url, seen) : null;
  }
  return [...found.values()];
}

/** Never to another place than the list's own: an answer does not say whom our key is sent to. */
function nextPage(page: Json, current: URL, seen: ReadonlySet<string>): URL | null {
  const link = page["next"] ?? record(page["links"])?.["next"] ?? record(page["meta"])?.["next"];
  const cursor = page["next_cursor"] ?? (page["has_more"] === true ? page["last_id"] : undefined);
  let next: URL | null = null;
  if (typeof link === "string" && link !== "") next = URL.parse(link, current.href);
  else if (typeof cursor === "string" && cursor !== "") {
    next = new URL(current);
    next.searchParams.set(page["next_cursor"] === undefined ? "after" : "cursor", cursor);
  }
  if (next === null || next.origin !== current.origin || next.pathname !== current.pathname) return null;
  return seen.has(next.href) ? null : next;
}

function modelOf(provider: string, entry: Json | undefined): ModelInfo | undefined {
  const id = entry?.["id"];
  if (typeof id !== "string" || !/^[\w.~-]+(\/[\w.:~+@-]+)+$/.test(id) || id.length > 200) return undefined;
  const name = entry?.["name"];
  const top = record(entry?.["top_provider"]);
  const parameters = Array.isArray(entry?.["supported_parameters"]) ? entry["supported_parameters"] : [];
  return {
    ref: `${provider}/${id}`,
    provider,
    id,
    name: typeof name === "string" && name !== "" ? name.slice(0, 200) : id,
    contextWindow: count(entry?.["context_length"]) ?? count(top?.["context_length"]),
    maxTokens: count(top?.["max_completion_tokens"]),
    reasoning: parameters.includes("reasoning") || parameters.includes("include_reasoning"),
    input: inputOf(record(entry?.["architecture"])),
    price: priceOf(record(entry?.["pricing"])),
  };
}

function inputOf(architecture: Json | undefined): ModelInfo["input"] {
  const modalities = Array.isArray(architecture?.["input_modalities"]) ? architecture["input_modalities"] : [];
  return [
    "text",
    ...(modalities.includes("image") ? (["image"] as const) : []),
    ...(modalities.includes("file") ? (["document"] as const) : []),
  ];
}

/**
 * Per token there, per million here. A fee per request cannot be told by a price per token: such a model is unpriced.
 * Where reading from the cache or thinking has a price of its own the dearer one counts, and what is not said costs
 * what reading costs: too much on paper, never too little.
 */
export function priceOf(pricing: Json | undefined): ModelPrice | undefined {
  if (pricing === undefined) return undefined;
  const input = perMillion(pricing["prompt"]);
  const written = perMillion(pricing["completion"]);
  if (input === undefined || written === undefined) return undefined;
  const said = (field: string): number | null | undefined =>
    pricing[field] === undefined || pricing[field] === null ? null : perMillion(pricing[field]);
  const [request, thought, cacheRead, cacheWrite] = [
    said("request"),
    said("internal_reasoning"),
    said("input_cache_read"),
    said("input_cache_write"),
  ];
  if (request === undefined || (request !== null && request > 0)) return undefined;
  return {
    input,
    output: Math.max(written, thought ?? 0),
    cacheRead: cacheRead ?? input,
    cacheWrite: cacheWrite ?? input,
  };
}

/** More than any model costs per token, in dollars: beyond it somebody wrote a price per million. */
const mostUsdPerToken = 0.01;

/** `""`, `" "`, `null` and `true` are numbers to JavaScript; they are none here. Neither is `-1`, which means "it depends". */
function perMillion(value: unknown): number | undefined {
  const isWritten = typeof value === "string" && /^\d+(\.\d+)?(e-?\d+)?$/i.test(value.trim());
  const usd = isWritten ? Number(value) : typeof value === "number" ? value : Number.NaN;
  if (!(usd >= 0 && usd <= mostUsdPerToken)) return undefined;
  // Without the dust of binary fractions.
  return Number((usd * 1_000_000).toFixed(6));
}

function count(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : null;
}
