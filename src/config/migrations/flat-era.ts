/** First generation: every channel was a section of its own, and the gateway's token stood alone. */
import { isRecord } from "../dot-path.ts";
import { sectionNames } from "../schema/sections.ts";
import type { MigrationDocument } from "./document.ts";

export function migrateFlatEra(document: MigrationDocument, channels: readonly string[]): void {
  for (const id of document.keys("providers")) document.move(["providers", id], ["channels", id]);
  document.dropEmpty("providers");
  for (const key of document.keys([])) {
    if ((sectionNames as readonly string[]).includes(key) || laterSections.includes(key)) continue;
    if (channels.includes(key) || looksLikeChannel(document.get([key]))) document.move([key], ["channels", key]);
  }
  document.move("gateway.token", "gateway.auth.token");
  document.move("gateway.password", "gateway.auth.password");
  document.change("gateway.bind", (bind) => bindNames.get(String(bind)) ?? bind);
  for (const index of document.indices("bindings")) {
    document.move(["bindings", index, "match", "provider"], ["bindings", index, "match", "channel"]);
  }
  document.move("messages.queue.byProvider", "messages.queue.byChannel");
  for (const index of document.indices("session.sendPolicy.rules")) {
    const match = ["session", "sendPolicy", "rules", index, "match"];
    document.move([...match, "provider"], [...match, "channel"]);
  }
}

const bindNames: ReadonlyMap<string, string> = new Map([
  ["127.0.0.1", "loopback"],
  ["localhost", "loopback"],
  ["::1", "loopback"],
  ["0.0.0.0", "lan"],
  ["::", "lan"],
]);

/** Sections of the second form, one of which has an allow list of its own. */
const laterSections: readonly string[] = ["routing", "agent", "identity"];

/** By what channels' settings have in common: their names are not known here. */
const channelKeys: readonly string[] = [
  "allowFrom",
  "botToken",
  "dm",
  "dmPolicy",
  "groupPolicy",
  "accounts",
  "requireMention",
];

function looksLikeChannel(value: unknown): boolean {
  return isRecord(value) && channelKeys.some((key) => Object.hasOwn(value, key));
}
