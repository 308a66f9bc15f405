/**
 * What the configuration says about one address: who may write there, and whether anything may be sent there now.
 * Asked anew for each message, so that a change holds for the next one; an account's settings are read once per
 * configuration.
 */
import { accountSettings, type AccountSetting } from "../channels/account-settings.ts";
import { deliverySettingsOf } from "../channels/delivery-config.ts";
import { admissionPolicyOf } from "../channels/policy-config.ts";
import { shippedChannels, type ChannelCatalogue } from "../channels/catalogue.ts";
import type { Config } from "../config/schema/root.ts";
import type { AdmissionPolicy } from "../domain/admission-policy.ts";
import { AppError } from "../domain/app-error.ts";
import type { DeliverySettings } from "../domain/delivery-policy.ts";
import type { Address, InboundMessage } from "../domain/message.ts";

export interface ChannelRules {
  policyFor(message: InboundMessage): AdmissionPolicy;
  /** Null where a part may leave. A policy that was closed while a reply waited closes the way out too. */
  permissionFor(address: Address): AppError | null;
  /** How what is sent there leaves. */
  deliveryFor(address: Address): DeliverySettings;
}

export function createChannelRules(config: () => Config, catalogue: ChannelCatalogue = shippedChannels): ChannelRules {
  let read: { readonly config: Config; readonly accounts: readonly AccountSetting[] } | undefined;

  function accountOf({ channel, accountId }: Address): AccountSetting | undefined {
    const current = config();
    if (read?.config !== current)
      read = { config: current, accounts: accountSettings(current.channels, catalogue.manifests()) };
    return read.accounts.find((account) => account.channel === channel && account.accountId === accountId);
  }

  /** By the account's settings as they were read: made once per configuration, asked for with every part. */
  const delivery = new WeakMap<AccountSetting, DeliverySettings>();

  function deliveryOf(address: Address): DeliverySettings {
    const account = accountOf(address);
    if (account === undefined) return deliverySettingsOf(undefined);
    const settings = delivery.get(account) ?? deliverySettingsOf(account.config);
    delivery.set(account, settings);
    return settings;
  }

  function policyOf(address: Address): AdmissionPolicy {
    const prefixes = catalogue.prefixes(address.channel);
    return admissionPolicyOf(accountOf(address)?.config, { chatId: address.chatId, prefixes, paired: [] });
  }

  return {
    deliveryFor: deliveryOf,
    policyFor: (message) => policyOf(message.address),
    permissionFor(address) {
      const account = accountOf(address);
      if (account === undefined || !account.enabled) {
        return refused(`The account ${address.channel}/${address.accountId} is not in use.`);
      }
      if (catalogue.manifest(address.channel)?.builtIn === true) return null;
      const policy = policyOf(address);
      if (address.chatKind === "dm") {
        return policy.dmPolicy === "disabled" ? refused("Direct messages are switched off for this account.") : null;
      }
      return policy.groupPolicy === "disabled" ? refused("Groups are switched off for this account.") : null;
    },
  };
}

function refused(message: string): AppError {
  return new AppError("SEC_001", message, { retry: "never" });
}
