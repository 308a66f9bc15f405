/**
 * The one error type that is thrown. It carries a code of the table, a sentence for a person,
 * and details that are safe to show: never a secret, a message body or a stack.
 */
import { errorCodes, type ErrorCode, type ErrorCodeRow, type Retry } from "./error-codes.ts";

/** JSON-safe facts about the failure, already free of secrets. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface AppErrorOptions {
  readonly cause?: unknown;
  readonly details?: ErrorDetails;
  /** Overrides the table's answer, for a failure that is known to be different this time. */
  readonly retry?: Retry;
  /** Milliseconds to wait before a retry, where the other side named it. */
  readonly retryAfterMs?: number;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly retryAfterMs: number | undefined;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.retry = options.retry ?? errorCodes[code].retry;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
  }

  get row(): ErrorCodeRow {
    return errorCodes[this.code];
  }

  /** Anything thrown, as an AppError: ours unchanged, a stranger as SYS_001 (or the code given) with its cause kept. */
  static from(thrown: unknown, code: ErrorCode = "SYS_001"): AppError {
    if (thrown instanceof AppError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new AppError(code, message, { cause: thrown });
  }

  /** What crosses a process or thread boundary. */
  toJSON(): AppErrorJson {
    return {
      code: this.code,
      message: this.message,
      retry: this.retry,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      details: this.details,
    };
  }

  static fromJSON(json: AppErrorJson): AppError {
    return new AppError(json.code, json.message, {
      retry: json.retry,
      details: json.details,
      ...(json.retryAfterMs === undefined ? {} : { retryAfterMs: json.retryAfterMs }),
    });
  }
}

export interface AppErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: Retry;
  readonly retryAfterMs?: number;
  readonly details: ErrorDetails;
}
