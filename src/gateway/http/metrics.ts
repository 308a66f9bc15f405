/**
 * `/metrics`, for Prometheus, behind a credential. Counts are kept from the events of the bus and from the requests
 * the app reports; states are read when somebody asks. Labels come from closed sets, so their number is bounded.
 */
import { connectionStates } from "../../domain/events.ts";
import type { StoreTotals } from "../../store/port.ts";
import type { GatewayDeps } from "../deps.ts";
import type { GuardedRoute } from "./contract.ts";
import { metricsText, type MetricFamily, type Sample } from "./metrics-text.ts";
import { sendText } from "./respond.ts";

export interface RequestCounter {
  /** `path` is the route's own, or `unknown`: never what the caller wrote. */
  count(path: string, method: string, status: number): void;
}

export function createMetrics(deps: GatewayDeps): { readonly route: GuardedRoute; readonly requests: RequestCounter } {
  const requests = new Map<string, number>();
  const runs = new Map<string, number>();
  const tokens = new Map<string, number>();
  let costMicros = 0;
  deps.bus.on("run.ended", ({ outcome, usage, costMicros: cost }) => {
    add(runs, outcome, 1);
    for (const [kind, count] of Object.entries(usage)) add(tokens, kind, count);
    costMicros += cost ?? 0;
  });
  const counters = (): readonly MetricFamily[] => [
    family("openclaw_http_requests_total", "counter", "Answered HTTP requests.", requestSamples(requests)),
    family("openclaw_turns_total", "counter", "Ended turns by outcome.", samplesOf(runs, "outcome")),
    family("openclaw_tokens_total", "counter", "Tokens of ended turns by kind.", samplesOf(tokens, "kind")),
    family("openclaw_cost_usd_total", "counter", "Cost of ended turns in US dollars.", [{ value: costMicros / 1e6 }]),
  ];
  return {
    requests: { count: (path, method, status) => add(requests, `${method} ${path} ${status}`, 1) },
    route: {
      method: "GET",
      path: "/metrics",
      scope: "operator.read",
      handle: async (exchange) => {
        const families = [
          ...processFamilies(deps),
          ...(await storeOrNothing(deps)),
          ...channelFamilies(deps),
          ...counters(),
        ];
        const type = "text/plain; version=0.0.4; charset=utf-8";
        sendText(exchange, 200, metricsText(families), { "content-type": type });
      },
    },
  };
}

