/** Whether the sandboxes that the configuration asks for can be made on this machine. */
import type { sandboxStatus } from "../../protocol/methods/sandbox.ts";
import type { GatewayClient } from "../gateway-client.ts";
import { sandboxSentence } from "../sandbox-sentence.ts";
import type { Finding } from "./finding.ts";

/** One finding where all agents are alike, else one for each. */
export async function sandboxFindings(client: Pick<GatewayClient, "call">): Promise<readonly Finding[]> {
  const { agents } = await client.call<typeof sandboxStatus>("sandbox.status", {});
  const said = agents.map((agent) => ({ agentId: agent.agentId, ...sandboxSentence(agent) }));
  const isOne = new Set(said.map(({ text }) => text)).size === 1;
  return (isOne ? said.slice(0, 1) : said).map(({ agentId, verdict, text, remedy }) => ({
    check: "sandbox",
    verdict,
    text: isOne ? text : `${agentId}: ${text}`,
    remedy: verdict === "good" ? null : remedy,
  }));
}
