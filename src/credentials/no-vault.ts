/** A vault that holds nothing and takes nothing: for a house whose vault is not there. */
import { AppError } from "../domain/app-error.ts";
import type { Vault } from "./contract.ts";

export function noVault(): Vault {
  const refuse = (): Promise<never> =>
    Promise.reject(new AppError("STORE_001", "There is no vault to keep secrets in."));
  return {
    list: () => Promise.resolve([]),
    scoped: () => ({
      read: () => Promise.resolve(null),
      write: refuse,
      update: refuse,
      remove: () => Promise.resolve(false),
    }),
    rotate: refuse,
  };
}