function add(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function samplesOf(counts: ReadonlyMap<string, number>, label: string): readonly Sample[] {
  return [...counts].map(([key, value]) => ({ labels: { [label]: key }, value }));
}

function requestSamples(counts: ReadonlyMap<string, number>): readonly Sample[] {
  return [...counts].map(([key, value]) => {
    const [method = "", path = "", status = ""] = key.split(" ");
    return { labels: { method, path, status }, value };
  });
}

function family(name: string, kind: MetricFamily["kind"], help: string, samples: readonly Sample[]): MetricFamily {
  return { name, kind, help, samples };
}

function gauge(name: string, help: string, value: number): MetricFamily {
  return family(name, "gauge", help, [{ value }]);
}

function processFamilies({ health, turns, version }: GatewayDeps): readonly MetricFamily[] {
  const cpu = process.cpuUsage();
  const delay = health.loopDelay();
  return [
    family("openclaw_info", "gauge", "The running version.", [{ labels: { version }, value: 1 }]),
    gauge(
      "openclaw_dispatch_alone",
      "1 while this node goes on without the calls of other nodes.",
      (health.dispatchTrouble?.() ?? null) === null ? 0 : 1,
    ),
    gauge("openclaw_uptime_seconds", "Seconds since the start.", health.uptimeMs() / 1000),
    family("process_cpu_seconds_total", "counter", "CPU time used.", [{ value: (cpu.user + cpu.system) / 1e6 }]),
    gauge("process_resident_memory_bytes", "Resident memory.", process.memoryUsage.rss()),
    family("openclaw_event_loop_delay_seconds", "gauge", "Delay of the event loop over the last window.", [
      { labels: { quantile: "0.5" }, value: delay.p50Ms / 1000 },
      { labels: { quantile: "0.99" }, value: delay.p99Ms / 1000 },
      { labels: { quantile: "1" }, value: delay.maxMs / 1000 },
    ]),
    gauge("openclaw_turns_active", "Turns under way.", turns.active().length),
    gauge("openclaw_draining", "1 while the gateway is stopping.", health.draining() ? 1 : 0),
  ];
}

/** A store that fails is seen here, and takes nothing else out of sight. */
async function storeOrNothing(deps: GatewayDeps): Promise<readonly MetricFamily[]> {
  const up = (value: number): MetricFamily => gauge("openclaw_store_up", "0 while the store cannot be read.", value);
  try {
    return [up(1), ...(await storeFamilies(deps))];
  } catch (error) {
    deps.log.child("http").debug("The metrics lack those of the store.", { error });
    return [up(0)];
  }
}

async function storeFamilies({ store, clock }: GatewayDeps): Promise<readonly MetricFamily[]> {
  const [inbox, outbox, totals, dead] = await Promise.all([
    store.inbox.counts(),
    store.outbox.counts(),
    store.totals(),
    store.deadLetters.count(),
  ]);
  const oldestMs = inbox.oldestQueuedMs === null ? 0 : Math.max(0, clock.nowMs() - inbox.oldestQueuedMs);
  return [
    family("openclaw_inbox_messages", "gauge", "Messages that wait or run.", [
      { labels: { state: "queued" }, value: inbox.queued },
      { labels: { state: "running" }, value: inbox.running },
    ]),
    gauge("openclaw_inbox_oldest_seconds", "Age of the oldest waiting message.", oldestMs / 1000),
    family(
      "openclaw_outbox_parts",
      "gauge",
      "Parts of replies by state.",
      Object.entries(outbox).map(([state, value]) => ({ labels: { state }, value })),
    ),
    gauge("openclaw_dead_letters", "Messages and parts that nobody brings to their end by himself.", dead),
    ...totalFamilies(totals),
  ];
}

/** Kept by the store in the commits that they count, so that a restart does not begin them anew. */
function totalFamilies({ duplicates, leasesLost, unknownSends }: StoreTotals): readonly MetricFamily[] {
  const counter = (name: string, help: string, value: number): MetricFamily =>
    family(name, "counter", help, [{ value }]);
  return [
    counter("openclaw_duplicates_suppressed_total", "Events that came again and had no second effect.", duplicates),
    counter("openclaw_leases_lost_total", "Writes of workers whose message another one had taken.", leasesLost),
    counter("openclaw_outbox_unknown_total", "Sends that ended without an answer.", unknownSends),
  ];
}

function channelFamilies({ channels }: GatewayDeps): readonly MetricFamily[] {
  const all = channels.status();
  const perChannel = (value: (status: (typeof all)[number]) => number): readonly Sample[] =>
    all.map((status) => ({ labels: { channel: status.channel, account: status.accountId }, value: value(status) }));
  const states = all.flatMap((status) =>
    connectionStates.map((state) => ({
      labels: { channel: status.channel, account: status.accountId, state },
      value: status.state === state ? 1 : 0,
    })),
  );
  return [
    family("openclaw_channel_state", "gauge", "1 for the state a channel account is in.", states),
    family(
      "openclaw_channel_received_total",
      "counter",
      "Messages received.",
      perChannel((status) => status.received),
    ),
    family(
      "openclaw_channel_sent_total",
      "counter",
      "Messages sent.",
      perChannel((status) => status.sent),
    ),
    family(
      "openclaw_channel_errors_total",
      "counter",
      "Errors of a channel.",
      perChannel((status) => status.errors),
    ),
    family(
      "openclaw_channel_reconnects_total",
      "counter",
      "Reconnects.",
      perChannel((status) => status.reconnects),
    ),
  ];
}
