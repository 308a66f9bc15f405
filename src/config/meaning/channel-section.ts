/**
 * `channels.*` against the schemas that the channels handed in. Values stay as written: the channel reads them itself,
 * and an account that does not fit is not started. Here the mistakes get a path and a line.
 */
import type * as z from "zod";
import type { MissingSecret } from "../contract.ts";
import { formatPath, getAt, isRecord, setAt, type KeyPath } from "../dot-path.ts";
import { describeIssue, keysOf, type Finding } from "./finding.ts";
import type { SchemaSet } from "./schema-set.ts";
import { unknownKeys } from "./schema-walk.ts";
import type { MissingVariable } from "./substitute.ts";

type Channels = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export function checkChannels(channels: Channels, schemas: SchemaSet): readonly Finding[] {
  return Object.entries(channels).flatMap(([id, section]) => {
    const known = schemas.channels.channelSchemas;
    const schema = Object.hasOwn(known, id) ? known[id] : undefined;
    if (schema !== undefined) return checkChannel(["channels", id], section, schema);
    // Without any schema nobody handed channels in, which says nothing about this one.
    if (Object.keys(known).length === 0) return [];
    return [{ path: ["channels", id], message: "is not a channel that this version has", weight: "warning" as const }];
  });
}

/** A setting that is not written is taken from the variable that its channel names; the variable alone asks for the channel. */
export function withChannelVariables(
  channels: Channels,
  schemas: SchemaSet,
  { variables, missing }: { variables: Readonly<Record<string, string>>; missing: readonly MissingSecret[] },
): Channels {
  const filled: Record<string, Readonly<Record<string, unknown>>> = { ...channels };
  for (const [id, settings] of Object.entries(schemas.channels.channelEnvironment)) {
    for (const [setting, variable] of Object.entries(settings)) {
      const value = Object.hasOwn(variables, variable) ? variables[variable]?.trim() : undefined;
      if (value === undefined || value === "" || getAt(filled[id], [setting]) !== undefined) continue;
      // Written, as a reference that leads nowhere: it does not quietly become another secret.
      const isWritten = missing.some(({ keys }) => formatPath(keys) === formatPath(["channels", id, setting]));
      if (isWritten) continue;
      filled[id] = { ...filled[id], [setting]: value };
    }
  }
  return filled;
}

/** Nobody is let in by hooks whose token is not there. What a channel or provider lacks is told to it with the snapshot. */
export function closeWithout(value: unknown, missing: readonly MissingSecret[]): unknown {
  const lacksHookToken = missing.some(({ keys }) => keys[0] === "hooks" && keys[1] === "token");
  return lacksHookToken && isRecord(getAt(value, ["hooks"])) ? setAt(value, ["hooks", "enabled"], false) : value;
}

/** Switches off the channel or account whose setting needs a variable that is not there: without it, it could be wider. */
export function switchOffIncomplete(value: unknown, missing: readonly MissingVariable[]): unknown {
  return missing.reduce((current, { path }) => {
    if (path[0] !== "channels" || path.length < 3) return current;
    const owner = path[2] === "accounts" && path.length > 4 ? path.slice(0, 4) : path.slice(0, 2);
    return isRecord(getAt(current, owner)) ? setAt(current, [...owner, "enabled"], false) : current;
  }, value);
}

function checkChannel(
  path: KeyPath,
  section: Readonly<Record<string, unknown>>,
  schema: z.ZodType,
): readonly Finding[] {
  const { accounts, enabled: _enabled, ...shared } = section;
  if (accounts !== undefined && !isRecord(accounts)) {
    return [
      {
        path: [...path, "accounts"],
        message: `expected an object, got ${Array.isArray(accounts) ? "a list" : "a value"}`,
        weight: "key",
      },
    ];
  }
  const named = Object.entries(accounts ?? {});
  const own = mistakes(path, shared, { schema, written: shared });
  const below = named.flatMap(([name, account]) => {
    const at = [...path, "accounts", name];
    if (!isRecord(account)) return [{ path: at, message: "expected an object", weight: "key" as const }];
    return mistakes(at, { ...shared, ...account }, { schema, written: account });
  });
  // Beside named accounts, what the section itself lacks each account may have.
  const kept =
    named.length === 0 ? own : own.filter((finding) => getAt(shared, finding.path.slice(path.length)) !== undefined);
  return [...kept, ...below];
}

/** `written`: the part that stands at `path`; what an account takes from its section is told about there. */
function mistakes(
  path: KeyPath,
  value: Readonly<Record<string, unknown>>,
  { schema, written }: { schema: z.ZodType; written: Readonly<Record<string, unknown>> },
): Finding[] {
  const result = schema.safeParse(value);
  const wrong = result.success ? [] : result.error.issues;
  const findings: Finding[] = [];
  for (const issue of wrong) {
    const keys = keysOf(issue);
    const got = getAt(value, keys);
    if (got !== undefined && getAt(written, keys) === undefined) continue;
    findings.push({ path: [...path, ...keys], message: describeIssue(issue, got, keys), weight: "key" });
  }
  for (const keys of unknownKeys(schema, written)) {
    if (keys.length === 1 && (keys[0] === "enabled" || keys[0] === "accounts" || keys[0] === "name")) continue;
    findings.push({ path: [...path, ...keys], message: "is not known and has no effect", weight: "warning" });
  }
  return findings;
}
