/** Asks one search service, within its limits. What goes wrong is said in our words, never in the service's. */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { SearchQuery, SearchResult, SearchService } from "./result.ts";

export interface AskDeps {
  /** Asks the service's own address and no other. */
  readonly request: typeof fetch;
  readonly signal: AbortSignal;
}

/** Throws RUN_003 with a sentence for the model, RUN_001 where the signal ended it. */
export async function askService(
  service: SearchService,
  query: SearchQuery,
  { request, signal }: AskDeps,
): Promise<readonly SearchResult[]> {
  const { url, headers } = service.request(query);
  const response = await ask(request, url, { headers: { ...headers, accept: "application/json" }, signal });
  if (!response.ok) {
    await response.body?.cancel();
    throw refused(service, response.status);
  }
  const text = await bodyText(response, signal);
  const results = service.results(parsed(text));
  if (results === null) {
    throw failed(
      service.name === "searxng"
        ? "searxng answered, but not in JSON: its administrator has to switch the format json on (search.formats)."
        : `${service.name} answered with something that is no result.`,
    );
  }
  return results;
}

async function ask(request: AskDeps["request"], url: URL, init: RequestInit): Promise<Response> {
  try {
    return await request(url, init);
  } catch (cause) {
    throw broken(cause, init.signal ?? null);
  }
}

async function bodyText(response: Response, signal: AbortSignal): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response.body ?? []) {
      bytes += part.length;
      // Leaving the loop ends the request.
      if (bytes > limits.webSearchBytes) break;
      parts.push(part);
    }
  } catch (cause) {
    throw broken(cause, signal);
  }
  if (bytes > limits.webSearchBytes) throw failed("The search service answered with more than anybody can read.");
  return Buffer.concat(parts).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A page of a proxy or of the service itself, which is no answer.
    return null;
  }
}

function refused({ name }: SearchService, status: number): AppError {
  if (status === 401 || status === 403 || status === 422)
    return failed(`${name} refused the key or the request (status ${status}): its settings are in tools.web.search.`);
  if (status === 429) return failed(`${name} was asked too often or its plan is used up (status 429). Search later.`);
  return failed(`${name} failed with status ${status}. Search later.`);
}

function broken(cause: unknown, signal: AbortSignal | null): AppError {
  if (signal?.aborted === true) {
    const reason: unknown = signal.reason;
    if (reason instanceof AppError) return reason;
    return new AppError("RUN_001", "The turn was aborted while the web was searched.", { cause });
  }
  return new AppError("RUN_003", "The search service could not be reached. Go on without it.", { cause });
}

function failed(message: string): AppError {
  return new AppError("RUN_003", message);
}
