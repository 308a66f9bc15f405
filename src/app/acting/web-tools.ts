/**
 * What the tools of the web need of the house: a way out that reaches public hosts and the private ones an administrator
 * named, and the settings of this moment.
 */
import type { Config } from "../../config/schema/root.ts";
import type { Clock } from "../../platform/clock.ts";
import { createEgress, type Egress } from "../../platform/egress.ts";
import { matchesHost } from "../../platform/egress/address.ts";
import type { Log } from "../../platform/log.ts";
import { imageFacts } from "../../providers/images/image-facts.ts";
import type { WebToolDeps } from "../../tools/registry.ts";
import type { Vision } from "../../tools/vision.ts";
import { version } from "../version.ts";

export interface WebToolsDeps {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly vision: Vision;
}

/** `egress` is the caller's to close. */
export function createWebToolDeps({ config, clock, log, vision }: WebToolsDeps): WebToolDeps & { egress: Egress } {
  const egress = createEgress({
    allowPrivate: ({ hostname }) =>
      config().tools.web.fetch.allowedHosts.some((pattern) => matchesHost(pattern, hostname)),
    clock,
    log: log.child("egress"),
  });
  return {
    egress,
    fetch: { egress, clock, version, maxChars: () => config().tools.web.fetch.maxChars },
    search: { egress, settings: () => config().tools.web.search },
    image: { egress, vision, header: imageFacts },
  };
}
