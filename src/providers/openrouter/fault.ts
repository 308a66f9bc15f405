/** What OpenRouter's errors mean beyond what every protocol tells: who is behind it, and why it refused. */
import { sdkFault } from "../ai-sdk/fault.ts";
import { record, type ProviderFault } from "../failure.ts";
import { parsedInput } from "../tool-input.ts";

type Json = Readonly<Record<string, unknown>>;

export function openRouterFault(thrown: unknown): ProviderFault | null {
  const fault = sdkFault(thrown);
  if (fault === null) return null;
  const error = errorIn(thrown);
  const metadata = record(error?.["metadata"]);
  const words = [error?.["message"], behind(metadata)].filter((text) => typeof text === "string" && text !== "");
  const message = words.length === 0 ? fault.message : words.join(" ");
  const reason = reasonOf(message, metadata);
  return { ...fault, message, ...(reason === undefined ? {} : { reason }) };
}

/** Of a refusal the body as it came, of a chunk the chunk itself. */
function errorIn(thrown: unknown): Json | undefined {
  const outer = record(thrown);
  const body = outer?.["responseBody"];
  return record((typeof body === "string" ? record(parsedInput(body)) : outer)?.["error"]);
}

/** `Provider returned error` says nothing; what it returned does. */
function behind(metadata: Json | undefined): string {
  const { provider_name: name, raw, reasons } = metadata ?? {};
  const told = typeof raw === "string" ? raw : raw === undefined || raw === null ? "" : JSON.stringify(raw);
  const flags = Array.isArray(reasons) ? reasons.filter((each) => typeof each === "string").join(", ") : "";
  const detail = [told, flags].filter((text) => text !== "").join("; ");
  if (typeof name !== "string" || name === "") return detail === "" ? "" : `(${detail})`;
  return detail === "" ? `(${name})` : `(${name}: ${detail})`;
}

function reasonOf(message: string, metadata: Json | undefined): ProviderFault["reason"] {
  // A flagged question comes with 403, which elsewhere is a wrong key.
  if (Array.isArray(metadata?.["reasons"])) return "content_filter";
  // Comes with 402, but passes as soon as the calls under way are paid.
  if (metadata?.["limit_source"] === "openrouter_in_flight_budget") return "rate_limit";
  return /key limit exceeded/i.test(message) ? "billing" : undefined;
}
