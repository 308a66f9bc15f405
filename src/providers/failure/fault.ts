/** What is known of a failed call before anybody has judged it. Pure data. */
import type { FailureReason } from "../../domain/failure-reason.ts";
import type { QuotaWindow } from "../../domain/quota.ts";
import type { ProviderEndpoint } from "../contract.ts";

/** Whatever protocol told it. */
export interface ProviderFault {
  readonly message: string;
  /** HTTP status, of the answer or as the error itself names it. */
  readonly status?: number | undefined;
  /** Codes and types the provider named, any spelling, most specific first. */
  readonly codes?: readonly string[];
  /** Response headers, names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Wait that the body names. */
  readonly retryAfterMs?: number | undefined;
  /** Windows that the body names as used up. */
  readonly quota?: readonly QuotaWindow[] | undefined;
  /** Of the operating system or the HTTP client, e.g. ECONNREFUSED. */
  readonly networkCode?: string | undefined;
  /** Set where the cause is known without any code. */
  readonly reason?: FailureReason;
}

export interface FaultScene {
  readonly endpoint: ProviderEndpoint;
  readonly model: string;
  readonly nowMs: number;
  /** Whether pictures went with the request: a body that was too large was so by them. */
  readonly hasImages?: boolean;
}
