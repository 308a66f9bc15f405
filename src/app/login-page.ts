/**
 * Where a browser comes back to after a login: a port of this machine that listens for as long as one login takes. It
 * shows two fixed pages and keeps nothing; what came is judged by whoever began the login.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";

export interface LoginPage {
  /** What the provider is told to send the browser to. */
  readonly redirectUri: string;
  /**
   * Hands every request for that address to `take`, in order, until it says that this was the one. Throws RUN_001 where
   * the signal ends it, SYS_005 after `limits.loginStrayRequests` others.
   */
  wait(take: (address: string) => boolean, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** `registered`: an address of this machine that the provider knows; its port is taken then. Throws SYS_005. */
export async function openLoginPage(registered: string | null): Promise<LoginPage> {
  const wanted = registered === null ? new URL("http://127.0.0.1/callback") : new URL(registered);
  if (!loopbackNames.includes(wanted.hostname) || wanted.protocol !== "http:") {
    throw new AppError("SYS_003", `${wanted.origin} is not an address of this machine: use --paste.`);
  }
  const server = createServer();
  const given = Promise.withResolvers<number>();
  server.once("error", given.reject);
  server.listen(wanted.port === "" ? 0 : Number(wanted.port), "127.0.0.1", () =>
    given.resolve((server.address() as AddressInfo).port),
  );
  const port = await given.promise.catch((error: unknown) => {
    throw new AppError("SYS_005", `Port ${wanted.port} of this machine is not free: use --paste.`, { cause: error });
  });
  wanted.port = String(port);
  return {
    redirectUri: wanted.href,
    wait(take, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      let strays = 0;
      const onAbort = (): void => reject(new AppError("RUN_001", "The login was given up.", { cause: signal.reason }));
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      server.on("request", (request, response) => {
        if (isForUs(request, wanted) && take(request.url ?? "")) {
          answer(response, 200, "You are logged in. You can close this page.");
          resolve();
          return;
        }
        answer(response, 404, "This is not the page you are looking for.");
        strays += 1;
        if (strays >= limits.loginStrayRequests)
          reject(new AppError("SYS_005", "Something else calls the port of this login: use --paste."));
      });
      return promise.finally(() => signal.removeEventListener("abort", onAbort));
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const loopbackNames: readonly string[] = ["127.0.0.1", "localhost"];

/** Asked by its own name: a page elsewhere that had its name point here would ask by that. */
function isForUs(request: IncomingMessage, { port, pathname }: URL): boolean {
  const names = loopbackNames.map((name) => `${name}:${port}`);
  const url = URL.parse(request.url ?? "", "http://127.0.0.1");
  return request.method === "GET" && names.includes(request.headers.host ?? "") && url?.pathname === pathname;
}

function answer(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-security-policy": "default-src 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close",
  });
  response.end(`${sentence}\n`);
}
