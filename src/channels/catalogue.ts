/** The channels a house is built with: those that ship, or the ones that a drill brings along. */
import type { ChannelManifest, ChannelModule } from "./contract.ts";
import { channelManifest, channelManifests, channelModule, channelPrefixes } from "./registry.ts";

export interface ChannelCatalogue {
  manifests(): readonly ChannelManifest[];
  manifest(id: string): ChannelManifest | undefined;
  /** Loads its code. Throws CFG_004 where there is no such channel. */
  module(id: string): Promise<ChannelModule>;
  /** What may stand in front of one of its ids in a list. */
  prefixes(id: string): readonly string[];
}

export const shippedChannels: ChannelCatalogue = Object.freeze({
  manifests: channelManifests,
  manifest: channelManifest,
  module: channelModule,
  prefixes: channelPrefixes,
});
