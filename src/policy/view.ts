/** Policy as people look at it: the very resolver of the run time, asked about a call that nobody makes or that was made. */
import type { Config } from "../config/schema/root.ts";
import { limits } from "../domain/limits.ts";
import { callFactsSchema } from "../protocol/methods/policy.ts";
import type { DecisionRow, DecisionStore } from "../store/decision-port.ts";
import { askedFacts, type AskedFactsDeps } from "./asked-facts.ts";
import type { CallFacts, Decision, DecidedSide, OtherwiseDecided, Policy, PolicyView } from "./contract.ts";
import { shownAct } from "./question.ts";

export interface PolicyViewDeps extends AskedFactsDeps {
  readonly policy: Policy;
  /** The same resolver over another configuration, commands included. */
  readonly policyFor: (config: Config) => Policy;
  readonly decisions: Pick<DecisionStore, "list">;
  /** Throws CFG_001–004 where it cannot be used. */
  readonly readCandidate: (text: string) => Promise<Config>;
}

export function createPolicyView(deps: PolicyViewDeps): PolicyView {
  const { policy, policyFor, decisions, readCandidate } = deps;
  return {
    async explain(asked) {
      const facts = askedFacts(asked, deps);
      return { facts, decision: await policy.decide(facts) };
    },
    async diff({ candidate, sinceMs, limit = limits.policyDiffRows, cursor, rules = false }) {
      const other = policyFor(await readCandidate(candidate));
      const page = await decisions.list({ sinceMs, limit, ...(cursor === undefined ? {} : { cursor }) });
      const changed: OtherwiseDecided[] = [];
      let skipped = 0;
      for (const row of page.rows) {
        const facts = factsOf(row);
        if (facts === null) {
          skipped += 1;
          continue;
        }
        const after = await other.decide(facts);
        if (after.effect === row.effect && !(rules && after.rule.where !== row.rule)) continue;
        changed.push(otherwise(row, { facts, after, now: sideOf(await policy.decide(facts)) }));
      }
      return { looked: page.rows.length, skipped, changed, nextCursor: page.nextCursor };
    },
  };
}

/** Null where they were not kept whole, or by a version that kept other ones. */
function factsOf({ facts }: DecisionRow): CallFacts | null {
  if (typeof facts === "object" && facts !== null && "cut" in facts) return null;
  const read = callFactsSchema.safeParse(facts);
  // The schema says the same as the type but for what is optional in an address.
  return read.success ? (read.data as CallFacts) : null;
}

function otherwise(
  { id, atMs, runId, sessionKey, agentId, tool, effect, rule }: DecisionRow,
  { facts, after, now }: { readonly facts: CallFacts; readonly after: Decision; readonly now: DecidedSide },
): OtherwiseDecided {
  const shown = shownAct(tool, facts.act);
  return {
    id,
    atMs,
    runId,
    sessionKey,
    agentId,
    tool,
    shown: shown.length > shownChars ? `${shown.slice(0, shownChars)}…` : shown,
    before: { effect, rule },
    now,
    after: { ...sideOf(after), says: after.rule.says },
  };
}

/** To know it by; the trace has the rest. */
const shownChars = 200;

function sideOf({ effect, rule }: Decision): DecidedSide {
  return { effect, rule: rule.where };
}
