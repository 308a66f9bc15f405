/**
 * Where platforms can call us: which path belongs to which account, for as long as the connection that mounted it
 * stands. Owns the paths and nothing else: how a call gets here is the gateway's, who may call is the channel's.
 */
import { AppError } from "../domain/app-error.ts";
import type { WebhookHandler, WebhookPort, WebhookRequest } from "./contract.ts";

export interface Webhooks {
  /** What one connection of an account mounts with. */
  portFor(channel: string, accountId: string): ConnectionWebhooks;
  mounted(path: string): boolean;
  /** The name under which the platform was told to call this path; null where nothing was said of it. */
  publicHost(path: string): string | null;
  /** Null where nothing is mounted at this path; otherwise what the channel answers. */
  handle(path: string, request: WebhookRequest): Promise<WebhookAnswer> | null;
}

export type WebhookAnswer = Awaited<ReturnType<WebhookHandler>>;

export interface ConnectionWebhooks extends WebhookPort {
  /** The connection is over: what it left mounted is gone, and what it mounts from now on goes nowhere. Idempotent. */
  end(): void;
}

interface Mount {
  readonly owner: string;
  readonly handler: WebhookHandler;
  readonly publicHost: string | null;
}

/** Where programs call the gateway itself: what a platform sent to such a path would never be handed on. */
const ownPath = /^\/v1(?:\/|$)/;

export function createWebhooks(): Webhooks {
  const mounts = new Map<string, Mount>();
  return {
    portFor: (channel, accountId) => portOf(mounts, JSON.stringify([channel, accountId])),
    mounted: (path) => mounts.has(path),
    publicHost: (path) => mounts.get(path)?.publicHost ?? null,
    handle: (path, request) => mounts.get(path)?.handler(request) ?? null,
  };
}

function portOf(mounts: Map<string, Mount>, owner: string): ConnectionWebhooks {
  const own = new Map<string, Mount>();
  let ended = false;

  function unmount(path: string, mount: Mount): void {
    // A newer connection of the same account may have the path by now; that one stays.
    if (mounts.get(path) === mount) mounts.delete(path);
    if (own.get(path) === mount) own.delete(path);
  }

  return {
    mount(path, handler, publicHost) {
      if (!path.startsWith("/")) throw new AppError("CFG_004", `The webhook path ${path} does not begin with a slash.`);
      if (ownPath.test(path))
        throw new AppError("CFG_004", `The webhook path ${path} is the gateway's own; choose another.`);
      const other = mounts.get(path);
      if (other !== undefined && other.owner !== owner) {
        throw new AppError("CFG_004", `Another account has the webhook path ${path}; give each a path of its own.`);
      }
      const mount = { owner, handler, publicHost: publicHost ?? null };
      if (ended) return () => {};
      mounts.set(path, mount);
      own.set(path, mount);
      return () => unmount(path, mount);
    },
    end() {
      ended = true;
      for (const [path, mount] of own) unmount(path, mount);
    },
  };
}
