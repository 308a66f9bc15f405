/** Keys as AWS's services and helper programs hand them out: one JSON object, of several spellings. Pure. */

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
  /** Null: for good. */
  readonly expiresMs: number | null;
}

/** Null where it holds no keys. */
export function readKeyDocument(text: string): AwsKeys | null {
  const document = objectOf(text);
  const accessKeyId = textOf(document?.["AccessKeyId"]);
  const secretAccessKey = textOf(document?.["SecretAccessKey"]);
  if (accessKeyId === null || secretAccessKey === null) return null;
  const expiresMs = Date.parse(textOf(document?.["Expiration"]) ?? "");
  return {
    accessKeyId,
    secretAccessKey,
    // The metadata services say Token, helper programs SessionToken.
    sessionToken: textOf(document?.["SessionToken"]) ?? textOf(document?.["Token"]),
    expiresMs: Number.isNaN(expiresMs) ? null : expiresMs,
  };
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    // The caller says that it was no such document.
    return null;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
