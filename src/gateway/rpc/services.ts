/** What handlers have beside the gateway's dependencies: its own state. */
import type { Devices } from "../auth/devices.ts";
import type { GatewayDeps } from "../deps.ts";
import type { SystemEvents } from "../events/system-events.ts";
import type { HealthState } from "../health-state.ts";
import type { Presence } from "../presence.ts";
import type { Connections } from "../ws/connections.ts";
import type { ConfigWriteAllowance } from "./config-write-allowance.ts";
import type { Once } from "./once.ts";

export interface RpcServices {
  readonly deps: GatewayDeps;
  readonly devices: Devices;
  readonly connections: Connections;
  readonly presence: Presence;
  readonly health: HealthState;
  readonly systemEvents: SystemEvents;
  readonly once: Once;
  readonly configWrites: ConfigWriteAllowance;
}
