/** What a conformance case connects with: a link that records, and a platform that is taken down afterwards. */
import assert from "node:assert/strict";
import { AppError } from "../../domain/app-error.ts";
import type { InboundMessage } from "../../domain/message.ts";
import { systemClock } from "../../platform/clock.ts";
import { systemIds } from "../../platform/ids.ts";
import { noFailpoints } from "../../platform/failpoints.ts";
import type { Log } from "../../platform/log.ts";
import type { CaseContext, ConformanceChat, ConformancePlatform } from "../conformance.ts";
import type {
  AccountMemory,
  ChannelAccount,
  ChannelConnection,
  ChannelLink,
  OutboundPiece,
  ReceiveOutcome,
  WebhookHandler,
  WebhookPort,
} from "../contract.ts";

const clock = systemClock();
const ids = systemIds();

/** Long enough for a server that thinks about it, short enough for a test. */
export const patienceMs = 15_000;

export class RecordingLink implements ChannelLink {
  readonly clock = clock;
  readonly ids = ids;
  readonly log: Log = quietLog;
  readonly received: InboundMessage[] = [];
  readonly losses: AppError[] = [];
  readonly commands = [{ name: "help", description: "What can be said" }];
  readonly failpoints = noFailpoints;
  /** What the account would remember behind a restart. Give it to the next link, and the account is the same one. */
  readonly remembered = new Map<string, unknown>();
  readonly memory: AccountMemory = {
    get: (key) => Promise.resolve(this.remembered.get(key)),
    put: (key, value) => {
      // As the store does: what comes back is equal, and not the same.
      this.remembered.set(key, JSON.parse(JSON.stringify(value)));
      return Promise.resolve();
    },
  };
  /** What is mounted now, by path. */
  readonly mounted = new Map<string, WebhookHandler>();
  /** The name besides the gateway's own that each path may be asked by. */
  readonly publicHosts = new Map<string, string | undefined>();
  readonly webhooks: WebhookPort = {
    mount: (path, handler, publicHost) => {
      this.mounted.set(path, handler);
      this.publicHosts.set(path, publicHost);
      return () => void this.mounted.delete(path);
    },
  };
  /** What the house says to each message. */
  verdict: (message: InboundMessage) => ReceiveOutcome = () => ({ outcome: "accepted" });
  readonly #waiting = new Set<() => void>();
  readonly #patienceMs: number;

  constructor(waitMs: number = patienceMs) {
    this.#patienceMs = waitMs;
  }

  receive(message: InboundMessage): Promise<ReceiveOutcome> {
    this.received.push(message);
    const verdict = this.verdict(message);
    for (const wake of this.#waiting) wake();
    return Promise.resolve(verdict);
  }

  lost(error: AppError): void {
    this.losses.push(error);
    for (const wake of this.#waiting) wake();
  }

  /** Resolves when it is so; fails after a while. */
  async until(what: string, isSo: (link: RecordingLink) => boolean): Promise<void> {
    if (isSo(this)) return;
    await within(
      this.#patienceMs,
      what,
      new Promise<void>((resolve) => {
        const wake = (): void => {
          if (!isSo(this)) return;
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      }),
    );
  }
}

const quietLog: Log = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
  child: () => quietLog,
};

export interface Session<Config> {
  readonly platform: ConformancePlatform<Config>;
  readonly link: RecordingLink;
  readonly connection: ChannelConnection;
}

/** Opens a platform for one case and closes it whatever happens. */
export async function withPlatform<Config>(
  { harness }: CaseContext<Config>,
  use: (platform: ConformancePlatform<Config>) => Promise<void>,
): Promise<void> {
  const platform = await harness.open();
  try {
    await use(platform);
  } finally {
    await platform.close();
  }
}

/** The same with a connection that stands. */
export async function withConnection<Config>(
  context: CaseContext<Config>,
  use: (session: Session<Config>) => Promise<void>,
): Promise<void> {
  await withPlatform(context, async (platform) => {
    const link = new RecordingLink(context.harness.patienceMs);
    const connection = await connect(context, platform.account, link);
    try {
      await use({ platform, link, connection });
    } finally {
      await connection.close();
    }
  });
}

export function connect<Config>(
  { module }: CaseContext<Config>,
  account: ChannelAccount<Config>,
  link: ChannelLink = new RecordingLink(),
): Promise<ChannelConnection> {
  return module.connect(account, link, AbortSignal.timeout(patienceMs));
}

export function soon(): AbortSignal {
  return AbortSignal.timeout(patienceMs);
}

export function pieceTo<Config>(
  platform: ConformancePlatform<Config>,
  chat: ConformanceChat,
  text: string,
): OutboundPiece {
  return {
    id: `${ids.uuid()}.0`,
    address: platform.address(chat),
    text,
    label: null,
    replyToId: null,
    attachments: [],
  };
}

/** Fails where the promise takes longer. */
export async function within<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.after(limitMs, () => late.reject(new AppError("SYS_001", `${what}: not within ${limitMs} ms`)));
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    timer.cancel();
  }
}

/** The AppError that it must throw. */
export async function thrown(promise: Promise<unknown>): Promise<AppError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof AppError, `it must throw an AppError, not ${String(error)}`);
    return error;
  }
  return assert.fail("it must throw");
}
