/** The parser of YAML, loaded late; see `surroundings.ts`. Aliases can make a short text a huge value, so none is followed. */
import { parse } from "yaml";

export function parseYaml(text: string): unknown {
  return parse(text, { maxAliasCount: 0, prettyErrors: false }) as unknown;
}
