/** Brave Search: a service of the web's, by key. At most twenty results a search. */
import { z } from "zod";
import type { SearchService } from "./result.ts";

const answerSchema = z.object({
  // Without results there is no such part.
  web: z
    .object({
      results: z.array(
        z
          .object({
            url: z.string(),
            title: z.string().nullish(),
            description: z.string().nullish(),
            age: z.string().nullish(),
          })
          .catch({ url: "" }),
      ),
    })
    .optional(),
  type: z.literal("search"),
});

export const braveUrl = "https://api.search.brave.com/";

export function brave(apiKey: string, baseUrl: string = braveUrl): SearchService {
  return {
    name: "brave",
    baseUrl,
    request({ query, count }) {
      const url = new URL("res/v1/web/search", baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`);
      url.searchParams.set("q", query);
      url.searchParams.set("count", String(count));
      url.searchParams.set("text_decorations", "false");
      return { url, headers: { "x-subscription-token": apiKey } };
    },
    results(body) {
      const answer = answerSchema.safeParse(body);
      if (!answer.success) return null;
      return (answer.data.web?.results ?? []).map(({ url, title, description, age }) => ({
        url,
        title: title ?? "",
        snippet: description ?? "",
        age: age ?? "",
      }));
    },
  };
}
