/**
 * What a provider itself says a call costs, as whole micro-dollars. Pure. What cannot be a price is not told on: a wrong
 * number from outside would stand above every table of ours.
 */
import { record } from "./failure.ts";

/** Of an answer's usage, as it came; undefined where it names no cost, or none that can be. */
export function costOfUsage(usage: unknown): number | undefined {
  const told = record(usage);
  if (told === undefined) return undefined;
  for (const { usdPerUnit, read } of fields) {
    const micros = micro(read(told), usdPerUnit);
    if (micros !== undefined) return micros;
  }
  return undefined;
}

/** LiteLLM's header. A zero there is no price: the proxy writes one where it knows none, and where it streams. */
export function costOfHeader(value: string | null): number | undefined {
  const micros =
    value !== null && /^\d{1,9}(\.\d{1,30})?(e-\d{1,2})?$/i.test(value) ? micro(Number(value), 1) : undefined;
  return micros === 0 ? undefined : micros;
}

export const costHeader = "x-litellm-response-cost";

/** A call that costs more than this does not exist. */
const mostUsd = 1_000;

type Json = Readonly<Record<string, unknown>>;

// oxfmt-ignore
const fields: readonly { readonly usdPerUnit: number; readonly read: (usage: Json) => unknown }[] = [
  // OpenRouter. With a key of the caller's own, `cost` is the router's fee alone and the rest is billed by the provider.
  { usdPerUnit: 1, read: ({ cost, is_byok: ownKey, cost_details: details }) => (ownKey === true ? sum(cost, record(details)?.["upstream_inference_cost"]) : cost) },
  // Perplexity.
  { usdPerUnit: 1, read: ({ cost }) => record(cost)?.["total_cost"] },
  // DeepInfra.
  { usdPerUnit: 1, read: ({ estimated_cost: cost }) => cost },
  // xAI counts in ten-billionths of a dollar.
  { usdPerUnit: 1e-10, read: ({ cost_in_usd_ticks: ticks }) => ticks },
];

function sum(fee: unknown, upstream: unknown): unknown {
  return typeof fee === "number" && typeof upstream === "number" ? fee + upstream : fee;
}

function micro(amount: unknown, usdPerUnit: number): number | undefined {
  if (typeof amount !== "number" || !(amount >= 0)) return undefined;
  const usd = amount * usdPerUnit;
  // Rounded up, as every cost here is; a hair above a whole one is what floats leave of it.
  return usd > mostUsd ? undefined : Math.max(0, Math.ceil(usd * 1_000_000 - 1e-6));
}
