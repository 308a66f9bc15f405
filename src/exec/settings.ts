/** Which rules hold for an agent's commands, and where each stands: of everything that is said, the strictest. */
import type { ExecAsk, ExecSecurity } from "./contract.ts";
import type { ApprovalsFile, ExecSettings } from "./grants/approvals-file.ts";

export interface Ruled<Value> {
  readonly value: Value;
  /** `tools.exec.security`, `exec-approvals:agents.main.ask`. */
  readonly where: string;
}

export interface EffectiveRules {
  readonly security: Ruled<ExecSecurity>;
  readonly ask: Ruled<ExecAsk>;
  /** What holds where nobody can be asked. */
  readonly fallback: Ruled<ExecSecurity>;
}

/** What this room reads of the configuration. */
export interface ExecConfig {
  readonly tools: {
    readonly exec: { readonly security: ExecSecurity; readonly ask: ExecAsk; readonly safeBins: readonly string[] };
  };
  readonly agents: {
    readonly defaults: { readonly workspace: string };
    readonly list: readonly {
      readonly id: string;
      readonly workspace?: string | undefined;
      readonly tools?:
        | {
            readonly exec?:
              | { readonly security?: ExecSecurity | undefined; readonly ask?: ExecAsk | undefined }
              | undefined;
          }
        | undefined;
    }[];
  };
}

export function rulesFor(agentId: string, config: ExecConfig, file: ApprovalsFile): EffectiveRules {
  const index = config.agents.list.findIndex(({ id }) => id === agentId);
  const own = config.agents.list[index]?.tools?.exec ?? {};
  const said: readonly { readonly at: string; readonly settings: ExecSettings }[] = [
    { at: "tools.exec", settings: { security: config.tools.exec.security, ask: config.tools.exec.ask } },
    { at: `agents.list[${index}].tools.exec`, settings: own },
    { at: "exec-approvals:defaults", settings: file.defaults ?? {} },
    { at: "exec-approvals:agents.*", settings: file.agents["*"] ?? {} },
    { at: `exec-approvals:agents.${agentId}`, settings: file.agents[agentId] ?? {} },
  ];
  const strictest = <Value extends string>(
    key: "security" | "ask" | "askFallback",
    order: readonly Value[],
  ): Ruled<Value> | null => {
    const found = said.flatMap(({ at, settings }) => {
      const value = order.find((one) => one === settings[key]);
      return value === undefined ? [] : [{ value, where: `${at}.${key}` }];
    });
    // The first of equals: what everybody sees in the configuration names the rule.
    return found.toSorted((left, right) => order.indexOf(left.value) - order.indexOf(right.value))[0] ?? null;
  };
  return {
    security: strictest("security", securities) ?? { value: "deny", where: "built-in" },
    ask: strictest("ask", asks) ?? { value: "always", where: "built-in" },
    fallback: strictest("askFallback", securities) ?? { value: "deny", where: "built-in" },
  };
}

/** Strictest first. */
const securities: readonly ExecSecurity[] = ["deny", "allowlist", "full"];
const asks: readonly ExecAsk[] = ["always", "on-miss", "off"];

/** Folders in which agents work: theirs, even where they lie in the state directory. */
export function workspacesOf({ agents }: ExecConfig): readonly string[] {
  return [agents.defaults.workspace, ...agents.list.flatMap(({ workspace }) => workspace ?? [])];
}
