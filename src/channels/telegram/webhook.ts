/**
 * What Telegram hears when it calls us. It believes only who knows the secret, says "received" only after the event is
 * durable, and asks for it again where it cannot be stored now.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { AppError } from "../../domain/app-error.ts";
import type { Log } from "../../platform/log.ts";
import type { WebhookHandler } from "../contract.ts";
import type { Intake } from "./intake.ts";

const secretHeader = "x-telegram-bot-api-secret-token";

export interface WebhookOptions {
  readonly secret: string;
  readonly intake: Intake;
  readonly log: Log;
  /** Told of every call that knew the secret. */
  readonly heard: () => void;
}

export function webhookHandler({ secret, intake, log, heard }: WebhookOptions): WebhookHandler {
  return async ({ headers, body, remoteAddress }) => {
    if (!sameSecret(headers[secretHeader] ?? "", secret)) {
      const error = new AppError("CONN_004", "A call of the webhook did not know its secret.");
      log.warn(error.message, { error: error.toJSON(), remoteAddress });
      return { status: 401 };
    }
    heard();
    const update = readJson(body);
    if (update === undefined) {
      // Sent again it would be no better.
      log.warn("What came by the webhook is no JSON, and was stepped over.", { sizeBytes: body.length });
      return { status: 200 };
    }
    return { status: (await intake.take(update)) === "done" ? 200 : 503 };
  };
}

/** Takes the same time whatever is wrong with it. */
function sameSecret(given: string, expected: string): boolean {
  const [left, right] = [given, expected].map((text) => createHash("sha256").update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}

function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8")) as unknown;
  } catch {
    // Told from the JSON value null by being undefined.
    return undefined;
  }
}
