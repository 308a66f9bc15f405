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
import { judgeAdmission, type AdmissionPolicy, type PolicyRefusal } from "../domain/admission-policy.ts";
import { AppError } from "../domain/app-error.ts";
import { callerScopes } from "../domain/caller-scopes.ts";
import type { DeliverySettings } from "../domain/delivery-policy.ts";
import type { Address, InboundMessage } from "../domain/message.ts";

export interface ChannelRules {
  policyFor(message: InboundMessage): AdmissionPolicy;
  /** Null where a part may leave. A policy that was closed while a reply waited closes the way out too. */
  permissionFor(address: Address): AppError | null;
  /** Null where this message would be let in now, if a platform's sender had just written it. */
  admissionFor(message: InboundMessage): PolicyRefusal | null;
  /** Whether its sender is named as an owner, by id and channel, or is an administrator of this gateway. */
  isOwner(message: InboundMessage): boolean;
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
    admissionFor: (message) =>
      catalogue.manifest(message.address.channel)?.builtIn === true
        ? null
        : judgeAdmission(message, policyOf(message.address)),
    isOwner: (message) =>
      isAdministrator(message, catalogue) || isNamedOwner(message, config().commands.ownerAllowFrom, catalogue),
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

/** An entry without its channel in front names nobody: the same id is somebody else's on another platform. */
function isNamedOwner(
  { address, sender }: InboundMessage,
  owners: readonly string[],
  catalogue: ChannelCatalogue,
): boolean {
  const names = catalogue.prefixes(address.channel).map((prefix) => `${prefix}:${sender.id}`);
  return owners.some((owner) => names.includes(owner));
}

/** Messages of the built-in channels are made by the gateway itself, with the scopes of the caller it let in. */
function isAdministrator(message: InboundMessage, catalogue: ChannelCatalogue): boolean {
  if (catalogue.manifest(message.address.channel)?.builtIn !== true) return false;
  return callerScopes(message)?.includes("operator.admin") === true;
}

function refused(message: string): AppError {
  return new AppError("SEC_001", message, { retry: "never" });
}
