/**
 * What is known of the well-known models without asking anybody: price, window and abilities, from a dated file.
 * A price holds only at the vendor's own address, or at a reseller's that the file names with what it adds; what the file
 * does not have is unknown, never free.
 */
import type { ModelInfo } from "../domain/conversation.ts";
import { freePrice, type ModelPrice } from "../domain/money.ts";
import { regionOfAddress } from "./addresses.ts";
import type { ProviderEndpoint } from "./contract.ts";
import file from "./prices.json" with { type: "json" };

export type Vendor = "openai" | "anthropic" | "google";

/** When the file's prices were read, as an ISO date: shown wherever a cost is. */
export const pricesAsOf: string = file.asOf;

export interface KnownModel {
  readonly price: ModelPrice;
  readonly contextWindow: number;
  readonly maxTokens: number;
  readonly reasoning: boolean;
  readonly input: ModelInfo["input"];
}

/** By the model's own name, whoever serves it: good for window and abilities. Dated snapshots count as their family. */
export function knownModel(modelId: string): KnownModel | undefined {
  for (const name of namesOf(modelId)) {
    for (const vendor of vendors) {
      const found = entryOf(vendor, name);
      if (found !== undefined) return known(found);
    }
  }
  return undefined;
}

/** Undefined where the endpoint is not the vendor's own: a reseller's price is its own affair, unless it is known. */
export function vendorPrice(
  endpoint: Pick<ProviderEndpoint, "api" | "baseUrl">,
  modelId: string,
): ModelPrice | undefined {
  if (endpoint.api === "bedrock-converse-stream") return bedrockPrice(endpoint.baseUrl, modelId);
  const vendor = vendorOf(endpoint);
  const found = vendor === undefined ? undefined : entryOf(vendor, familyOf(modelId));
  return found === undefined ? undefined : known(found).price;
}

/** Of a model that makes vectors: what is read is paid, and nothing is written. Undefined where it is not known. */
export function vectorPrice(
  endpoint: Pick<ProviderEndpoint, "api" | "baseUrl">,
  modelId: string,
): ModelPrice | undefined {
  if (endpoint.api === "ollama") return ollamaPrice(modelId);
  const vendor = vendorOf(endpoint);
  const models: Readonly<Record<string, number>> =
    vendor === "openai" || vendor === "google" ? file.vectors[vendor] : {};
  const name = modelId.replace(/^models\//, "");
  const input = Object.hasOwn(models, name) ? models[name] : undefined;
  return input === undefined ? undefined : { ...freePrice, input };
}

/** One's own machine costs nothing; a model with this end of its name runs at the vendor's. */
export function ollamaPrice(modelId: string): ModelPrice | undefined {
  return /[:-]cloud$/.test(modelId) ? undefined : freePrice;
}

/** Whose own service the endpoint is. */
export function vendorOf({ api, baseUrl }: Pick<ProviderEndpoint, "api" | "baseUrl">): Vendor | undefined {
  if (baseUrl === null) return ownVendor(api);
  if (!URL.canParse(baseUrl)) return undefined;
  const { protocol, hostname } = new URL(baseUrl);
  return protocol === "https:" && Object.hasOwn(hosts, hostname) ? hosts[hostname] : undefined;
}

const hosts: Readonly<Record<string, Vendor>> = {
  "api.openai.com": "openai",
  "api.anthropic.com": "anthropic",
  "generativelanguage.googleapis.com": "google",
};

const vendors: readonly Vendor[] = ["openai", "anthropic", "google"];

/** One line of the file; the test checks that every line is one. */
interface Entry {
  /** Input, output, cache read, cache write. */
  readonly price: readonly [number, number, number, number];
  readonly contextWindow: number;
  readonly maxTokens: number;
  readonly reasoning: boolean;
  /** What it takes besides text. */
  readonly sees: readonly ("image" | "document")[];
}

const models = file.vendors as unknown as Readonly<Record<Vendor, Readonly<Record<string, Entry>>>>;

/** A model may be named like something that every object has. */
function entryOf(vendor: Vendor, name: string): Entry | undefined {
  return Object.hasOwn(models[vendor], name) ? models[vendor][name] : undefined;
}

function known({ price, contextWindow, maxTokens, reasoning, sees }: Entry): KnownModel {
  const [input, output, cacheRead, cacheWrite] = price;
  return {
    price: { input, output, cacheRead, cacheWrite },
    contextWindow,
    maxTokens,
    reasoning,
    input: ["text", ...sees],
  };
}

const { of: bedrockVendor, global: globalFactor, regional: regionalFactor } = file.resold["bedrock-converse-stream"];

/** Of AWS's own servers in the common regions; those for governments and in China have prices of their own. */
function bedrockPrice(baseUrl: string | null, modelId: string): ModelPrice | undefined {
  const region = baseUrl === null ? "" : regionOfAddress(baseUrl);
  const named = bedrockName.exec(modelId);
  if (region === undefined || /^(cn|us-gov)-/.test(region) || named === null || named[1] === "us-gov") return undefined;
  const found = entryOf(bedrockVendor as Vendor, familyOf(named[2] ?? ""));
  if (found === undefined) return undefined;
  const factor = named[1] === "global" ? globalFactor : regionalFactor;
  const [input, output, cacheRead, cacheWrite] = found.price.map((usd) => Number((usd * factor).toFixed(6)));
  return { input: input ?? 0, output: output ?? 0, cacheRead: cacheRead ?? 0, cacheWrite: cacheWrite ?? 0 };
}

/** `global.anthropic.claude-opus-4-6-v1`: profile, then the vendor's own name, then a version of the service's. */
const bedrockName = /^(?:([a-z-]+)\.)?anthropic\.(claude-[a-z0-9-]+?)(?:-v\d+(?::\d+)?)?$/;

function ownVendor(api: ProviderEndpoint["api"]): Vendor | undefined {
  if (api === "openai-completions" || api === "openai-responses") return "openai";
  if (api === "anthropic-messages") return "anthropic";
  return api === "google-generative-ai" ? "google" : undefined;
}

/** A reseller's id and the vendor's own name in it: `us.anthropic.claude-…-v1:0`, `anthropic/claude-opus-5.5`, `claude-opus-5.5`. */
function namesOf(modelId: string): readonly string[] {
  const bare =
    bedrockName.exec(modelId)?.[2] ?? modelId.replace(/^(openai|anthropic|google)\//, "").replace(/:free$/, "");
  const dashed = bare.startsWith("claude-") ? bare.replaceAll(".", "-") : bare;
  return [familyOf(modelId), familyOf(bare), familyOf(dashed)];
}

/** `gpt-4o-2024-08-06`, `claude-haiku-4-5-20251001`, `models/gemini-2.5-pro`: the same model at the same price. */
function familyOf(modelId: string): string {
  return modelId.replace(/^models\//, "").replace(/-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$/, "");
}
