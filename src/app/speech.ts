/** The speech of a gateway, over the services of its configuration. */
import type { Config } from "../config/schema/root.ts";
import type { PayBeside } from "../domain/call-beside.ts";
import type { Clock } from "../platform/clock.ts";
import { createEgress } from "../platform/egress.ts";
import type { Log } from "../platform/log.ts";
import type { SpeechDesk } from "../speech/contract.ts";
import { defaultAgentId } from "../inbound/route.ts";
import { createSpeechDesk } from "../speech/desk.ts";

export interface OpenSpeechDeps {
  readonly config: () => Config;
  readonly variables: () => Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly pay: PayBeside;
}

export interface OpenSpeech extends SpeechDesk {
  close(): Promise<void>;
}

export function openSpeech({ config, variables, clock, log, pay }: OpenSpeechDeps): OpenSpeech {
  // The addresses are the configuration's: they may be private, and no other is asked.
  const egress = createEgress({ allowPrivate: () => false, log });
  return {
    ...createSpeechDesk({ config, variables, egress, clock, agentId: () => defaultAgentId(config()), pay }),
    close: () => egress.close(),
  };
}
