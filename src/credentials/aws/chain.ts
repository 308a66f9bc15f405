/**
 * Keys of AWS from where AWS's own tools look: variables, the shared files, a helper program, and where it is allowed
 * the metadata services. Keys with an end are kept and fetched again five minutes before it, those without for a
 * minute. What would need AWS's own login services (SSO, roles, web identity) is refused with a sentence.
 */
import type { Environment } from "../../config/environment.ts";
import type { AwsCredential } from "../../domain/aws-credential.ts";
import { limits } from "../../domain/limits.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { AwsChain, StoredAwsLogin } from "./contract.ts";
import type { AwsKeys } from "./key-document.ts";
import { keysOfProgram } from "./key-program.ts";
import { containerKeys, ec2Keys, noKeys, type MetadataDeps } from "./metadata.ts";
import { readSharedFiles, type IniSection, type SharedFiles } from "./shared-files.ts";

export interface AwsChainDeps extends MetadataDeps {
  readonly environment: () => Environment;
  /** `auth.aws.metadata`. */
  readonly metadataAllowed: () => boolean;
  /** Whether any provider could use it: nothing is read where none can. */
  readonly isWanted: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly redact: (secret: string) => void;
}

export function createAwsChain(deps: AwsChainDeps): AwsChain {
  let files: SharedFiles = { profiles: new Map(), text: "" };
  const kept = new Map<string, KeptKeys>();
  const running = new Map<string, Promise<FoundKeys>>();

  async function look(): Promise<boolean> {
    if (!deps.isWanted()) return false;
    const before = files.text;
    files = await readSharedFiles(deps.environment()).catch((error: unknown) => {
      deps.log.warn("AWS's own files cannot be read.", { error });
      return files;
    });
    if (files.text === before) return false;
    kept.clear();
    return true;
  }

  async function fetched(name: string, stored: StoredAwsLogin | null): Promise<FoundKeys> {
    const found = await findKeys(stored, await readSharedFiles(deps.environment()), deps);
    deps.redact(found.keys.secretAccessKey);
    if (found.keys.sessionToken !== null) deps.redact(found.keys.sessionToken);
    const leftMs = (found.keys.expiresMs ?? Number.POSITIVE_INFINITY) - deps.clock.nowMs();
    kept.set(name, { found, untilMonotonicMs: deps.clock.monotonicMs() + keepMs(leftMs) });
    return found;
  }

  /** Once over all callers. Where keys cannot be had anew, those that still live are given. */
  function fresh(name: string, stored: StoredAwsLogin | null): Promise<FoundKeys> {
    const current = kept.get(name);
    if (current !== undefined && deps.clock.monotonicMs() < current.untilMonotonicMs) {
      return Promise.resolve(current.found);
    }
    const mine =
      running.get(name) ??
      fetched(name, stored)
        .catch((error: unknown) => {
          if (current !== undefined && (current.found.keys.expiresMs ?? 0) > deps.clock.nowMs()) return current.found;
          throw error;
        })
        .finally(() => running.delete(name));
    running.set(name, mine);
    return mine;
  }

  return {
    isPresent() {
      const { aws, variables } = deps.environment();
      if (aws.accessKeyId !== null && aws.secretAccessKey !== null) return true;
      if (aws.profile !== null || files.profiles.has("default")) return true;
      return deps.metadataAllowed() && variables["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() !== "true";
    },
    identity() {
      const { aws } = deps.environment();
      return JSON.stringify([aws, deps.metadataAllowed(), files.text]);
    },
    look,
    async credential(stored) {
      const { keys, region } = await fresh(stored?.profileId ?? "", stored);
      const { accessKeyId, secretAccessKey, sessionToken } = keys;
      const named = stored?.region ?? deps.environment().aws.region ?? region;
      if (named === null) throw noKeys("There are keys of AWS, and no region: set AWS_REGION.");
      return { region: named, accessKeyId, secretAccessKey, sessionToken } satisfies AwsCredential;
    },
  };
}

interface KeptKeys {
  readonly found: FoundKeys;
  /** By the clock that never jumps. */
  readonly untilMonotonicMs: number;
}

/** Keys that were about to run out when they came are asked for again soon, and not with every call. */
function keepMs(leftMs: number): number {
  if (leftMs === Number.POSITIVE_INFINITY) return limits.awsKeysMs;
  return Math.max(leftMs - limits.oauthRefreshAheadMs, Math.min(limits.awsKeysMs, leftMs / 2), 0);
}

interface FoundKeys {
  readonly keys: AwsKeys;
  /** What the place where they were found says; a variable wins over it. */
  readonly region: string | null;
}

async function findKeys(
  stored: StoredAwsLogin | null,
  { profiles }: SharedFiles,
  deps: AwsChainDeps,
): Promise<FoundKeys> {
  const { aws, variables } = deps.environment();
  const name = stored?.awsProfile ?? aws.profile ?? "default";
  const section = profiles.get(name);
  const region = section?.["region"] ?? null;
  if (stored?.keys != null) return { keys: { ...stored.keys, expiresMs: null }, region };
  if (stored?.awsProfile == null && aws.accessKeyId !== null && aws.secretAccessKey !== null) {
    const { accessKeyId, secretAccessKey, sessionToken } = aws;
    return { keys: { accessKeyId, secretAccessKey, sessionToken, expiresMs: null }, region };
  }
  const isNamed = stored?.awsProfile != null || aws.profile !== null;
  const ofSection = section === undefined ? null : await keysOfSection(name, section, variables);
  if (ofSection?.keys != null) return { keys: ofSection.keys, region };
  // Whoever names a section wants that one and no other account.
  if (isNamed) throw noKeys(ofSection?.refusal ?? `AWS's own files have no profile named ${JSON.stringify(name)}.`);
  const refusals = [ofSection?.refusal, webIdentity(variables)].filter((refusal) => refusal != null);
  if (!deps.metadataAllowed()) {
    const where =
      "the environment or AWS's own files, and auth.aws.metadata does not allow asking the metadata services";
    throw noKeys(`There are no keys of AWS in ${where}. ${refusals.join(" ")}`.trim());
  }
  const container = await containerKeys(variables, deps);
  if (container !== null) return { keys: container, region };
  if (variables["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true") {
    throw noKeys(`There are no keys of AWS, and AWS_EC2_METADATA_DISABLED is set. ${refusals.join(" ")}`.trim());
  }
  const { region: ofMachine, ...keys } = await ec2Keys(deps);
  return { keys, region: region ?? ofMachine };
}

async function keysOfSection(
  name: string,
  section: IniSection,
  variables: Readonly<Record<string, string>>,
): Promise<{ readonly keys: AwsKeys | null; readonly refusal: string | null }> {
  const refusal = unsupported.find(({ field }) => section[field] !== undefined);
  if (refusal !== undefined) {
    const advice = "Let `aws configure export-credentials` print its keys, as a credential_process, or use other keys.";
    return {
      keys: null,
      refusal: `The profile ${name} of AWS's own files uses ${refusal.what}, which is not done here. ${advice}`,
    };
  }
  const accessKeyId = section["aws_access_key_id"] ?? "";
  const secretAccessKey = section["aws_secret_access_key"] ?? "";
  if (accessKeyId !== "" && secretAccessKey !== "") {
    return {
      keys: { accessKeyId, secretAccessKey, sessionToken: section["aws_session_token"] ?? null, expiresMs: null },
      refusal: null,
    };
  }
  const program = section["credential_process"] ?? "";
  if (program !== "") return { keys: await keysOfProgram(program, variables), refusal: null };
  return { keys: null, refusal: `The profile ${name} of AWS's own files has no keys.` };
}

/** These go before keys in the same section, as they do for AWS's tools: the keys there are only the first step. */
const unsupported: readonly { readonly field: string; readonly what: string }[] = [
  { field: "role_arn", what: "a role" },
  { field: "sso_session", what: "single sign-on" },
  { field: "sso_start_url", what: "single sign-on" },
  { field: "web_identity_token_file", what: "a web identity" },
  { field: "login_session", what: "a console login" },
];

function webIdentity(variables: Readonly<Record<string, string>>): string | null {
  return variables["AWS_WEB_IDENTITY_TOKEN_FILE"] === undefined
    ? null
    : "AWS_WEB_IDENTITY_TOKEN_FILE asks for a web identity, which is not done here.";
}
