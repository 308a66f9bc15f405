/**
 * AWS Signature Version 4 in headers, as AWS publishes it: for every service but S3. Pure; the time is given. Checked
 * against AWS's own test suite. Signs no query, because nothing that is called here has one.
 */
import { createHash, createHmac } from "node:crypto";
import type { AwsCredential } from "../../domain/aws-credential.ts";

export interface SignedCall {
  readonly method: string;
  /** With the port where it is not the scheme's own. */
  readonly host: string;
  /** As it stands on the wire: whatever is encoded there is encoded once more for the signature. */
  readonly path: string;
  /** All are signed. Names of any case; `host` and the ones that are made here are not among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The name the service signs with, which need not be its host's. */
  readonly service: string;
  readonly atMs: number;
}

/** The headers to send: the given ones (in lower case), the date, the session token where there is one, the signature. */
export function signedHeaders(call: SignedCall, credential: AwsCredential): Readonly<Record<string, string>> {
  const at = new Date(call.atMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const token = credential.sessionToken === null ? {} : { "x-amz-security-token": credential.sessionToken };
  const sent: Record<string, string> = { ...lowerNames(call.headers), "x-amz-date": at, ...token };
  const signed = Object.entries({ ...sent, host: call.host }).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const names = signed.map(([name]) => name).join(";");
  const request = [
    call.method,
    canonicalPath(call.path),
    "",
    ...signed.map(([name, value]) => `${name}:${value.trim().replaceAll(/ +/g, " ")}`),
    "",
    names,
    sha256(call.body),
  ].join("\n");
  const day = at.slice(0, 8);
  const scope = `${day}/${credential.region}/${call.service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", at, scope, sha256(request)].join("\n");
  const parts = [day, credential.region, call.service, "aws4_request"];
  const key = parts.reduce<string | Buffer>(hmac, `AWS4${credential.secretAccessKey}`);
  const signature = hmac(key, text).toString("hex");
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** Without `.`, `..` and doubled slashes, each segment encoded once more than it is. */
export function canonicalPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "." && segment !== "") kept.push(encoded(segment));
  }
  const isFolder = /(^|\/)\.{0,2}$/.test(path);
  return `/${kept.join("/")}${isFolder && kept.length > 0 ? "/" : ""}`;
}

/** What `encodeURIComponent` leaves alone, AWS does not. */
function encoded(segment: string): string {
  return encodeURIComponent(segment).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function lowerNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "utf8").digest();
}
