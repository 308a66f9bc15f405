/** docs/reference/channels.md, from the channels' manifests. */
import { z } from "zod";
import type { ChannelManifest } from "../../src/channels/contract.ts";
import { channelManifests } from "../../src/channels/registry.ts";
import { code, page, table } from "./page.ts";
import { settingRows, type JsonSchema } from "./schema-text.ts";

const lostAnswers: Readonly<Record<ChannelManifest["idempotency"], string>> = {
  native: "sent again, harmlessly",
  "read-back": "looked up first",
  blind: "by the operator's policy",
};

const units: Readonly<Record<ChannelManifest["text"]["unit"], string>> = {
  utf16: "UTF-16 units",
  codepoint: "code points",
  byte: "bytes",
};

export function render(): string {
  const manifests = channelManifests();
  return page(
    "Channels",
    "What each channel can do. A send whose answer is lost is settled by the channel's class: see the column.",
    [
      table(
        ["Channel", "Id", "Can", "Text limit", "Ceiling", "A send whose answer is lost is"],
        manifests.map((manifest) => [
          manifest.label,
          code(manifest.id),
          abilities(manifest),
          `${manifest.text.max.toLocaleString("en-US")} ${units[manifest.text.unit]}`,
          `${manifest.messagesPerSecond}/s`,
          lostAnswers[manifest.idempotency],
        ]),
      ),
      ...manifests.map(section),
    ],
  );
}

function section(manifest: ChannelManifest): string {
  const schema = z.toJSONSchema(manifest.configSchema, { unrepresentable: "any", io: "input" }) as JsonSchema;
  const rows = settingRows(schema, `channels.${manifest.id}`).map((row) => {
    const secret = manifest.secrets.includes(row.path.slice(`channels.${manifest.id}.`.length));
    return [code(row.path), code(row.type), code(row.default), `${row.description}${secret ? " Secret." : ""}`.trim()];
  });
  const contents = `Receives: ${manifest.capabilities.receives.join(", ")}. Sends: ${manifest.capabilities.sends.join(", ")}; anything else is degraded to text.`;
  return [
    `## ${manifest.label}`,
    manifest.summary,
    contents,
    ...(manifest.senderIds === undefined ? [] : [`A sender's id is ${manifest.senderIds}.`]),
    ...(manifest.example === undefined ? [] : [`For a start:\n\n\`\`\`json5\n${manifest.example}\n\`\`\``]),
    table(["Setting", "Type", "Default", "What it does"], rows),
  ].join("\n\n");
}

function abilities({ capabilities }: ChannelManifest): string {
  const named = Object.entries(capabilities).filter(([, value]) => value === true);
  return named.map(([name]) => name).join(", ");
}
