/**
 * An error as it may be shown and kept, when a stranger had a say in it: servers quote what they were given. Only values
 * that are known to be secret are taken out, so that its sentence stays one.
 */
import { AppError } from "../domain/app-error.ts";

/** The same error where nothing had to be taken out. Its cause stays: nothing but the log looks at it. */
export function withoutSecrets(error: AppError, redact: (text: string) => string): AppError {
  const message = redact(error.message);
  const details = copy(error.details, redact, 0) as AppError["details"];
  if (message === error.message && JSON.stringify(details) === JSON.stringify(error.details)) return error;
  return new AppError(error.code, message, {
    cause: error.cause,
    details,
    retry: error.retry,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  });
}

const deepest = 6;

function copy(value: unknown, redact: (text: string) => string, depth: number): unknown {
  if (typeof value === "string") return redact(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= deepest) return "[deeper]";
  if (Array.isArray(value)) return value.map((one) => copy(one, redact, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [redact(key), copy(one, redact, depth + 1)]));
}
