/**
 * The logins nobody stored: the key in a provider's settings, a variable of the environment, what AWS's tools would
 * find. They are made anew each time from what holds at the moment; nothing is kept.
 */
import type { AuthProfile, ProfileKind } from "../contract.ts";
import type { AwsChain } from "../aws/contract.ts";
import type { RevisionKey } from "./revision.ts";

/** What settings and environment say of one provider. */
export interface ProviderLogin {
  readonly id: string;
  /** Whether its requests are signed with keys of AWS. */
  readonly usesAws: boolean;
  readonly configKey: string | null;
  /** Only where it is meant for the address that the provider is reached at. */
  readonly environmentKey: string | null;
}

export function ambientProfiles(
  { id, usesAws, configKey, environmentKey }: ProviderLogin,
  revisions: RevisionKey,
  aws: AwsChain,
): readonly AuthProfile[] {
  // AWS gives out keys for its model service as well; they go where a token goes.
  const keyKind = usesAws ? "token" : "api-key";
  const made = (name: string, source: AuthProfile["source"], kind: ProfileKind, secret: string): AuthProfile => ({
    id: `${id}:${name}`,
    provider: id,
    kind,
    source,
    expiresMs: null,
    revision: revisions.of(secret),
    state: "usable",
  });
  return [
    ...(configKey === null ? [] : [made("config", "config", keyKind, configKey)]),
    ...(usesAws && aws.isPresent() ? [made("aws", "aws-chain", "aws-sdk", aws.identity())] : []),
    // The same key under two names would only be refused twice.
    ...(environmentKey === null || environmentKey === configKey
      ? []
      : [made("env", "environment", keyKind, environmentKey)]),
  ];
}
