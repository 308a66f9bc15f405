/** How a bot hears: by polling, or by a webhook; never both. */
import { botApiLimits } from "../bot-api-limits.ts";
import { badRequest, Refusal } from "../refusal.ts";
import { notJson, type Params } from "../request/params.ts";
import { terminatedByWebhook, webhookIsActive } from "../updates/update-queue.ts";
import { isLoopback } from "../updates/webhook.ts";
import type { Call, Done } from "./method.ts";

export async function getUpdates(call: Call): Promise<Done | Refusal> {
  const { params, bot, webhook, signal } = call;
  if (webhook.settings !== null) return webhookIsActive;
  const asked = params.text("limit") === "" ? botApiLimits.updatesPerPoll : params.integer("limit");
  const answer = await bot.queue.poll(
    {
      offset: params.integer("offset"),
      limit: asked >= 1 && asked <= botApiLimits.updatesPerPoll ? asked : botApiLimits.updatesPerPoll,
      timeoutS: Math.min(Math.max(0, params.integer("timeout")), botApiLimits.pollTimeoutS),
      allowedUpdates: allowedUpdates(params),
    },
    signal,
  );
  return answer instanceof Refusal ? answer : { result: answer.map(({ body }) => body) };
}

export function setWebhook(call: Call): Done | Refusal {
  const { params, bot, webhook } = call;
  const url = params.text("url").trim();
  if (url === "") return deleteWebhook(call);
  const secretToken = params.text("secret_token");
  const wrong = wrongUrl(url) ?? wrongSecret(secretToken);
  if (wrong !== null) return wrong;
  const connections = params.integer("max_connections");
  const settings = {
    url,
    secretToken,
    maxConnections:
      connections === 0
        ? botApiLimits.webhookConnectionsDefault
        : Math.min(Math.max(1, connections), botApiLimits.webhookConnections),
  };
  if (params.flag("drop_pending_updates")) bot.queue.clear();
  bot.queue.allow(allowedUpdates(params));
  bot.queue.interrupt(terminatedByWebhook);
  const before = webhook.settings;
  const isSame =
    before?.url === url &&
    before.secretToken === secretToken &&
    before.maxConnections === settings.maxConnections &&
    !params.flag("drop_pending_updates");
  if (isSame) return { result: true, description: "Webhook is already set" };
  webhook.set(settings);
  return { result: true, description: "Webhook was set" };
}

export function deleteWebhook({ params, bot, webhook }: Call): Done {
  if (params.flag("drop_pending_updates")) bot.queue.clear();
  if (webhook.settings === null) return { result: true, description: "Webhook is already deleted" };
  webhook.set(null);
  return { result: true, description: "Webhook was deleted" };
}

export function getWebhookInfo({ bot, webhook }: Call): Done {
  const { settings, lastError } = webhook;
  return {
    result: {
      url: settings?.url ?? "",
      has_custom_certificate: false,
      pending_update_count: bot.queue.size,
      ...(settings === null ? {} : { max_connections: settings.maxConnections, ip_address: "127.0.0.1" }),
      ...(lastError === null
        ? {}
        : { last_error_date: Math.floor(lastError.atMs / 1_000), last_error_message: lastError.message }),
      ...(bot.queue.allowed === null ? {} : { allowed_updates: bot.queue.allowed }),
    },
  };
}

/** A list that cannot be read is as good as none: what was wanted before stays. */
function allowedUpdates(params: Params): readonly string[] | undefined {
  const given = params.json("allowed_updates");
  if (given === notJson || !Array.isArray(given)) return undefined;
  return given.every((type) => typeof type === "string") ? given : undefined;
}

/** The real server wants HTTPS on one of four ports; on loopback nobody has a certificate. */
function wrongUrl(url: string): Refusal | null {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null) return badRequest("bad webhook: invalid webhook URL specified");
  if (!isLoopback(parsed.hostname)) return badRequest("bad webhook: Failed to resolve host: Name or service not known");
  return parsed.protocol === "https:" || parsed.protocol === "http:"
    ? null
    : badRequest("bad webhook: An HTTPS URL must be provided for webhook");
}

function wrongSecret(secretToken: string): Refusal | null {
  if (secretToken.length > botApiLimits.secretTokenChars) return badRequest("secret token is too long");
  return /^[\w-]*$/.test(secretToken) ? null : badRequest("secret token contains unallowed characters");
}
