/** Where each protocol's own service is: what a provider may be asked when nobody configured an address. Pure. */
import type { ProviderEndpoint } from "./contract.ts";

type Reached = Pick<ProviderEndpoint, "api" | "baseUrl" | "aws">;

/** Every address that a call of this endpoint may go to: what the guarded HTTP is opened for, and nothing else. */
export function addressesOf(endpoint: Reached): readonly string[] {
  if (endpoint.api === "github-copilot") return copilotAddressesOf(endpoint.baseUrl);
  if (endpoint.baseUrl !== null) return [endpoint.baseUrl];
  switch (endpoint.api) {
    case "anthropic-messages":
      return ["https://api.anthropic.com"];
    case "google-generative-ai":
      return ["https://generativelanguage.googleapis.com"];
    case "openrouter":
      return [openRouterAddress];
    case "bedrock-converse-stream":
      return endpoint.aws === undefined ? [] : [bedrockAddress(endpoint.aws.region)];
    case "ollama":
      return ["http://127.0.0.1:11434"];
    case "demo":
      return [];
    default:
      return ["https://api.openai.com"];
  }
}

export const openRouterAddress = "https://openrouter.ai/api/v1";

/** Where a login is exchanged, and the servers that the answer may name. */
const copilotAddresses = [
  "https://api.github.com",
  "https://api.githubcopilot.com",
  "https://api.individual.githubcopilot.com",
  "https://api.business.githubcopilot.com",
  "https://api.enterprise.githubcopilot.com",
] as const;

/** An enterprise with servers of its own at GitHub has its models beside its API. */
function copilotAddressesOf(baseUrl: string | null): readonly string[] {
  if (baseUrl === null) return copilotAddresses;
  const enterprise = /^https:\/\/api\.([a-z0-9-]+\.ghe\.com)\/?$/.exec(baseUrl)?.[1];
  return enterprise === undefined ? [baseUrl] : [baseUrl, `https://copilot-api.${enterprise}`];
}

/** A region that is no region is asked of nobody: it becomes part of a host's name. */
export function bedrockAddress(region: string): string {
  const name = /^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/.test(region) ? region : "invalid";
  return `https://bedrock-runtime.${name}.amazonaws.com${name.startsWith("cn-") ? ".cn" : ""}`;
}

/** The region that an address of AWS names, private endpoints of a network too; undefined for any other address. */
export function regionOfAddress(address: string): string | undefined {
  const host = URL.parse(address)?.hostname ?? "";
  if (!/\.amazonaws\.com(\.cn)?$/.test(host)) return undefined;
  return /(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1];
}
