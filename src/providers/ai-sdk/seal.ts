/**
 * Seals: what a provider wants back unchanged with a block of thoughts or with a tool call. Each carries the mark of
 * its protocol and model, so that after a change of either nobody is shown another's seal: that is refused with a 400.
 */
import type { SharedV4ProviderMetadata, SharedV4ProviderOptions } from "@ai-sdk/provider";

export interface Seal {
  /** The seal in a part's metadata, marked; undefined where there is none. */
  read(metadata: SharedV4ProviderMetadata | undefined): string | undefined;
  /** The options that give the seal back; undefined where it is not this one. */
  write(seal: string): SharedV4ProviderOptions | undefined;
}

export interface Seals {
  readonly thoughts: Seal;
  /** Where calls are sealed too. Their seal travels as a block of thoughts in front of the call. */
  readonly calls?: Seal;
  /** Closes a block of thoughts that the wire itself does not seal, where it has to go back all the same. */
  readonly plain?: string;
}

/** One metadata field of one provider, as `<mark>:<value>`. */
export function fieldSeal(mark: string, namespace: string, field: string): Seal {
  return {
    read: (metadata) => {
      const value = metadata?.[namespace]?.[field];
      return typeof value === "string" && value !== "" ? `${mark}:${value}` : undefined;
    },
    write: (seal) =>
      seal.startsWith(`${mark}:`) ? { [namespace]: { [field]: seal.slice(mark.length + 1) } } : undefined,
  };
}

/** Either of two; no part carries both. */
export function eitherSeal(first: Seal, second: Seal): Seal {
  return {
    read: (metadata) => first.read(metadata) ?? second.read(metadata),
    write: (seal) => first.write(seal) ?? second.write(seal),
  };
}
