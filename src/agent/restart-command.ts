/**
 * `/restart`: for owners alone, and nobody is told who they are. A message that came before this run of the gateway
 * began has had its restart already, by whatever means: it is never the cause of a second one.
 */
import type { AgentDeps, Turn } from "./turn.ts";

/** What a chat reads when the gateway is there again. */
export const backText = "I am back: the gateway has restarted.";

const refusal = "That is not for you to ask.";

/** An empty text says nothing: the chat was told already. */
export async function restartByMessage(turn: Turn, deps: AgentDeps): Promise<string> {
  const { restarts } = deps;
  const { message, sessionKey } = turn.row;
  if (!deps.isOwner(message)) return refusal;
  if (restarts === undefined || !turn.config.commands.restart) return "Restarting by a message is switched off here.";
  const id = `restart-${message.id}`;
  if (message.receivedAtMs < restarts.startedMs) return (await restarts.isTold(id)) ? "" : backText;
  const chat = { address: message.address, sessionKey };
  await restarts.request({ id, reason: "an owner asked for it in a chat", chat });
  return "Restarting. I say so here when I am back.";
}
