/** The logins that settings and environment make by themselves: a key per provider, known by a digest of it. */
import { createHash } from "node:crypto";
import type { AuthProfile, AuthProfiles } from "../credentials/contract.ts";
import type { ProviderCatalogue } from "../providers/catalogue.ts";
import type { ProviderEndpoint } from "../providers/contract.ts";

export function createConfigProfiles(catalogue: () => ProviderCatalogue): Pick<AuthProfiles, "of" | "get"> {
  const of = (providerId: string): readonly AuthProfile[] => {
    const endpoint = catalogue().endpoint(providerId);
    return endpoint?.apiKey == null ? [] : [profileOf(endpoint, endpoint.apiKey)];
  };
  return { of, get: (profileId) => of(profileId.split(":")[0] ?? "").find(({ id }) => id === profileId) };
}

function profileOf({ id }: ProviderEndpoint, apiKey: string): AuthProfile {
  return {
    id: `${id}:config`,
    provider: id,
    kind: "api-key",
    source: "config",
    expiresMs: null,
    revision: createHash("sha256").update(apiKey).digest("hex").slice(0, 16),
    state: "usable",
  };
}
