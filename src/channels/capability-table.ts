/** The table of what each channel can do, made from the manifests alone: for the reference and for `channels` commands. */
import { contentTypes } from "../domain/message.ts";
import type { ChannelCapabilities, ChannelManifest } from "./contract.ts";

export interface CapabilityRow {
  readonly id: string;
  readonly label: string;
  readonly summary: string;
  /** `350 bytes`. */
  readonly textLimit: string;
  readonly idempotency: ChannelManifest["idempotency"];
  readonly messagesPerSecond: number;
  /** The capabilities it has, in the order of the declaration. */
  readonly can: readonly string[];
  /** Content type → `yes`, or what becomes of it. */
  readonly sends: Readonly<Record<string, string>>;
  /** Content types it hands over as what they are; the others come as text where they come at all. */
  readonly receives: readonly string[];
}

const flags = [
  "threads",
  "edits",
  "deletes",
  "reactions",
  "typing",
  "quotes",
  "voice",
  "groups",
] as const satisfies readonly (keyof ChannelCapabilities)[];
const unitNames = { byte: "bytes", codepoint: "code points", utf16: "UTF-16 units" } as const;

export function capabilityTable(manifests: readonly ChannelManifest[]): readonly CapabilityRow[] {
  return manifests.map((manifest) => {
    const { capabilities, degrades = {}, text } = manifest;
    const cells = contentTypes.map(
      (type) => [type, capabilities.sends.includes(type) ? "yes" : (degrades[type] ?? "no")] as const,
    );
    return {
      id: manifest.id,
      label: manifest.label,
      summary: manifest.summary,
      textLimit: `${text.max} ${unitNames[text.unit]}`,
      idempotency: manifest.idempotency,
      messagesPerSecond: manifest.messagesPerSecond,
      can: flags.filter((flag) => capabilities[flag]),
      sends: Object.fromEntries(cells),
      receives: capabilities.receives,
    };
  });
}
