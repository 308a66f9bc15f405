/** The logins at model providers, built of this installation's vault, settings and environment. */
import type { Config } from "../config/schema/root.ts";
import type { Environment } from "../config/environment.ts";
import { createAuthProfiles, type ProfileDesk } from "../credentials/auth-profiles.ts";
import { createAwsChain } from "../credentials/aws/chain.ts";
import type { Vault } from "../credentials/contract.ts";
import { createOAuthRefresher } from "../credentials/oauth/refresher.ts";
import { oauthClient } from "../credentials/oauth/services.ts";
import type { ProviderLogin } from "../credentials/profiles/ambient-profiles.ts";
import type { EventBus } from "../domain/events.ts";
import type { Clock } from "../platform/clock.ts";
import type { Egress } from "../platform/egress.ts";
import type { Ids } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";

export interface ProfilesDeps {
  readonly environment: () => Environment;
  readonly config: () => Config;
  readonly vault: Vault;
  readonly logins: () => readonly ProviderLogin[];
  readonly egress: Pick<Egress, "trustedFetch">;
  readonly bus: Pick<EventBus, "emit">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly redact: (secret: string) => void;
}

export function openProfiles(deps: ProfilesDeps): ProfileDesk {
  const { egress, config, logins } = deps;
  const log = deps.log.child("credentials");
  const fetchFor = (url: string): typeof fetch => egress.trustedFetch([url]);
  const aws = createAwsChain({
    ...deps,
    log,
    fetchFor,
    metadataAllowed: () => config().auth.aws.metadata,
    isWanted: () => logins().some(({ usesAws }) => usesAws),
  });
  const refresher = createOAuthRefresher({
    ...deps,
    log,
    fetchFor,
    client: (issuer) => oauthClient(issuer, config().auth.oauth),
  });
  return createAuthProfiles({ ...deps, log, aws, refresher, settings: () => config().auth });
}
