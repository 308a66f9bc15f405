/**
 * The methods that can be called now: ours by group, and those of plugins. A name without a handler is unknown,
 * whatever else is declared; a plugin's method that names no scope is for administrators.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Scope } from "../../domain/scopes.ts";
import { isRecord } from "../../protocol/frames.ts";
import type { AliasCall, MethodAlias, MethodDeclaration } from "../../protocol/method.ts";
import type { BoundMethod, Caller } from "./handler.ts";

export interface Resolved {
  readonly method: BoundMethod;
  readonly params: unknown;
}

export interface PluginMethod {
  readonly declaration: Omit<MethodDeclaration, "scope"> & { readonly scope?: Scope };
  run(params: unknown, caller: Caller): unknown;
}

export interface MethodTable {
  /** Null where nobody of that name answers. */
  resolve(name: string, params: unknown, call: AliasCall): Resolved | null;
  /** Names that are answered, without aliases; the handshake is not among them. */
  names(): readonly string[];
  /** Throws RPC_006 where the name is taken. Returns the way to take it back. */
  register(method: PluginMethod): () => void;
}

export function createMethodTable(methods: readonly BoundMethod[]): MethodTable {
  const byName = new Map<string, BoundMethod>();
  const byAlias = new Map<string, { readonly alias: MethodAlias; readonly method: BoundMethod }[]>();
  let names: readonly string[] = [];

  function add(method: BoundMethod): void {
    byName.set(method.declaration.name, method);
    for (const alias of method.declaration.aliases ?? []) {
      byAlias.set(alias.name, [...(byAlias.get(alias.name) ?? []), { alias, method }]);
    }
    names = [...byName.keys()];
  }

  function remove(method: BoundMethod): void {
    byName.delete(method.declaration.name);
    for (const [name, rows] of byAlias) {
      const rest = rows.filter((row) => row.method !== method);
      if (rest.length === 0) byAlias.delete(name);
      else byAlias.set(name, rest);
    }
    names = [...byName.keys()];
  }

  for (const method of methods) add(method);

  return {
    resolve(name, params, call) {
      const method = byName.get(name);
      if (method !== undefined) return { method, params };
      const given = isRecord(params) ? params : {};
      const row = byAlias.get(name)?.find(({ alias }) => alias.when?.(given) ?? true);
      if (row === undefined) return null;
      return { method: row.method, params: row.alias.adapt?.(given, call) ?? params };
    },
    names: () => names,
    register(plugin) {
      const { name } = plugin.declaration;
      if (name === "connect" || byName.has(name) || byAlias.has(name)) {
        throw new AppError("RPC_006", `A method named ${name} is there already.`);
      }
      const declaration = { ...plugin.declaration, scope: plugin.declaration.scope ?? ("operator.admin" as const) };
      const method: BoundMethod = { declaration, run: (params, caller) => plugin.run(params, caller) };
      add(method);
      return () => remove(method);
    },
  };
}
