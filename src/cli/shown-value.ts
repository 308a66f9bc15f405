/** A value of the configuration fit to be repeated to whoever typed it: a terminal is looked at, and its words are kept. */
import { getAt, parsePath } from "../config/dot-path.ts";

/** The value as it would stand at the path, secrets hidden. Throws SYS_003 where the text is no path. */
export async function shownValue(path: string, value: unknown): Promise<unknown> {
  const [{ redactConfig, secretPathsOf }, { createSchemaSet }, { channelSettings }] = await Promise.all([
    import("../config/redact.ts"),
    import("../config/meaning/schema-set.ts"),
    import("../app/channel-settings.ts"),
  ]);
  const keys = parsePath(path).map(String);
  const around = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return getAt(redactConfig(around, secretPathsOf(createSchemaSet(channelSettings()))), keys);
}
