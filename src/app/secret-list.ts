/** What the vault holds, by name, and what the configuration still lacks. Opens nothing, so it needs no key. */
import { channelManifests } from "../channels/registry.ts";
import { loadConfig } from "../config/load.ts";
import type { Environment } from "../config/environment.ts";
import type { SecretInfo } from "../credentials/contract.ts";
import { AppError } from "../domain/app-error.ts";
import { systemClock } from "../platform/clock.ts";
import { channelSettings } from "./channel-settings.ts";
import { lackingSecrets, type LackingSecret } from "./credential-shapes.ts";
import { secretNames, type Secrets } from "./secrets.ts";
import { version } from "./version.ts";

export interface SecretList {
  readonly secrets: readonly (SecretInfo & { readonly state: "" | "expired" })[];
  readonly lacking: readonly LackingSecret[];
}

/** Throws VAULT_002 where the vault cannot be read. */
export async function listSecrets(environment: Environment, secrets: Secrets): Promise<SecretList> {
  const clock = systemClock();
  const held = await secrets.vault.list();
  const state = ({ expiresMs }: SecretInfo): "" | "expired" =>
    expiresMs !== null && expiresMs <= clock.nowMs() ? "expired" : "";
  return {
    secrets: held.map((info) => ({ ...info, state: state(info) })),
    lacking: await lacking(environment, secrets),
  };
}

async function lacking(environment: Environment, secrets: Secrets): Promise<readonly LackingSecret[]> {
  try {
    const source = secretNames(secrets, systemClock());
    const loaded = await loadConfig({ environment, ...channelSettings(), version, secrets: source });
    return lackingSecrets(loaded, channelManifests(), loaded.environment);
  } catch (thrown) {
    // A configuration that no gateway would start with: its lack is told by `config validate`, and by the list alone here.
    if (thrown instanceof AppError) return lackingOfAuth(thrown);
    throw thrown;
  }
}

/** The gateway's own token is the one secret without which nothing is loaded at all. */
function lackingOfAuth({ details }: AppError): readonly LackingSecret[] {
  const issues = Array.isArray(details["issues"])
    ? (details["issues"] as readonly { path: string; message: string }[])
    : [];
  return issues.flatMap(({ path: setting, message }) => {
    const [, name, command] = /needs the secret (\S+) of gateway.*set it: (.+)$/.exec(message) ?? [];
    if (name === undefined || command === undefined) return [];
    return [{ scope: "gateway" as const, name, setting, state: "missing" as const, command }];
  });
}
