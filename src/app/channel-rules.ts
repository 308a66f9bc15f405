/**
 * What the configuration says about one address: who may write there, and whether anything may be sent there now.
 * Asked anew each time, so that a change holds for the next message.
 */
import { accountSettings, type AccountSetting } from "../channels/account-settings.ts";
import { admissionPolicyOf } from "../channels/policy-config.ts";
import { channelManifest, channelPrefixes } from "../channels/registry.ts";
import type { Config } from "../config/schema/root.ts";
import type { AdmissionPolicy } from "../domain/admission-policy.ts";
import { AppError } from "../domain/app-error.ts";
import type { Address, InboundMessage } from "../domain/message.ts";

export function policyFor(message: InboundMessage, config: Config): AdmissionPolicy {
  const { channel, chatId } = message.address;
  const account = accountOf(message.address, config);
  return admissionPolicyOf(account?.config, { chatId, prefixes: channelPrefixes(channel), paired: [] });
}

/** Null where a part may leave. A policy that was closed while a reply waited closes the way out too. */
export function permissionFor(address: Address, config: Config): AppError | null {
  const account = accountOf(address, config);
  if (account === undefined || !account.enabled)
    return refused(`The account ${address.channel}/${address.accountId} is not in use.`);
  const policy = admissionPolicyOf(account.config, {
    chatId: address.chatId,
    prefixes: channelPrefixes(address.channel),
    paired: [],
  });
  if (channelManifest(address.channel)?.builtIn === true) return null;
  if (address.chatKind === "dm" && policy.dmPolicy === "disabled")
    return refused("Direct messages are switched off for this account.");
  if (address.chatKind !== "dm" && policy.groupPolicy === "disabled")
    return refused("Groups are switched off for this account.");
  return null;
}

function accountOf(address: Address, config: Config): AccountSetting | undefined {
  const manifest = channelManifest(address.channel);
  if (manifest === undefined) return undefined;
  return accountSettings(config.channels, [manifest]).find((account) => account.accountId === address.accountId);
}

function refused(message: string): AppError {
  return new AppError("SEC_001", message, { retry: "never" });
}
