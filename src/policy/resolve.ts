/**
 * The one resolver: what may be used, and what is done about one call. Every path to a tool asks here; a denial wins
 * wherever it stands, and each rule that was looked at is named.
 */
import type { Config } from "../config/schema/root.ts";
import { workspaceOf } from "../config/workspace.ts";
import type { CommandAct } from "../domain/act.ts";
import { AppError } from "../domain/app-error.ts";
import type { CommandDesk, CommandVerdict } from "../exec/contract.ts";
import { judgeAct } from "./act-rules.ts";
import { birth, box, strangers, switches, type BuiltInRule } from "./built-in-rules.ts";
import type { CallFacts, Decision, Policy, PolicyFacts, Rule, ToolVerdict } from "./contract.ts";
import { layersOf, type Layers } from "./layers.ts";
import { isForeign, questionOf, taintReasons } from "./question.ts";

export interface PolicyDeps {
  /** The configuration of this moment; read anew for each call, made into rules once. */
  readonly config: () => Config;
  readonly commands: Pick<CommandDesk, "judge">;
}

export function createPolicy({ config, commands }: PolicyDeps): Policy {
  let made: Rules | undefined;
  const rules = (): Rules => {
    const current = config();
    if (made?.config !== current) made = rulesOf(current);
    return made;
  };
  return {
    permits: (tool, facts) => permit(tool, facts, { rules: rules(), trail: null }),
    async decide(call) {
      const current = rules();
      const trail: Rule[] = [];
      const permitted = permit(call.tool, call, { rules: current, trail });
      if (!permitted.allowed) return denied(call, permitted.rule, trail);
      if (call.act.kind === "command") {
        const verdict = await judgeCommand({ ...call, act: call.act }, current.config, commands);
        return ofCommand(call, verdict, trail);
      }
      return ofAct(call, current.config, trail);
    },
  };
}

/** What one configuration comes to. */
interface Rules {
  readonly config: Config;
  readonly layers: Layers;
  readonly switches: BuiltInRule;
  readonly box: BuiltInRule;
}

function rulesOf(config: Config): Rules {
  return { config, layers: layersOf(config), switches: switches(config), box: box(config) };
}

/** The first refusal ends it; without one, the narrowest rule that names the tool is the one that decides. */
function permit(
  tool: string,
  facts: PolicyFacts,
  { rules, trail }: { readonly rules: Rules; readonly trail: Rule[] | null },
): ToolVerdict {
  let decisive: ToolVerdict = byDefault;
  const look = (verdict: ToolVerdict | null): boolean => {
    if (verdict === null) return true;
    trail?.push(verdict.rule);
    decisive = verdict;
    return verdict.allowed;
  };
  if (!look(birth(tool, facts)) || !look(rules.switches(tool, facts))) return decisive;
  for (const layer of rules.layers.of(facts)) if (!look(layer.judge(tool))) return decisive;
  if (look(strangers(tool, facts, rules.layers.near(facts)))) look(rules.box(tool, facts));
  if (decisive === byDefault) trail?.push(byDefault.rule);
  return decisive;
}

const byDefault: ToolVerdict = {
  allowed: true,
  rule: { where: "built-in", says: "Without a word against it, a tool may be used." },
};

function denied({ tool }: CallFacts, rule: Rule, trail: readonly Rule[], message?: string): Decision {
  return { effect: "deny", rule, trail, message: message ?? refusal(tool, rule) };
}

/** For the model: why, and what is left to it. */
function refusal(tool: string, { says, where }: Rule): string {
  return `${tool} was not allowed. ${says} (rule: ${where}) Do not try to get the same in another way: go on without it, or say what you could not do and why.`;
}

function ofAct(call: CallFacts, config: Config, trail: Rule[]): Decision {
  const verdict = judgeAct(call, config);
  trail.push(verdict.rule);
  switch (verdict.effect) {
    case "allow":
      return { effect: "allow", rule: verdict.rule, trail, command: null };
    case "ask":
      return { effect: "ask", rule: verdict.rule, trail, question: questionOf(call, verdict.reasons) };
    case "deny":
      return denied(call, verdict.rule, trail);
  }
}

/** A desk that fails has allowed nothing. */
async function judgeCommand(
  { agentId, act, taint, sandboxed }: CallFacts & { readonly act: CommandAct },
  config: Config,
  commands: PolicyDeps["commands"],
): Promise<CommandVerdict> {
  try {
    return await commands.judge({ agentId, act, taint, sandboxed, workspace: workspaceOf(config, agentId) });
  } catch (thrown) {
    const { message } = AppError.from(thrown);
    const says = "This command could not be judged.";
    return { effect: "deny", where: "built-in", says, message: `${says} ${message}` };
  }
}

/** Words from elsewhere never run a command by themselves, whatever list it is on, and never get onto a list. */
function ofCommand(call: CallFacts, verdict: CommandVerdict, trail: Rule[]): Decision {
  const { where, says } = verdict;
  const judged: Rule = { where, says };
  trail.push(judged);
  if (verdict.effect === "deny") return denied(call, judged, trail, verdict.message);
  const foreign = isForeign(call.taint);
  if (verdict.effect === "allow" && !foreign) return { effect: "allow", rule: judged, trail, command: verdict.command };
  if (foreign) trail.push(foreignRule);
  const asked = verdict.effect === "ask" ? verdict : null;
  const { command } = verdict;
  return {
    effect: "ask",
    rule: asked === null ? foreignRule : judged,
    trail,
    question: {
      tool: call.tool,
      shown: command.text,
      reasons: [...(asked?.reasons ?? []), ...unsaidSources(call, asked?.reasons ?? [])],
      taint: call.taint,
      binding: command.binding,
      command,
      always: foreign ? null : (asked?.always ?? null),
      fallback: foreign ? "deny" : (asked?.fallback ?? "deny"),
    },
  };
}

const foreignRule: Rule = {
  where: "built-in",
  says: "While words from elsewhere are in the context, every command is asked about.",
};

/** Whoever is asked reads where the words came from; once is enough. */
function unsaidSources({ taint }: CallFacts, reasons: readonly string[]): readonly string[] {
  const said = reasons.join("\n");
  return taintReasons(taint.filter((one) => one.class === "foreign" && !said.includes(one.source)));
}
