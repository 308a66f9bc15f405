/** Second generation: one `agent` section, and `routing` for everything between a channel and an agent. */
import { isRecord } from "../dot-path.ts";
import type { MigrationDocument } from "./document.ts";

export function migrateRoutingEra(document: MigrationDocument): void {
  migrateAgent(document);
  migrateRouting(document);
  moveIdentity(document);
}

function migrateAgent(document: MigrationDocument): void {
  const target = "agents.defaults";
  document.move("agent.model", `${target}.model`, (model) => (typeof model === "string" ? { primary: model } : model));
  document.move("agent.modelFallbacks", `${target}.model.fallbacks`);
  document.move("agent.allowedModels", `${target}.models`, (models) =>
    Array.isArray(models) ? Object.fromEntries(models.map((model) => [String(model), {}])) : models,
  );
  const aliases = document.get("agent.modelAliases");
  if (isRecord(aliases)) {
    for (const [alias, reference] of Object.entries(aliases)) {
      document.move(
        ["agent", "modelAliases", alias],
        ["agents", "defaults", "models", String(reference), "alias"],
        () => alias,
      );
    }
    document.dropEmpty("agent.modelAliases");
  }
  document.move("agent.tools", "tools");
  document.move("agent.bash", "tools.exec");
  document.move("agent.elevated", "tools.elevated");
  for (const key of document.keys("agent")) document.move(["agent", key], ["agents", "defaults", key]);
  document.dropEmpty("agent");
}

function migrateRouting(document: MigrationDocument): void {
  for (const id of document.keys("routing.agents")) {
    const settings = document.get(["routing", "agents", id]);
    if (!isRecord(settings)) continue;
    const index = document.indices("agents.list").length;
    document.move(["routing", "agents", id], ["agents", "list", index], () => ({ id, ...settings }));
  }
  document.dropEmpty("routing.agents");
  markDefault(document);
  document.move("routing.bindings", "bindings");
  for (const index of document.indices("bindings")) {
    document.move(["bindings", index, "match", "provider"], ["bindings", index, "match", "channel"]);
  }
  document.move("routing.queue.byProvider", "messages.queue.byChannel");
  document.move("routing.queue", "messages.queue", (queue) => (typeof queue === "string" ? { mode: queue } : queue));
  // Being addressed is what groups ask for today unless they say otherwise.
  document.drop("routing.groupChat.requireMention");
  document.dropEmpty("routing.groupChat");
  document.move("routing.groupChat", "messages.groupChat");
  document.move("routing.agentToAgent", "tools.agentToAgent");
  document.move("routing.transcribeAudio", "tools.media.audio");
  moveAllowList(document);
  document.dropEmpty("routing");
}

function markDefault(document: MigrationDocument): void {
  const wanted = document.get("routing.defaultAgentId");
  if (wanted === undefined) return;
  const index = document.indices("agents.list").find((one) => document.get(["agents", "list", one, "id"]) === wanted);
  if (index === undefined) document.drop("routing.defaultAgentId");
  else document.move("routing.defaultAgentId", ["agents", "list", index, "default"], () => true);
}

/**
 * The list was that of the only channel there was. With several channels nobody can tell whose ids they are, and an id
 * of one platform may be a stranger on another: then nobody is let in by it.
 */
function moveAllowList(document: MigrationDocument): void {
  const channels = document.keys("channels");
  const [only] = channels;
  if (channels.length === 1 && only !== undefined) document.move("routing.allowFrom", ["channels", only, "allowFrom"]);
  else document.drop("routing.allowFrom");
}

function moveIdentity(document: MigrationDocument): void {
  if (!isRecord(document.get("identity"))) return;
  if (document.indices("agents.list").length === 0 && !document.has("agents.entries")) {
    document.put(["agents", "list", 0], { id: "main", default: true });
  }
  const list = document.indices("agents.list");
  const index = list.find((one) => document.get(["agents", "list", one, "default"]) === true) ?? list[0];
  if (index !== undefined) document.move("identity", ["agents", "list", index, "identity"]);
}
