/** What is done about an act that a permitted tool is about to do, commands apart: those are judged by who knows them. */
import path from "node:path";
import { mayStartHelpersOf, mayWriteTo } from "../config/agent-reach.ts";
import type { Config } from "../config/schema/root.ts";
import { workspaceOf } from "../config/workspace.ts";
import type { Act } from "../domain/act.ts";
import { guidesAssistant } from "../domain/guiding-file.ts";
import { isStranger } from "./built-in-rules.ts";
import type { CallFacts, Rule } from "./contract.ts";
import { isForeign, taintReasons } from "./question.ts";

export type ActVerdict =
  | { readonly effect: "allow"; readonly rule: Rule }
  | { readonly effect: "ask"; readonly rule: Rule; readonly reasons: readonly string[] }
  | { readonly effect: "deny"; readonly rule: Rule };

type Of<Kind extends Act["kind"]> = Extract<Act, { kind: Kind }>;

export function judgeAct(call: CallFacts, config: Config): ActVerdict {
  const { act } = call;
  switch (act.kind) {
    case "look":
      return allow("built-in", "It looks at things and changes nothing.");
    case "file":
      return judgeFile(act, call, config);
    case "fetch":
      return judgeFetch(act, call, config);
    case "message":
      return judgeMessage(act, call);
    case "session":
      return judgeSession(act, call, config);
    case "memory":
      return judgeMemory(act, call);
    case "server":
      return judgeServer(act, call);
    case "command":
      return { effect: "deny", rule: rule("built-in", "A command is judged as one, or it does not run.") };
  }
}

function judgeFile(act: Of<"file">, call: CallFacts, config: Config): ActVerdict {
  if (!act.inside) {
    // No file tool opens them, so nobody is asked for a consent that would lead nowhere.
    const at = config.tools.fs.workspaceOnly ? "tools.fs.workspaceOnly" : "built-in";
    return deny(at, "Files outside the workspace are out of reach.");
  }
  const names = act.names ?? [path.relative(workspaceOf(config, call.agentId), act.path)];
  if (act.access === "write" && isForeign(call.taint) && names.some(guidesAssistant)) {
    return ask("built-in", "What guides the assistant from now on is not changed by what it has read elsewhere.", call);
  }
  return allow("built-in", "Files of the workspace are the assistant's to work with.");
}

function judgeFetch(act: Of<"fetch">, call: CallFacts, config: Config): ActVerdict {
  if (!config.tools.web.fetch.enabled && call.tool !== "web_search") {
    return deny("tools.web.fetch.enabled", "Reading web pages is switched off.");
  }
  // A search service was chosen by the operator: what is asked there reaches nobody who wrote what was read.
  if (isForeign(call.taint) && act.known !== true && call.tool !== "web_search") {
    return ask("built-in", "Nobody has named this address: with it, what was read could be carried away.", call);
  }
  return allow("built-in", "Public addresses may be asked; private ones are refused on the way out.");
}

function judgeMessage(act: Of<"message">, call: CallFacts): ActVerdict {
  if (act.own) return allow("built-in", "It is the chat that is being answered.");
  if (isStranger(call)) return deny("built-in", "In a group, only an owner may have messages sent elsewhere.");
  return toThirdParty(call, "a message to somebody else");
}

function judgeSession(act: Of<"session">, call: CallFacts, config: Config): ActVerdict {
  if (act.sessionKey === call.sessionKey) return allow("built-in", "It is the session itself.");
  const foreign = act.agentId.toLowerCase() !== call.agentId.toLowerCase();
  if (foreign) {
    const at = "tools.agentToAgent";
    const startable = call.tool === "sessions_spawn" && mayStartHelpersOf(config, call.agentId, act.agentId);
    if (!startable && !mayWriteTo(config, act.agentId)) {
      return deny(at, `Agents may not write to the agent ${act.agentId}.`);
    }
  } else if (call.tool === "sessions_spawn") {
    // What is born inherits both: it has no more tools than its parent, and everything that its parent had read.
    return allow("built-in", "A helper of the same agent inherits what its parent may do and has read.");
  }
  if (config.tools.sessions.visibility === "self") {
    return deny("tools.sessions.visibility", "Other sessions are out of sight.");
  }
  return toThirdParty(call, "a message to another session");
}

function toThirdParty(call: CallFacts, what: string): ActVerdict {
  if (call.taint.length > 0)
    return ask("built-in", `This is ${what}, and not only people of this chat may want it.`, call);
  if (call.isOwner) return allow("built-in", `This is ${what}, and an owner wants it.`);
  return ask("built-in", `This is ${what}, and whoever wants it is no owner.`, call);
}

function judgeMemory(act: Of<"memory">, call: CallFacts): ActVerdict {
  if (act.access === "read") return allow("built-in", "Remembering is looking.");
  if (isForeign(call.taint)) {
    return ask("built-in", "What is remembered from now on is not changed by what was read elsewhere.", call);
  }
  return allow("built-in", "Nothing from elsewhere is in what is remembered.");
}

function judgeServer(act: Of<"server">, call: CallFacts): ActVerdict {
  if (act.readOnly) return allow("built-in", `${act.server} is set up so that this tool only reads.`);
  if (isForeign(call.taint)) {
    return ask("built-in", `${act.server} may change something, and not only people of this chat may want it.`, call);
  }
  return allow("built-in", `${act.server} was set up to be used.`);
}

function allow(where: string, says: string): ActVerdict {
  return { effect: "allow", rule: rule(where, says) };
}

function deny(where: string, says: string): ActVerdict {
  return { effect: "deny", rule: rule(where, says) };
}

function ask(where: string, says: string, { taint }: CallFacts): ActVerdict {
  return { effect: "ask", rule: rule(where, says), reasons: [says, ...taintReasons(taint)] };
}

function rule(where: string, says: string): Rule {
  return { where, says };
}
