/** Reads a page of the web as text. Goes out through the egress guard, runs no script, and hands on other people's words. */
import { z } from "zod";
import { cleanSource } from "../../domain/external.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Egress } from "../../platform/egress.ts";
import { truncateText } from "../../domain/text.ts";
import type { Tool, ToolOutput } from "../contract.ts";
import { fetchPage, type FetchedPage } from "./fetch-page.ts";
import { createPageCache } from "./page-cache.ts";
import { createPageReader, type PageReader } from "./page-reader.ts";

const inputSchema = z.object({
  url: z.string().min(1).max(limits.webUrlChars),
  maxChars: z.int().positive().optional(),
});

export interface WebFetchDeps {
  /** Lets private hosts through only where an administrator named them. */
  readonly egress: Pick<Egress, "check" | "fetch">;
  readonly clock: Clock;
  /** `tools.web.fetch.maxChars` in force. */
  readonly maxChars: () => number;
  readonly version: string;
  /** A thread for each page where absent. */
  readonly read?: PageReader;
}

export function createWebFetchTool(deps: WebFetchDeps): Tool<z.infer<typeof inputSchema>> {
  const cache = createPageCache();
  const read = deps.read ?? createPageReader({ clock: deps.clock });
  const userAgent = `OpenClaw/${deps.version} (personal assistant; reads one page at a person's request)`;
  return {
    name: "web_fetch",
    description: "Reads a page of the web as Markdown; no scripts, no login.",
    inputSchema,
    effect: "pure",
    timeoutMs: () => limits.webFetchTimeoutMs + limits.webReadTimeoutMs,
    plan: ({ url }) => Promise.resolve({ kind: "fetch", url: deps.egress.check(url).url.href }),
    async run({ url, maxChars }, { clock, signal }) {
      const { href } = deps.egress.check(url).url;
      const nowMs = clock.nowMs();
      let page = cache.get(href, nowMs);
      if (page === null) {
        page = await fetchPage(href, signal, { egress: deps.egress, read, userAgent });
        cache.put(href, page, nowMs);
      }
      return shown(page, Math.min(maxChars ?? Number.POSITIVE_INFINITY, deps.maxChars()));
    },
  };
}

function shown({ url, title, text }: FetchedPage, maxChars: number): ToolOutput {
  const head = [title === "" ? "" : `# ${title}`, `<${url}>`].filter((line) => line !== "").join("\n");
  const body = text.trim() === "" ? "[The page has no text that can be read without running its scripts.]" : text;
  const part = truncateText(body, maxChars, "utf16");
  const note = part.length < body.length ? `\n\n[cut: ${part.length} of ${body.length} characters shown]` : "";
  return { text: `${head}\n\n${part}${note}`, from: { class: "foreign", source: cleanSource(`web page ${url}`) } };
}
