/** SearXNG: a search engine of one's own, at an address of the configuration. Its JSON format has to be switched on there. */
import { z } from "zod";
import type { SearchService } from "./result.ts";

const answerSchema = z.object({
  results: z.array(
    z
      .object({
        url: z.string(),
        title: z.string().nullish(),
        content: z.string().nullish(),
        publishedDate: z.string().nullish(),
      })
      .catch({ url: "" }),
  ),
});

export function searxng(baseUrl: string): SearchService {
  return {
    name: "searxng",
    baseUrl,
    request({ query }) {
      // `https://example.org/searx` and `https://example.org/searx/` are the same place.
      const url = new URL("search", baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`);
      url.searchParams.set("q", query);
      url.searchParams.set("format", "json");
      return { url, headers: {} };
    },
    results(body) {
      const answer = answerSchema.safeParse(body);
      if (!answer.success) return null;
      return answer.data.results.map(({ url, title, content, publishedDate }) => ({
        url,
        title: title ?? "",
        snippet: content ?? "",
        age: publishedDate ?? "",
      }));
    },
  };
}
