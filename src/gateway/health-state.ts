/**
 * The health as clients see it, ready as JSON before anybody asks. Looked at when something changes and once a minute;
 * its version rises when what it says changes, and only then is it told.
 */
import type { Timer } from "../platform/clock.ts";
import type { HealthPayload } from "../protocol/methods/health.ts";
import { defaultAgentId } from "./default-agent.ts";
import type { GatewayDeps } from "./deps.ts";

export interface HealthState {
  /** The cached answer. */
  json(): string;
  /** Looks anew; true where what it says changed. */
  refresh(): boolean;
  version(): number;
  start(onChange: () => void): void;
  close(): void;
}

export type HealthDeps = Pick<GatewayDeps, "clock" | "channels" | "agents" | "bus">;

const refreshMs = 60_000;

export function createHealthState(deps: HealthDeps): HealthState {
  const { clock } = deps;
  let version = 0;
  let content = "";
  let json = "";
  let timer: Timer | undefined;
  const stops: (() => void)[] = [];

  function refresh(): boolean {
    const beganMs = clock.monotonicMs();
    const facts = describe(deps);
    const next = JSON.stringify(facts);
    const durationMs = Math.round(clock.monotonicMs() - beganMs);
    const payload: HealthPayload = { ok: true, ts: clock.nowMs(), durationMs, ...facts };
    json = JSON.stringify(payload);
    if (next === content) return false;
    content = next;
    version += 1;
    return true;
  }

  return {
    json: () => {
      if (json === "") refresh();
      return json;
    },
    refresh,
    version: () => version,
    start(onChange) {
      refresh();
      const look = (): void => {
        if (!refresh()) return;
        onChange();
        deps.bus.emit({ type: "health.changed", version, atMs: clock.nowMs() });
      };
      timer = deps.clock.every(refreshMs, look);
      stops.push(deps.bus.on("channel.state", look), deps.bus.on("config.changed", look));
    },
    close() {
      timer?.cancel();
      for (const stop of stops.splice(0)) stop();
    },
  };
}

/** Without anything that moves by itself (ages, counters): those would make every look a change. */
function describe(deps: HealthDeps): Omit<HealthPayload, "ok" | "ts" | "durationMs"> {
  const statuses = deps.channels.status();
  const channels: Record<string, { accounts: Record<string, unknown> }> = {};
  const channelLabels: Record<string, string> = {};
  for (const { channel, accountId, label, state, reason } of statuses) {
    channelLabels[channel] = label;
    const accounts = (channels[channel] ??= { accounts: {} }).accounts;
    accounts[accountId] = { state, connected: state === "CONNECTED", reason };
  }
  return {
    defaultAgentId: defaultAgentId(deps),
    channelOrder: Object.keys(channelLabels),
    channelLabels,
    channels,
  };
}
