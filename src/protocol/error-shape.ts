/** What a client is told of a failure: made from an AppError alone, never from a stack or a stranger's message. */
import type { AppError } from "../domain/app-error.ts";
import type { ErrorCode, WireCode } from "../domain/error-codes.ts";

export interface WireError {
  readonly code: WireCode;
  readonly message: string;
  readonly details: WireErrorDetails;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

/** `errorCode` and `number` name the row of the error table; the rest belongs to the failure. */
export interface WireErrorDetails extends Readonly<Record<string, unknown>> {
  readonly errorCode: ErrorCode;
  readonly number: number;
}

export function wireError(error: AppError): WireError {
  // A failure nobody foresaw may carry anything in its message: the table's sentence is told instead.
  const message = error.code === "SYS_001" || error.message === "" ? error.row.meaning : error.message;
  // Where the store's files lie is for the log of this machine alone.
  const { path, ...rest } = error.details;
  const told = path === undefined || error.code.startsWith("STORE_") ? rest : { path, ...rest };
  return {
    code: error.row.wire,
    message,
    details: { ...told, errorCode: error.code, number: error.row.numeric },
    ...(error.retry === "never" ? {} : { retryable: true }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: Math.max(0, Math.ceil(error.retryAfterMs)) }),
  };
}
