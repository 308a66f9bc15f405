/**
 * How an RPC method is declared. The declaration is the one source for the method list, the scope matrix, the
 * reference, the CLI's types and the alias table; the handler stands in the gateway. A method without a scope
 * does not compile.
 */
import type { z, ZodType } from "zod";
import type { Scope } from "../domain/scopes.ts";

export interface MethodDeclaration<Params extends ZodType = ZodType, Result extends ZodType = ZodType> {
  readonly name: string;
  /** `null` only for `connect`, which is how scopes are got. */
  readonly scope: Scope | null;
  readonly params: Params;
  readonly result: Result;
  /** One sentence for the reference. */
  readonly summary: string;
  /** True where an `idempotencyKey` is required: the same key has one effect, over restarts too. */
  readonly idempotent?: boolean;
  /** Older names that mean the same, with how their params become ours where they differ. */
  readonly aliases?: readonly MethodAlias[];
}

export interface MethodAlias {
  readonly name: string;
  /** Two methods may share an older name: the first whose `when` holds (or that has none) answers. */
  readonly when?: (params: Readonly<Record<string, unknown>>) => boolean;
  readonly adapt?: (params: Readonly<Record<string, unknown>>, call: AliasCall) => Record<string, unknown>;
}

/** What an alias may make an idempotency key of, where the older form had none. */
export interface AliasCall {
  readonly connectionId: string;
  readonly requestId: string;
}

export type ParamsOf<M extends MethodDeclaration> = z.output<M["params"]>;
export type ResultOf<M extends MethodDeclaration> = z.input<M["result"]>;

export function method<Params extends ZodType, Result extends ZodType>(
  declaration: MethodDeclaration<Params, Result>,
): MethodDeclaration<Params, Result> {
  return declaration;
}
