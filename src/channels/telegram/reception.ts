/**
 * How updates reach us: asked for, or by a webhook. A webhook that does not deliver is replaced by asking until it does;
 * Telegram keeps what it could not deliver, and what comes both ways is known as a duplicate, so nothing is lost or
 * heard twice by the change.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Timer } from "../../platform/clock.ts";
import { defaultAccountId } from "../account-settings.ts";
import type { ChannelAccount, ChannelLink } from "../contract.ts";
import type { BotApi } from "./api.ts";
import type { Cursor } from "./cursor.ts";
import type { Intake } from "./intake.ts";
import type { TelegramConfig } from "./manifest.ts";
import { Poller } from "./poll.ts";
import { webhookHandler } from "./webhook.ts";
import { allowedUpdates, readWebhookInfo, type WebhookInfo } from "./wire.ts";

/** How often it is looked whether the webhook delivers. Two looks in a row are enough to give it up. */
export const webhookLookMs = 10_000;
/** How long updates are asked for before the webhook is tried again. */
export const webhookRestMs = 5 * 60_000;

export interface ReceptionOptions {
  readonly account: ChannelAccount<TelegramConfig>;
  readonly api: BotApi;
  readonly intake: Intake;
  readonly cursor: Cursor;
  readonly link: ChannelLink;
  /** Called at most once. */
  readonly lost: (error: AppError) => void;
}

interface Webhook {
  readonly url: string;
  readonly secret: string;
}

export class Reception {
  readonly #options: ReceptionOptions;
  readonly #abort = new AbortController();
  #webhook: Webhook | null = null;
  #unmount: () => void = () => {};
  #poller: Poller | null = null;
  #timer: Timer | null = null;
  /** The last look at the webhook that found nothing wrong. */
  #seen: WebhookInfo | null = null;
  #heard = false;
  #changing: Promise<void> = Promise.resolve();

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Resolves when Telegram has accepted the one way or the other. */
  async open(signal: AbortSignal): Promise<void> {
    const { account, intake, link } = this.#options;
    const { webhookUrl, webhookSecret } = account.config;
    const either = AbortSignal.any([signal, this.#abort.signal]);
    if (webhookUrl === undefined) {
      await this.#poll(either);
      return;
    }
    if (webhookSecret === undefined) {
      throw new AppError("CONN_002", "A webhook without a secret would believe anybody: set webhookSecret.");
    }
    const path = webhookPath(account);
    this.#webhook = { url: withPath(webhookUrl, path), secret: webhookSecret };
    const heard = (): void => void (this.#heard = true);
    const handler = webhookHandler({ secret: webhookSecret, intake, log: link.log, heard });
    this.#unmount = link.webhooks.mount(path, handler, new URL(webhookUrl).hostname);
    if (!(await this.#callable(this.#webhook, either))) await this.#fallBack(either);
  }

  /** Resolves when nothing of it is under way any more. Idempotent. A webhook stays set: Telegram keeps what comes. */
  async close(): Promise<void> {
    this.#abort.abort(new AppError("CONN_001", "The connection is closed."));
    this.#timer?.cancel();
    this.#unmount();
    await Promise.all([this.#poller?.stop(), this.#changing]);
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { api } = this.#options;
    // While a webhook is set, by us or by whoever had the bot before, nothing is answered to a question.
    await api.ask("deleteWebhook", { drop_pending_updates: false }, { signal });
    const poller = new Poller(this.#options);
    await poller.start(signal);
    this.#poller = poller;
    if (this.#abort.signal.aborted) await poller.stop();
  }

  /** False where Telegram does not take the address; throws where it cannot be asked. */
  async #callable({ url, secret }: Webhook, signal: AbortSignal): Promise<boolean> {
    const { api, link } = this.#options;
    const params = { url, secret_token: secret, allowed_updates: allowedUpdates, drop_pending_updates: false };
    const answer = await api.call("setWebhook", params, { signal });
    if (!answer.ok) {
      if (answer.status !== 400) throw answer.error;
      link.log.warn("Telegram does not take the webhook.", { error: answer.error.toJSON() });
      return false;
    }
    this.#seen = readWebhookInfo(await api.ask("getWebhookInfo", {}, { signal }));
    this.#heard = false;
    link.note?.(null);
    this.#later(webhookLookMs, () => this.#look());
    return true;
  }

  async #look(): Promise<void> {
    const signal = this.#abort.signal;
    const answer = await this.#options.api.call("getWebhookInfo", {}, { signal });
    const info = answer.ok ? readWebhookInfo(answer.result) : null;
    const why = info === null ? null : this.#whatIsWrong(info);
    if (why === null) {
      this.#later(webhookLookMs, () => this.#look());
      return;
    }
    this.#options.link.log.warn("The webhook does not deliver: updates are asked for instead.", { why });
    await this.#fallBack(signal);
  }

  /** A sentence, or null. Numbers of Telegram are compared with each other alone: its clock is not ours. */
  #whatIsWrong(info: WebhookInfo): string | null {
    const before = this.#seen;
    const heard = this.#heard;
    this.#heard = false;
    this.#seen = info;
    if (info.url !== this.#webhook?.url) return "somebody else has set another webhook, or none";
    if (info.pending_update_count === 0) return null;
    if (info.last_error_date !== undefined && info.last_error_date !== before?.last_error_date) {
      return `Telegram could not deliver: ${info.last_error_message ?? "no reason was given"}`;
    }
    const waitedBefore = before?.pending_update_count ?? 0;
    return !heard && waitedBefore > 0 && info.pending_update_count >= waitedBefore
      ? "updates wait and none is delivered"
      : null;
  }

  async #fallBack(signal: AbortSignal): Promise<void> {
    await this.#poll(signal);
    this.#options.link.note?.("The webhook does not deliver: updates are asked for until it does.");
    this.#later(webhookRestMs, () => this.#goBack());
  }

  async #goBack(): Promise<void> {
    const [webhook, poller, { signal }] = [this.#webhook, this.#poller, this.#abort];
    if (webhook === null || poller === null) return;
    this.#poller = null;
    await poller.stop();
    if (!(await this.#callable(webhook, signal))) await this.#fallBack(signal);
  }

  /** One change at a time. What fails ends the connection, as any failure of it does. */
  #later(delayMs: number, change: () => Promise<void>): void {
    if (this.#abort.signal.aborted) return;
    this.#timer = this.#options.link.clock.after(delayMs, () => {
      this.#changing = change().catch((error: unknown) => {
        if (!this.#abort.signal.aborted) this.#options.lost(AppError.from(error, "CONN_001"));
      });
    });
  }
}

function webhookPath({ accountId, config }: ChannelAccount<TelegramConfig>): string {
  if (config.webhookPath !== undefined) return config.webhookPath;
  const base = "/telegram-webhook";
  return accountId === defaultAccountId ? base : `${base}/${encodeURIComponent(accountId)}`;
}

/** An address that names a path is believed: a proxy may lead another one to us. */
function withPath(webhookUrl: string, path: string): string {
  const url = new URL(webhookUrl);
  if (url.pathname === "/") url.pathname = path;
  return url.href;
}
