/**
 * The static pages: `/chat`, and where to find it. Files are served by their exact name from one folder; a name that
 * could be a path is not a name. Nothing in a page may load, frame or run what did not come from here.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { AppError } from "../../domain/app-error.ts";
import type { Config } from "../../config/schema/root.ts";
import type { GatewayDeps } from "../deps.ts";
import type { Exchange, PublicRoute } from "./contract.ts";

export function pageRoutes({ pagesDir }: Pick<GatewayDeps, "pagesDir">): readonly PublicRoute[] {
  const files = createFileCache(join(pagesDir, "chat"));
  const shared = { method: "GET", scope: null, enabled: servesPages } as const;
  const index = (exchange: Exchange): Promise<void> => sendFile(exchange, files, "index.html");
  return [
    ...["/", "/ui", "/ui/"].map((path): PublicRoute => ({ ...shared, path, handle: redirectToChat })),
    { ...shared, path: "/chat", handle: index },
    { ...shared, path: "/chat/", handle: index },
    { ...shared, path: "/chat/{id}", handle: (exchange) => sendFile(exchange, files, exchange.param ?? "") },
  ];
}

function servesPages({ gateway }: Config): boolean {
  return gateway.controlUi.enabled;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Strict: no inline script or style, no other origin, no frame around it, no sink that takes text as HTML. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

export const pageHeaders = Object.freeze({
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
  // Always asked for again, and answered with 304: an update is seen at the next load.
  "cache-control": "no-cache",
});

interface PageFile {
  readonly content: Buffer;
  readonly type: string;
  readonly etag: string;
}

interface FileCache {
  read(name: string): Promise<PageFile | null>;
}

/** Keeps what it has read: the folder holds a handful of files that change with the program alone. */
function createFileCache(folder: string): FileCache {
  const known = new Map<string, PageFile>();
  return {
    read: async (name) => {
      const cached = known.get(name);
      if (cached !== undefined) return cached;
      const type = types[extname(name)];
      if (type === undefined || !/^[a-z0-9-]{1,64}\.[a-z]{2,4}$/.test(name)) return null;
      const content = await readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return null;
        throw new AppError("SYS_001", "A page could not be read.", { cause: error });
      });
      if (content === null) return null;
      const etag = `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`;
      const file: PageFile = { content, type, etag };
      known.set(name, file);
      return file;
    },
  };
}

async function sendFile({ req, res }: Exchange, files: FileCache, name: string): Promise<void> {
  const file = await files.read(name);
  if (file === null) throw new AppError("RPC_002", "There is nothing at this address.");
  const { content, type, etag } = file;
  if (req.headers["if-none-match"] === etag) {
    res.writeHead(304, { ...pageHeaders, etag });
    res.end();
    return;
  }
  res.writeHead(200, { ...pageHeaders, etag, "content-type": type, "content-length": content.length });
  res.end(req.method === "HEAD" ? undefined : content);
}

/** The fragment, in which a login code may stand, is kept by the browser over a redirect and never sent to us. */
function redirectToChat({ res }: Exchange): void {
  res.writeHead(302, { ...pageHeaders, location: "/chat", "content-length": 0 });
  res.end();
}
