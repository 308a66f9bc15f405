/** Third generation: the names of early 2026 whose settings have another name or form today. */
import { isRecord, type KeyPath } from "../dot-path.ts";
import type { MigrationDocument } from "./document.ts";

export function migrateFebruary(document: MigrationDocument): void {
  document.move("tools.bash", "tools.exec");
  document.move("audio.transcription", "tools.media.audio");
  document.dropEmpty("audio");
  document.move("memorySearch", "memory.search");
  document.move("agents.defaults.memorySearch", "memory.search");
  document.move("heartbeat", "agents.defaults.heartbeat");
  document.move("agents.defaults.blockStreamingDefault", "agents.defaults.blockStreaming", onOff);
  document.move("gateway.customBindHost", "gateway.host");
  document.change("gateway.bind", (bind) => (bind === "custom" ? "auto" : bind));
  document.change("gateway.reload.mode", renamed({ hybrid: "hot", restart: "hot" }));
  document.change("messages.queue.mode", renamed(queueModes));
  for (const channel of document.keys("messages.queue.byChannel")) {
    document.change(["messages", "queue", "byChannel", channel], renamed(queueModes));
  }
  document.change("agents.defaults.compaction.mode", renamed({ safeguard: "default" }));
  document.move("session.idleMinutes", "session.reset", (minutes) => ({ mode: "idle", idleMinutes: minutes }));
  document.drop("session.store");
  document.drop("cron.store");
  migrateChannels(document);
}

const queueModes: Readonly<Record<string, string>> = { "steer-backlog": "steer", queue: "followup" };

function migrateChannels(document: MigrationDocument): void {
  for (const id of document.keys("channels")) {
    migrateChannel(document, ["channels", id]);
    for (const account of document.keys(["channels", id, "accounts"])) {
      migrateChannel(document, ["channels", id, "accounts", account]);
    }
  }
}

function migrateChannel(document: MigrationDocument, base: KeyPath): void {
  const dm = document.get([...base, "dm"]);
  if (isRecord(dm)) {
    // Off wins over whatever policy stands beside it.
    if (dm["enabled"] === false) {
      document.drop([...base, "dmPolicy"]);
      document.move([...base, "dm"], [...base, "dmPolicy"], () => "disabled");
    } else {
      document.move([...base, "dm", "policy"], [...base, "dmPolicy"]);
      document.move([...base, "dm", "allowFrom"], [...base, "allowFrom"]);
      document.drop([...base, "dm", "enabled"]);
      document.dropEmpty([...base, "dm"]);
    }
  }
  document.move([...base, "dangerouslyAllowNameMatching"], [...base, "allowHandles"]);
}

function onOff(value: unknown): unknown {
  if (value === "on") return true;
  return value === "off" ? false : value;
}

function renamed(names: Readonly<Record<string, string>>): (value: unknown) => unknown {
  return (value) => (typeof value === "string" && Object.hasOwn(names, value) ? names[value] : value);
}
