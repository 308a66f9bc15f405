/** Whom a secret belongs to, and what it may be called. Pure. */
import { limits } from "./limits.ts";

/** A channel never gets another channel's, a provider never a channel's. */
export type SecretScope = `channel:${string}` | `provider:${string}` | `profile:${string}` | "gateway";

/** Letters, digits, `.`, `_` and `-`, and never a dot first. */
export function isSecretName(name: string): boolean {
  return name.length <= limits.secretNameChars && /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name);
}

/** What stands behind the colon is the id of a channel, of a provider, or of a profile such as `openai:work`. */
export function isSecretScope(text: string): text is SecretScope {
  if (text === "gateway") return true;
  return /^(?:channel|provider|profile):[\p{L}\p{N}._:@/-]{1,128}$/u.test(text);
}
