/** Searches the web by the service of the configuration. Without one there is no such tool. */
import { z } from "zod";
import type { Config } from "../../config/schema/root.ts";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { truncateBytes } from "../../domain/text.ts";
import type { Egress } from "../../platform/egress.ts";
import type { Tool, ToolOutput } from "../contract.ts";
import { askService } from "./ask-service.ts";
import { brave, braveUrl } from "./brave.ts";
import type { SearchResult, SearchService } from "./result.ts";
import { searxng } from "./searxng.ts";

const mostResults = 20;

const inputSchema = z.object({
  query: z.string().trim().min(1).max(limits.webSearchQueryChars).describe("What to search for, as in a search engine"),
  count: z.int().min(1).max(mostResults).optional().describe("Most results; the setting where left out"),
});

export type SearchSettings = NonNullable<Config["tools"]["web"]["search"]>;

export interface WebSearchDeps {
  readonly egress: Pick<Egress, "trustedFetch">;
  /** `tools.web.search` in force. */
  readonly settings: () => SearchSettings | undefined;
}

/** Null where the configuration names no service, or not all that it needs. */
export function createWebSearchTool(deps: WebSearchDeps): Tool<z.infer<typeof inputSchema>> | null {
  if (serviceOf(deps.settings()) === null) return null;
  return {
    name: "web_search",
    description: "Searches the web: titles, addresses and short texts of pages.",
    inputSchema,
    effect: "pure",
    timeoutMs: () => limits.webSearchTimeoutMs,
    plan({ query, count }) {
      const service = serviceNow(deps);
      return Promise.resolve({ kind: "fetch", url: service.request({ query, count: countOf(count, deps) }).url.href });
    },
    async run({ query, count }, { signal }) {
      const service = serviceNow(deps);
      const wanted = countOf(count, deps);
      const request = deps.egress.trustedFetch([service.baseUrl]);
      const results = await askService(service, { query, count: wanted }, { request, signal });
      return shown(results.filter(isPage).slice(0, wanted), service);
    },
  };
}

/** Null: nothing is configured that could be asked. */
export function serviceOf(settings: SearchSettings | undefined): SearchService | null {
  if (settings === undefined || !settings.enabled) return null;
  const { provider, baseUrl, apiKey } = settings;
  if (provider === "searxng") return baseUrl === undefined ? null : searxng(baseUrl);
  return provider === "brave" && apiKey !== undefined ? brave(apiKey, baseUrl ?? braveUrl) : null;
}

function serviceNow({ settings }: WebSearchDeps): SearchService {
  const service = serviceOf(settings());
  if (service === null) throw new AppError("RUN_003", "No search service is configured any more. Go on without it.");
  return service;
}

function countOf(count: number | undefined, { settings }: WebSearchDeps): number {
  return Math.min(count ?? settings()?.maxResults ?? 5, mostResults);
}

/** An address that web_fetch could read. */
function isPage({ url }: SearchResult): boolean {
  return url.length <= limits.webUrlChars && /^https?:$/.test(URL.parse(url)?.protocol ?? "");
}

function shown(results: readonly SearchResult[], { name }: SearchService): ToolOutput {
  const lines = results.map(({ title, url, snippet, age }, index) => {
    const when = age === "" ? "" : ` (${line(age, 40)})`;
    const text = line(snippet, limits.webSearchSnippetBytes);
    const head = `${index + 1}. ${line(title, 200) || "(no title)"}${when}`;
    return [head, `   ${url.replaceAll(/\s/g, "")}`, ...(text === "" ? [] : [`   ${text}`])].join("\n");
  });
  return {
    // Without the query: its words are the model's, and what stands in a result counts as found.
    text: lines.length === 0 ? "Nothing was found." : lines.join("\n"),
    from: { class: "foreign", source: `web search (${name})` },
  };
}

/** Titles and texts come with marks of HTML in them, which say nothing. */
function line(text: string, maxBytes: number): string {
  const plain = text
    .replaceAll(/<\/?(?:b|strong|em|i|mark|span)>/gi, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll(/&#(?:39|x27);/g, "'")
    .replaceAll("&amp;", "&");
  return truncateBytes(plain.replaceAll(/\s+/g, " ").trim(), maxBytes);
}
