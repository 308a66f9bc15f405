/** Handlers of the configuration. What leaves is redacted; what comes in may not carry the mark of redaction back. */
import type { ConfigChange, ConfigSnapshot } from "../../config/contract.ts";
import { getAt, parsePath, type KeyPath } from "../../config/dot-path.ts";
import { readText } from "../../config/text/read-text.ts";
import { AppError } from "../../domain/app-error.ts";
import { coversScope } from "../../domain/scopes.ts";
import { isRecord } from "../../protocol/frames.ts";
import type { MethodDeclaration } from "../../protocol/method.ts";
import { configApply, configGet, configPatch, configSchemaMethod, configSet } from "../../protocol/methods/config.ts";
import { handle, type BoundMethod, type Caller } from "./handler.ts";
import type { RpcServices } from "./services.ts";

export const redactedMark = "__OPENCLAW_REDACTED__";

export function configMethods(services: RpcServices): readonly BoundMethod[] {
  const { deps } = services;
  return [
    handle(configGet, ({ path }, caller) => read(services, path, caller)),
    handle(configSet, (params, caller) =>
      "raw" in params
        ? write(
            services,
            { declaration: configSet, caller },
            { kind: "replace", raw: unredacted(params.raw), ...base(params) },
          )
        : write(
            services,
            { declaration: configSet, caller },
            { kind: "set", path: params.path, value: keepable(params.value), ...base(params) },
          ),
    ),
    handle(configPatch, (params, caller) => {
      const patch = "patch" in params ? params.patch : patchOf(params.raw);
      return write(
        services,
        { declaration: configPatch, caller },
        { kind: "patch", patch: withoutMarks(patch), ...base(params) },
      );
    }),
    handle(configApply, (params, caller) =>
      write(
        services,
        { declaration: configApply, caller },
        { kind: "replace", raw: unredacted(params.raw), ...base(params) },
      ),
    ),
    handle(configSchemaMethod, () => ({
      schema: deps.config.schema(),
      uiHints: Object.fromEntries(deps.config.secretPaths().map((path) => [path, { sensitive: true }])),
      version: deps.version,
      generatedAt: new Date(deps.clock.nowMs()).toISOString(),
    })),
  ];
}

function read({ deps }: RpcServices, path: string | undefined, caller: Caller) {
  const snapshot = deps.config.current();
  const redacted = deps.config.redacted();
  const isAdmin = coversScope(caller.principal.scopes, "operator.admin");
  return {
    ...(isAdmin ? { path: snapshot.path } : {}),
    exists: snapshot.exists,
    valid: snapshot.issues.every(({ severity }) => severity !== "error"),
    hash: snapshot.hash,
    version: snapshot.version,
    raw: null,
    parsed: deps.config.redact(snapshot.parsed),
    config: path === undefined || path === "" ? redacted : (getAt(redacted, keysOf(path)) ?? null),
    // Files and lines of an issue are paths of this machine.
    issues: snapshot.issues.map(({ severity, path: at, message, file, line }) => ({
      severity,
      path: at,
      message,
      ...(isAdmin ? { file, line } : {}),
    })),
  };
}

async function write(
  { deps, configWrites }: RpcServices,
  { declaration, caller }: { declaration: MethodDeclaration; caller: Caller },
  change: ConfigChange,
) {
  configWrites.take(declaration.name, caller);
  const written: ConfigSnapshot = await deps.config.write(change);
  return { ok: true as const, hash: written.hash, version: written.version, config: deps.config.redacted() };
}

function base({ baseHash }: { readonly baseHash?: string | undefined }) {
  return baseHash === undefined ? {} : { baseHash };
}

/** The same paths as those of `config.set`. */
function keysOf(path: string): KeyPath {
  try {
    return parsePath(path);
  } catch (error) {
    const why = AppError.from(error).message;
    throw new AppError("RPC_003", `invalid config.get params: at /path: ${why}`, { cause: error });
  }
}

/** Published clients send a merge patch as the text of an object. */
function patchOf(raw: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = readText(raw, "the patch");
  } catch (error) {
    const why = AppError.from(error).message;
    throw new AppError("RPC_003", `invalid config.patch params: at /raw: ${why}`, { cause: error });
  }
  if (!isRecord(parsed)) throw new AppError("RPC_003", "invalid config.patch params: at /raw: must be an object");
  return { ...parsed };
}

/** A form that was filled from `config.get` comes back with marks where secrets are: those values stay as they are. */
function withoutMarks(patch: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === redactedMark) continue;
    kept[key] = isRecord(value) ? withoutMarks(value) : keepable(value);
  }
  return kept;
}

/** Within a list or a single value the mark has nothing to stand for. */
function keepable(value: unknown): unknown {
  unredacted(JSON.stringify(value) ?? "");
  return value;
}

function unredacted(raw: string): string {
  if (!raw.includes(redactedMark)) return raw;
  throw new AppError("RPC_003", `the text holds ${redactedMark}: a hidden secret would be overwritten by it`);
}
