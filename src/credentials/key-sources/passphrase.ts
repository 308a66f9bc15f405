/**
 * The master key made of a passphrase: nothing on the disk opens the vault. Whoever starts the gateway gives it, in the
 * environment or at the terminal; a gateway that starts by itself cannot open such a vault without the variable.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { freshBytes, passphraseKey, type KeyDerivation } from "../../platform/sealing.ts";
import type { KeySource } from "./contract.ts";

export interface Passphrases {
  /** Whether there is one without asking anybody. */
  readonly isGiven: boolean;
  /** The one of the vault as it is; null where there is none and nobody to ask. */
  current(): Promise<string | null>;
  /** The one for a vault that is sealed anew. */
  fresh(): Promise<string | null>;
}

/** Nobody has one and nobody is asked. */
export const noPassphrase: Passphrases = {
  isGiven: false,
  current: () => Promise.resolve(null),
  fresh: () => Promise.resolve(null),
};

/**
 * What OWASP asks for, in the form that wants the least memory (32 MiB): a gateway has to start on a small machine. About
 * a third of a second on one.
 */
const usualCost = { cost: 2 ** 15, blockSize: 8, parallelization: 3 };
const saltBytes = 16;

export function passphraseSource(passphrases: Passphrases, costs: Omit<KeyDerivation, "salt"> = usualCost): KeySource {
  /** Making a key takes a while by design, and a wrong passphrase stays wrong however often it is asked for. */
  let made: { readonly passphrase: string; readonly derivation: KeyDerivation; readonly key: Buffer } | null = null;

  async function keyOf(passphrase: string, derivation: KeyDerivation): Promise<Buffer> {
    if (made?.passphrase === passphrase && isSame(made.derivation, derivation)) return made.key;
    const key = await passphraseKey(passphrase, derivation);
    made = { passphrase, derivation, key };
    return key;
  }

  return {
    id: "passphrase",
    trouble: () => Promise.resolve(passphrases.isGiven ? null : "OPENCLAW_VAULT_PASSPHRASE is not set."),
    async keys(derivation) {
      if (derivation === null) return [];
      const passphrase = await passphrases.current();
      if (passphrase === null) {
        throw new AppError(
          "VAULT_001",
          "The vault is locked with a passphrase: set OPENCLAW_VAULT_PASSPHRASE in the gateway's environment.",
        );
      }
      return [await keyOf(passphrase, derivation)];
    },
    async create() {
      const passphrase = await passphrases.fresh();
      if (passphrase === null)
        throw new AppError("VAULT_001", "A passphrase is needed: set OPENCLAW_VAULT_PASSPHRASE, or use a terminal.");
      if ([...passphrase].length < limits.passphraseChars)
        throw new AppError("VAULT_001", `A passphrase needs ${limits.passphraseChars} characters or more.`);
      const derivation = { ...costs, salt: freshBytes(saltBytes) };
      return { key: await keyOf(passphrase, derivation), derivation };
    },
    // It is kept in a head.
    keepOnly: () => Promise.resolve(),
  };
}

function isSame(one: KeyDerivation, other: KeyDerivation): boolean {
  const isSameCost = one.cost === other.cost && one.blockSize === other.blockSize;
  return isSameCost && one.parallelization === other.parallelization && one.salt.equals(other.salt);
}
