/** The resolver of this house, and how people look at it: candidates are read as the configuration file would be. */
import type { Config } from "../../config/schema/root.ts";
import { workspaceOf } from "../../config/workspace.ts";
import { configOfText } from "../../config/validate-text.ts";
import type { LoadOptions } from "../../config/load.ts";
import type { InboundMessage } from "../../domain/message.ts";
import type { ModelCatalogue } from "../../agent/contract.ts";
import type { CommandDesk } from "../../exec/contract.ts";
import type { Policy, PolicyView, ShownSender } from "../../policy/contract.ts";
import { createPolicy } from "../../policy/resolve.ts";
import { createPolicyView } from "../../policy/view.ts";
import type { DecisionStore } from "../../store/decision-port.ts";
import { ensureWorkspace } from "../../tools/workspace/ensure-workspace.ts";
import type { ChannelRules } from "../channel-rules.ts";
import { fromThere } from "../owner-chats.ts";
import type { HouseCommandDesk } from "./command-desk.ts";

export interface HousePolicy {
  readonly config: () => Config;
  /** The one that decides. */
  readonly policy: Policy;
  /** Judges commands under another configuration. */
  readonly commandsFor: (config: () => Config) => Pick<CommandDesk, "judge">;
}

export function createHousePolicy(
  config: () => Config,
  commands: Pick<HouseCommandDesk, "judge" | "under">,
): HousePolicy {
  return { config, policy: createPolicy({ config, commands }), commandsFor: (other) => commands.under(other) };
}

export interface HousePolicyViewDeps {
  readonly store: { readonly decisions: Pick<DecisionStore, "list"> };
  readonly way: { readonly rules: Pick<ChannelRules, "isOwner"> };
  readonly models: { readonly catalogue: () => Pick<ModelCatalogue, "primary"> };
  readonly load: LoadOptions;
}

export function createHousePolicyView(
  { config, policy, commandsFor }: HousePolicy,
  { store, way, models, load }: HousePolicyViewDeps,
): PolicyView {
  const view = createPolicyView({
    config,
    policy,
    policyFor: (candidate) => createPolicy({ config: () => candidate, commands: commandsFor(() => candidate) }),
    decisions: store.decisions,
    isOwner: (sender) => way.rules.isOwner(messageFrom(sender)),
    providerOf: (agentId) => models.catalogue().primary(agentId)?.provider ?? null,
    readCandidate: (text) => configOfText(text, load),
  });
  return {
    ...view,
    async explain(asked) {
      // As a run would find it: in a new house no run has made the folder yet, and no command is judged where there is none.
      if (asked.tool === "exec") await ensureWorkspace(workspaceOf(config(), asked.agentId));
      return view.explain(asked);
    },
  };
}

/** Enough of a message for the question who its sender is. */
function messageFrom({ channel, accountId, chatKind, senderId }: ShownSender): InboundMessage {
  const address = { channel: channel ?? "", accountId: accountId ?? "default", chatId: "", chatKind: chatKind ?? "dm" };
  return fromThere(address, senderId ?? "");
}
