/** One address → what can be read there. Asks through the egress guard alone; follows what it lets through. */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Egress } from "../../platform/egress.ts";
import { decodeText } from "./charset.ts";
import type { PageReader } from "./page-reader.ts";

export interface FetchedPage {
  /** After redirects. */
  readonly url: string;
  readonly title: string;
  readonly text: string;
}

export interface FetchDeps {
  readonly egress: Pick<Egress, "fetch">;
  readonly read: PageReader;
  /** Says who asks. */
  readonly userAgent: string;
}

/** Throws RUN_003 with words for the model: none of them are the server's. RUN_001 where the signal ended it. */
export async function fetchPage(url: string, signal: AbortSignal, deps: FetchDeps): Promise<FetchedPage> {
  const response = await asked(url, signal, deps);
  const type = mediaType(response);
  if (!response.ok) {
    await response.body?.cancel();
    throw new AppError("RUN_003", `The server answered with status ${response.status}. ${adviceFor(response.status)}`);
  }
  const kind = kindOf(type);
  if (kind === "other") {
    const length = Number(response.headers.get("content-length") ?? "0");
    await response.body?.cancel();
    return { url: response.url, title: "", text: notReadable(type, length) };
  }
  const bytes = await bytesOf(response);
  const text = decodeText(bytes, response.headers.get("content-type") ?? "");
  // Text and a page in it, or neither: what the server says is not always so.
  if (text.slice(0, 4_096).includes("\u0000"))
    return { url: response.url, title: "", text: notReadable(type, bytes.length) };
  const isPage = kind === "html" || (type === "" && /^\s*(<!doctype html|<html[\s>])/i.test(text));
  if (!isPage) return { url: response.url, title: "", text: text.slice(0, limits.webPageChars) };
  const { title, markdown } = await deps.read({ html: text, url: response.url }, signal);
  return { url: response.url, title, text: markdown };
}

async function asked(url: string, signal: AbortSignal, { egress, userAgent }: FetchDeps): Promise<Response> {
  try {
    return await egress.fetch(url, {
      headers: {
        "user-agent": userAgent,
        accept:
          "text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, text/plain;q=0.8, application/json;q=0.8, */*;q=0.1",
        "accept-language": "en, *;q=0.5",
      },
      signal,
      maxBytes: limits.webPageBytes,
      timeoutMs: limits.webFetchTimeoutMs,
    });
  } catch (thrown) {
    throw forModel(thrown);
  }
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (thrown) {
    throw forModel(thrown);
  }
}

/** What the guard says of an address is our own; what a server or a library says is left out. */
function forModel(thrown: unknown): AppError {
  const error = AppError.from(thrown, "CONN_001");
  if (error.code === "RUN_001" || error.code === "SEC_005") return error;
  const why =
    error.code === "MSG_003"
      ? `The page is larger than ${limits.webPageBytes / (1024 * 1024)} MiB.`
      : "The server could not be reached, broke off, or was too slow.";
  return new AppError("RUN_003", `${why} Try another address.`, { cause: error });
}

function mediaType(response: Response): string {
  const [type = ""] = (response.headers.get("content-type") ?? "").split(";");
  const plain = type.trim().toLowerCase();
  return /^[\w.+-]{1,64}\/[\w.+-]{1,64}$/.test(plain) ? plain : "";
}

function kindOf(type: string): "html" | "text" | "other" {
  if (type === "text/html" || type === "application/xhtml+xml") return "html";
  if (type === "" || type.startsWith("text/")) return "text";
  return /^application\/(?:.{1,40}\+)?(?:json|xml|yaml|x-yaml|toml|javascript|x-ndjson|jsonl|x-sh)$/.test(type)
    ? "text"
    : "other";
}

const spoken: readonly (readonly [RegExp, string])[] = [
  [/^application\/pdf$/, "a PDF document"],
  [/^image\//, "a picture; the tool image can look at one"],
  [/^(audio|video)\//, "sound or film"],
  [/zip|gzip|tar|compressed/, "an archive"],
];

function notReadable(type: string, sizeBytes: number): string {
  const what = spoken.find(([pattern]) => pattern.test(type))?.[1] ?? "no text";
  const size = Number.isSafeInteger(sizeBytes) && sizeBytes > 0 ? `, ${sizeBytes} bytes` : "";
  return `[This address is ${what} (${type === "" ? "of no type" : type}${size}). web_fetch reads pages and text only.]`;
}

function adviceFor(status: number): string {
  if (status === 404 || status === 410) return "There is no such page: check the address, or search for it.";
  if (status === 401 || status === 403) return "It wants a login or refuses programs: use another source.";
  if (status === 429) return "It was asked too often: use another source, or try later.";
  return "Try another address, or later.";
}
