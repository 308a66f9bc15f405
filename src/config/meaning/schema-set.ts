/** The schemas that one gateway's configuration is held against: our sections, and what the channels hand in. */
import type * as z from "zod";
import { sectionSchemas, type SectionName } from "../schema/sections.ts";

/** What channels say about their settings; config does not know them otherwise. */
export interface ChannelSettings {
  /** Schema of one account, by channel. */
  readonly channelSchemas?: Readonly<Record<string, z.ZodType>>;
  /** Secret settings of one account, dot paths, by channel. */
  readonly channelSecrets?: Readonly<Record<string, readonly string[]>>;
  /** Variable that stands in for a setting that is not written, by channel and setting. */
  readonly channelEnvironment?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface SchemaSet {
  section(name: SectionName): z.ZodType;
  readonly channels: Required<ChannelSettings>;
}

/** Each section's schema is made once, when it is first needed. */
export function createSchemaSet(channels: ChannelSettings): SchemaSet {
  const made = new Map<SectionName, z.ZodType>();
  return {
    section(name) {
      const schema = made.get(name) ?? sectionSchemas[name]();
      made.set(name, schema);
      return schema;
    },
    channels: {
      channelSchemas: channels.channelSchemas ?? {},
      channelSecrets: channels.channelSecrets ?? {},
      channelEnvironment: channels.channelEnvironment ?? {},
    },
  };
}
