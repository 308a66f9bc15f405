/** What the configuration has to know of the channels, which it does not know itself. */
import { channelConfigSchemas, channelManifests } from "../channels/registry.ts";
import type { LoadOptions } from "../config/load.ts";

export function channelSettings(): Pick<LoadOptions, "channelSchemas" | "channelSecrets"> {
  return {
    channelSchemas: channelConfigSchemas(),
    channelSecrets: Object.fromEntries(channelManifests().map((manifest) => [manifest.id, manifest.secrets])),
  };
}
