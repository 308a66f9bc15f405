/**
 * The layers of a configuration that narrow what may be used: the whole house, a provider, an agent, a channel, a sender.
 * Every layer has to permit a tool, and within each a denial wins.
 */
import type { ToolProfile } from "../domain/tool-names.ts";
import type { Config } from "../config/schema/root.ts";
import { limits } from "../domain/limits.ts";
import type { PolicyFacts, Rule, ToolVerdict } from "./contract.ts";
import { profileList, toolList, type ToolList } from "./groups.ts";

/** What one place of the configuration says of tools. */
export interface ToolWords {
  readonly profile?: ToolProfile | undefined;
  readonly allow?: readonly string[] | undefined;
  readonly alsoAllow?: readonly string[] | undefined;
  readonly deny?: readonly string[] | undefined;
}

export interface Layer {
  judge(tool: string): ToolVerdict;
  /** The entry of `alsoAllow` that names it; null where none does. What is added by name here lifts what is only usual. */
  added(tool: string): Rule | null;
}

export interface Layers {
  /** Those that say anything about this caller, from the widest to the narrowest. */
  of(facts: PolicyFacts): readonly Layer[];
  /** Those among them that are about this very channel or sender. */
  near(facts: PolicyFacts): readonly Layer[];
}

/** Of one configuration; each place is read when it is first asked for. */
export function layersOf(config: Config): Layers {
  const { tools, agents } = config;
  const house = layerAt("tools", tools);
  const providers = lazily("tools.byProvider", tools.byProvider ?? {});
  const channels = lazily("tools.byChannel", tools.byChannel ?? {});
  const senders = lazily("tools.bySender", tools.bySender ?? {});
  const own = lazilyOf(
    new Map(agents.list.map((agent, index) => [agent.id.toLowerCase(), { agent, index }])),
    (found) => layerAt(`agents.list[${found.index}].tools`, found.agent.tools),
  );
  const near = ({ channel, senderId }: PolicyFacts): readonly Layer[] =>
    channel === null ? [] : present([channels(channel), senderId === null ? null : senders(`${channel}:${senderId}`)]);
  return {
    of: (facts) => [
      ...present([house, facts.provider === null ? null : providers(facts.provider), own(facts.agentId.toLowerCase())]),
      ...near(facts),
    ],
    near,
  };
}

function present(layers: readonly (Layer | null)[]): readonly Layer[] {
  return layers.filter((layer) => layer !== null);
}

function lazily(at: string, table: Readonly<Record<string, ToolWords>>): (key: string) => Layer | null {
  return lazilyOf(new Map(Object.entries(table)), (words, key) => layerAt(`${at}.${shownKey(key)}`, words));
}

/** Each is made when it is first asked for: most senders and agents are not, before the configuration changes. */
function lazilyOf<T>(
  table: ReadonlyMap<string, T>,
  make: (found: T, key: string) => Layer | null,
): (key: string) => Layer | null {
  const made = new Map<string, Layer | null>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const found = table.get(key);
    if (found === undefined) return null;
    const layer = make(found, key);
    made.set(key, layer);
    return layer;
  };
}

/** As it would be written in a path: quoted where it holds more than a plain word. */
function shownKey(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
}

/** Null where nothing is said there. */
function layerAt(at: string, words: ToolWords | undefined): Layer | null {
  if (words === undefined) return null;
  const { profile, allow, alsoAllow, deny } = words;
  if (profile === undefined && allow === undefined && alsoAllow === undefined && deny === undefined) return null;
  const judged = new Map<string, ToolVerdict>();
  const lists = {
    profile: profile === undefined ? null : profileList(profile),
    allow: listOf(allow),
    alsoAllow: listOf(alsoAllow),
    deny: listOf(deny),
  };
  const added = (tool: string): Rule | null =>
    entryRule(tool, { at, key: "alsoAllow", entries: alsoAllow ?? [], list: lists.alsoAllow });
  const judge = (tool: string): ToolVerdict => {
    const denied = entryRule(tool, { at, key: "deny", entries: deny ?? [], list: lists.deny });
    if (denied !== null) return { allowed: false, rule: denied };
    const more = added(tool);
    if (more !== null) return { allowed: true, rule: more };
    if (lists.profile !== null && lists.profile.placeOf(tool) === -1) {
      return {
        allowed: false,
        rule: { where: `${at}.profile`, says: `The profile ${profile} does not hold ${tool}.` },
      };
    }
    if (lists.allow !== null) {
      const rule = entryRule(tool, { at, key: "allow", entries: allow ?? [], list: lists.allow });
      return rule === null
        ? { allowed: false, rule: { where: `${at}.allow`, says: `${tool} is not on this list.` } }
        : { allowed: true, rule };
    }
    const rule =
      profile === undefined
        ? { where: at, says: `Nothing here denies ${tool}.` }
        : { where: `${at}.profile`, says: `The profile ${profile} holds ${tool}.` };
    return { allowed: true, rule };
  };
  return {
    added,
    judge(tool) {
      let verdict = judged.get(tool);
      if (verdict === undefined) {
        verdict = judge(tool);
        // Names come from models too, and a model can make up any number of them.
        if (judged.size < limits.toolVerdicts) judged.set(tool, verdict);
      }
      return verdict;
    },
  };
}

function listOf(entries: readonly string[] | undefined): ToolList | null {
  return entries === undefined ? null : toolList(entries);
}

interface Entries {
  readonly at: string;
  readonly key: "allow" | "alsoAllow" | "deny";
  readonly entries: readonly string[];
  readonly list: ToolList | null;
}

function entryRule(tool: string, { at, key, entries, list }: Entries): Rule | null {
  const place = list?.placeOf(tool) ?? -1;
  const entry = entries[place];
  if (entry === undefined) return null;
  const through = entry === tool ? tool : `${entry}, and ${tool} is of it`;
  const says = { allow: "Allowed here", alsoAllow: "Added here", deny: "Denied here" }[key];
  return { where: `${at}.${key}[${place}]`, says: `${says}: ${through}.` };
}
