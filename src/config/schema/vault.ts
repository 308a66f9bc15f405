/** `vault`: how the secrets that the gateway keeps are locked. */
import * as z from "zod";
import { about } from "./leaf.ts";

export function vaultSchema() {
  return z.object({
    key: about(
      z.enum(["auto", "file", "passphrase", "keychain"]),
      "Where the key of a new vault is kept: a file beside it, a passphrase that whoever starts the gateway gives (OPENCLAW_VAULT_PASSPHRASE), or the system's keychain. auto: a passphrase where one is given, the keychain on macOS and Windows, else a file. A vault that is there already keeps its key; openclaw secrets rekey moves it.",
    ),
  });
}
