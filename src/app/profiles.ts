/** The logins at model providers, built of this installation's vault, settings and environment. */
import type { Config } from "../config/schema/root.ts";
import type { Environment } from "../config/environment.ts";
import { createAuthProfiles, type ProfileDesk } from "../credentials/auth-profiles.ts";
import type { Vault } from "../credentials/contract.ts";
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
  readonly egress: Egress;
  readonly bus: Pick<EventBus, "emit">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly redact: (secret: string) => void;
}

export function openProfiles(deps: ProfilesDeps): ProfileDesk {
  const { vault, clock, ids, bus, redact, config, logins } = deps;
  const log = deps.log.child("credentials");
  return createAuthProfiles({
    vault,
    logins,
    settings: () => config().auth,
    // Neither refreshing nor AWS's chain is wired yet.
    aws: {
      isPresent: () => false,
      identity: () => "",
      look: () => Promise.resolve(false),
      credential: () => Promise.reject(new Error("not yet")),
    },
    refresher: {
      fresh: (_id, document) => Promise.resolve(document),
      refreshDue: () => Promise.resolve(false),
      nextDueInMs: () => null,
      refused: () => Promise.resolve(false),
      close: () => Promise.resolve(),
    },
    clock,
    ids,
    log,
    bus,
    redact,
  });
}
