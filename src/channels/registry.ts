/**
 * Which channels there are. The only file that names one: a new channel is a folder and a line here. Manifests are
 * small and always loaded; a channel's code is loaded when one of its accounts is first connected.
 */
import type { ZodType } from "zod";
import { AppError } from "../domain/app-error.ts";
import type { ChannelManifest, ChannelModule } from "./contract.ts";
import { manifest as irc } from "./irc/manifest.ts";
import { manifest as telegram } from "./telegram/manifest.ts";
import { manifest as webchat } from "./webchat/manifest.ts";

interface Entry {
  readonly manifest: ChannelManifest;
  readonly load: () => Promise<ChannelModule>;
}

const entries: readonly Entry[] = [
  { manifest: irc, load: async () => (await import("./irc/index.ts")).irc },
  { manifest: telegram, load: async () => (await import("./telegram/index.ts")).telegram },
  { manifest: webchat, load: async () => (await import("./webchat/index.ts")).webchat },
];

/** In the order of the docs table. Loads no channel's code. */
export function channelManifests(): readonly ChannelManifest[] {
  return entries.map((entry) => entry.manifest);
}

export function channelManifest(id: string): ChannelManifest | undefined {
  return entries.find((entry) => entry.manifest.id === id)?.manifest;
}

/** Throws AppError CFG_004 where there is no such channel. */
export async function channelModule(id: string): Promise<ChannelModule> {
  const entry = entries.find((candidate) => candidate.manifest.id === id);
  if (entry === undefined)
    throw new AppError("CFG_004", `There is no channel named ${id}.`, { details: { channel: id } });
  return entry.load();
}

/** The schema of one account of each channel, by channel. */
export function channelConfigSchemas(): Readonly<Record<string, ZodType>> {
  return Object.fromEntries(entries.map(({ manifest }) => [manifest.id, manifest.configSchema]));
}

/** What may stand in front of an id of this channel in a list: its own id and its short forms. */
export function channelPrefixes(id: string): readonly string[] {
  return [id, ...(channelManifest(id)?.prefixes ?? [])];
}
