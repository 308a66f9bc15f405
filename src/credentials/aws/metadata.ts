/**
 * The metadata services of AWS's machines: EC2 (version 2, with its session token) and containers of ECS and EKS. They
 * are link-local addresses, which nothing else here may be led to ask: these fixed ones alone are asked, for keys
 * alone, and only where a setting allows it.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import { readFileBounded } from "../../platform/atomic-file.ts";
import { readKeyDocument, type AwsKeys } from "./key-document.ts";

export interface MetadataDeps {
  /** The guarded HTTP, opened for this origin alone. */
  readonly fetchFor: (origin: string) => typeof globalThis.fetch;
  readonly clock: Clock;
}

const ec2Origin = "http://169.254.169.254";
const containerOrigin = "http://169.254.170.2";
/** Where a full address may point: containers' own services and this machine. Anything else would be asked with a token. */
const containerHosts: readonly string[] = [
  "169.254.170.2",
  "169.254.170.23",
  "[fd00:ec2::23]",
  "127.0.0.1",
  "[::1]",
  "localhost",
];

export interface Ec2Keys extends AwsKeys {
  readonly region: string | null;
}

/** Throws MODEL_002 where the machine has no role, or is none of EC2's. */
export async function ec2Keys(deps: MetadataDeps): Promise<Ec2Keys> {
  const token = await ask(`${ec2Origin}/latest/api/token`, deps, {
    method: "PUT",
    headers: { "x-aws-ec2-metadata-token-ttl-seconds": "60" },
  });
  const headers = { "x-aws-ec2-metadata-token": token };
  const roles = `${ec2Origin}/latest/meta-data/iam/security-credentials/`;
  const [role = ""] = (await ask(roles, deps, { headers })).split("\n");
  if (role.trim() === "") throw noKeys("This machine of EC2 has no role.");
  const text = await ask(roles + encodeURIComponent(role.trim()), deps, { headers });
  const region = await ask(`${ec2Origin}/latest/meta-data/placement/region`, deps, { headers }).catch(() => "");
  return { ...parsed(text, "EC2's metadata service"), region: region.trim() === "" ? null : region.trim() };
}

/** Null where no variable points to one. Throws MODEL_002. */
export async function containerKeys(
  variables: Readonly<Record<string, string>>,
  deps: MetadataDeps,
): Promise<AwsKeys | null> {
  const url = containerUrl(variables);
  if (url === null) return null;
  const file = variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]?.trim() ?? "";
  const token =
    file === ""
      ? (variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "")
      : ((await readFileBounded(file, limits.awsFileBytes))?.toString("utf8") ?? "");
  const headers: Record<string, string> = token.trim() === "" ? {} : { authorization: token.trim() };
  return parsed(await ask(url.href, deps, { headers }), "the container's credential service");
}

/** Null where no variable names one. Throws MODEL_002 for an address that is none of a container's. */
export function containerUrl(variables: Readonly<Record<string, string>>): URL | null {
  const relative = variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]?.trim() ?? "";
  const full = variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]?.trim() ?? "";
  if (relative === "" && full === "") return null;
  const url = relative === "" ? URL.parse(full) : URL.parse(containerOrigin + relative);
  if (url !== null && url.protocol === "http:" && containerHosts.includes(url.hostname)) return url;
  throw noKeys("The container's credential variables point to an address that is not asked.");
}

async function ask(
  url: string,
  { fetchFor, clock }: MetadataDeps,
  init: { readonly method?: string; readonly headers: Readonly<Record<string, string>> },
): Promise<string> {
  const late = new AbortController();
  const timer = clock.after(limits.awsMetadataMs, () => late.abort());
  try {
    const response = await fetchFor(new URL(url).origin)(url, { ...init, signal: late.signal });
    const text = await textUpTo(response, limits.credentialAnswerBytes);
    if (response.ok && text !== null) return text;
    throw noKeys(`${new URL(url).host} answered ${response.status}.`);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw noKeys(`${new URL(url).host} did not answer.`, error);
  } finally {
    timer.cancel();
  }
}

async function textUpTo(response: Response, maxBytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string, whose: string): AwsKeys {
  const keys = readKeyDocument(text);
  if (keys === null) throw noKeys(`What ${whose} answered holds no keys.`);
  return keys;
}

export function noKeys(message: string, cause?: unknown): AppError {
  return new AppError("MODEL_002", message, { details: { reason: "auth" }, ...(cause === undefined ? {} : { cause }) });
}
