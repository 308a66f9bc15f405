/** What every search service is made to say. */

export interface SearchResult {
  readonly title: string;
  readonly url: string;
  readonly snippet: string;
  /** As the service words it; empty where it does not say. */
  readonly age: string;
}

export interface SearchQuery {
  readonly query: string;
  readonly count: number;
}

/** A service: how it is asked, and how its answer is read. Pure; the asking is `ask-service.ts`'s. */
export interface SearchService {
  readonly name: string;
  /** Where it is; no request goes elsewhere. */
  readonly baseUrl: string;
  request(query: SearchQuery): { readonly url: URL; readonly headers: Readonly<Record<string, string>> };
  /** Null where the body is not such an answer. May give more than were asked for. */
  results(body: unknown): readonly SearchResult[] | null;
}
