/**
 * Which agent answers a message, and in which session. The binding that says most about the message wins;
 * what no binding names goes to the default agent.
 */
import type { Config } from "../config/schema/root.ts";
import type { Address } from "../domain/message.ts";
import { sessionKeyForAddress } from "../domain/session-key.ts";

export interface Route {
  readonly agentId: string;
  readonly sessionKey: string;
}

type Binding = Config["bindings"][number];

export function routeMessage(address: Address, config: Config): Route {
  const agentId = agentForAddress(address, config);
  const sessionKey = sessionKeyForAddress(address, {
    agentId,
    dmScope: config.session.dmScope,
    mainKey: config.session.mainKey,
  });
  return { agentId, sessionKey };
}

/** The agent that answers where nothing else is said: the one marked default, else the first, else `main`. */
export function defaultAgentId(config: Config): string {
  const { list } = config.agents;
  return (list.find((agent) => agent.default === true) ?? list[0])?.id ?? "main";
}

function agentForAddress(address: Address, config: Config): string {
  let best: { readonly agentId: string; readonly weight: number } | undefined;
  for (const binding of config.bindings) {
    const weight = bindingWeight(binding, address);
    // The first of two equally precise bindings wins, so that the order in the file decides.
    if (weight !== null && (best === undefined || weight > best.weight)) best = { agentId: binding.agentId, weight };
  }
  return best?.agentId ?? defaultAgentId(config);
}

/** How precisely a binding names this address; null where it does not match. */
function bindingWeight(binding: Binding, address: Address): number | null {
  const { channel, accountId, peer } = binding.match;
  if (channel !== address.channel) return null;
  if (accountId !== undefined && accountId !== "*" && accountId !== address.accountId) return null;
  if (peer !== undefined && peer !== address.chatId) return null;
  return (peer === undefined ? 0 : 2) + (accountId === undefined || accountId === "*" ? 0 : 1);
}
