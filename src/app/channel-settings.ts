/** What the configuration has to know of the channels, which it does not know itself. */
import { channelConfigSchemas, channelManifests } from "../channels/registry.ts";
import type { LoadOptions } from "../config/load.ts";

export function channelSettings(): Pick<LoadOptions, "channelSchemas" | "channelSecrets" | "channelEnvironment"> {
  const manifests = channelManifests();
  return {
    channelSchemas: channelConfigSchemas(),
    channelSecrets: Object.fromEntries(manifests.map(({ id, secrets }) => [id, secrets])),
    channelEnvironment: Object.fromEntries(manifests.map(({ id, environment = {} }) => [id, environment])),
  };
}
