/**
 * Which agent answers a message, in which session, and how soon. The binding that says most about the message wins;
 * what no binding names goes to the default agent, at normal priority.
 */
import type { Config } from "../config/schema/root.ts";
import type { Address, InboundMessage, Priority } from "../domain/message.ts";
import { sessionKeyForAddress } from "../domain/session-key.ts";

export interface Route {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly priority: Priority;
}

/** Where a message came from and who wrote it: nothing else of it decides. */
export type RoutedBy = Pick<InboundMessage, "address"> & { readonly sender: Pick<InboundMessage["sender"], "id"> };

type Binding = Config["bindings"][number];

/** `person`: the one word for somebody who proved to be the same on several platforms; null where nobody did. */
export function routeMessage(message: RoutedBy, config: Config, person: string | null = null): Route {
  const binding = bindingFor(message, config);
  const agentId = binding?.agentId ?? defaultAgentId(config);
  const sessionKey = sessionKeyForAddress(addressOfPerson(message.address, config, person), {
    agentId,
    dmScope: config.session.dmScope,
    mainKey: config.session.mainKey,
  });
  return { agentId, sessionKey, priority: binding?.priority ?? "normal" };
}

/** Where every person has one session over all channels, those who are one person share it. Groups stay what they are. */
function addressOfPerson(address: Address, { session }: Config, person: string | null): Address {
  const shares = person !== null && address.chatKind === "dm" && session.dmScope === "per-peer";
  // No platform has ids of this form: a stranger who calls himself like the person does not get that session.
  return shares ? { ...address, chatId: `person//${person}` } : address;
}

/** The agent that answers where nothing else is said: the one marked default, else the first, else `main`. */
export function defaultAgentId(config: Config): string {
  const { list } = config.agents;
  return (list.find((agent) => agent.default === true) ?? list[0])?.id ?? "main";
}

/** Of all that are configured; the default one where none is. */
export function agentIdsOf(config: Config): readonly string[] {
  const { list } = config.agents;
  return list.length > 0 ? list.map(({ id }) => id) : [defaultAgentId(config)];
}

function bindingFor(message: RoutedBy, config: Config): Binding | undefined {
  let best: { readonly binding: Binding; readonly weight: number } | undefined;
  for (const binding of config.bindings) {
    const weight = bindingWeight(binding, message);
    // The first of two equally precise bindings wins, so that the order in the file decides.
    if (weight !== null && (best === undefined || weight > best.weight)) best = { binding, weight };
  }
  return best?.binding;
}

/** How precisely a binding names this message: the chat says more than the sender, who says more than the account. */
function bindingWeight({ match }: Binding, { address, sender }: RoutedBy): number | null {
  const { channel, accountId, peer } = match;
  const namesAccount = accountId !== undefined && accountId !== "*";
  if (channel !== address.channel) return null;
  if (namesAccount && accountId !== address.accountId) return null;
  if (peer !== undefined && peer !== address.chatId) return null;
  if (match.sender !== undefined && match.sender !== sender.id) return null;
  return (peer === undefined ? 0 : 4) + (match.sender === undefined ? 0 : 2) + (namesAccount ? 1 : 0);
}
