/**
 * What tells one secret from the next without telling the secret: a keyed hash. The key is random and lies in the
 * vault, so that what was remembered of a login outlives a restart; where there is no vault, none is begun for it.
 */
import { createHmac } from "node:crypto";
import type { Vault } from "../contract.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";

export interface RevisionKey {
  /** Sixteen hex digits; the same for the same secret and key. */
  of(secret: string): string;
  /** Fetches the lasting key. Until then, and where the vault cannot be opened, one that lives as long as the process. */
  load(): Promise<void>;
}

const entryName = "profile-revision-key";
const keyBytes = 32;

export function createRevisionKey(deps: { readonly vault: Vault; readonly ids: Ids; readonly log: Log }): RevisionKey {
  let key = deps.ids.hex(keyBytes);
  return {
    of: (secret) => createHmac("sha256", key).update(secret).digest("hex").slice(0, 16),
    async load() {
      const entries = deps.vault.scoped("gateway");
      try {
        if ((await deps.vault.list()).length === 0) return;
        const known = await entries.read(entryName);
        if (known !== null) {
          key = known;
          return;
        }
        await entries.update(entryName, (current) => {
          if (current === null) return Promise.resolve({ value: key });
          key = current;
          return Promise.resolve(null);
        });
      } catch (error) {
        deps.log.debug("There is no lasting key for revisions; failed logins are forgotten with the process.", {
          error,
        });
      }
    },
  };
}
