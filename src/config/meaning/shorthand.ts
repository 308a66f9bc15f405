/** Short and alternative spellings that stay valid: made into the one form that the rest of the house reads. Pure. */
import { isRecord } from "../dot-path.ts";
import { MigrationDocument, type Move } from "../migrations/document.ts";

export function expandShorthand(value: unknown): { readonly value: unknown; readonly moves: readonly Move[] } {
  const document = new MigrationDocument(value);
  expandAgents(document);
  document.change("agents.defaults.model", (model) => (typeof model === "string" ? { primary: model } : model));
  for (const index of document.indices("agents.list")) {
    const model = ["agents", "list", index, "model"];
    if (!isRecord(document.get(model))) continue;
    document.move([...model, "fallbacks"], ["agents", "list", index, "fallbacks"]);
    document.change(model, (given) => (isRecord(given) ? given["primary"] : given));
  }
  for (const index of document.indices("bindings")) {
    document.change(["bindings", index, "match", "peer"], (peer) => (isRecord(peer) ? peer["id"] : peer));
  }
  for (const key of document.keys("env")) {
    if (envKeys.includes(key)) continue;
    if (typeof document.get(["env", key]) === "string") document.move(["env", key], ["env", "vars", key]);
  }
  document.change("commands.native", (native) => (native === "auto" ? true : native));
  return { value: document.value, moves: document.moves };
}

const envKeys: readonly string[] = ["vars", "override", "shellEnv"];

/** Agents as an object by id, beside or instead of the list. */
function expandAgents(document: MigrationDocument): void {
  for (const id of document.keys("agents.entries")) {
    const settings = document.get(["agents", "entries", id]);
    if (!isRecord(settings)) continue;
    const index = document.indices("agents.list").length;
    document.move(["agents", "entries", id], ["agents", "list", index], () => ({ ...settings, id }));
  }
  document.dropEmpty("agents.entries");
}
