/** How a handler is bound to its declaration, and what it is told of its caller. */
import type { z } from "zod";
import type { Principal } from "../../domain/authority.ts";
import type { MethodDeclaration, ParamsOf, ResultOf } from "../../protocol/method.ts";
import type { Subscriptions } from "../ws/subscriptions.ts";

export interface Caller {
  readonly connectionId: string;
  readonly principal: Principal;
  readonly deviceId: string | null;
  readonly address: string;
  readonly subscriptions: Subscriptions;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** A result that is JSON already, so that it is not serialised for every request anew. */
export class Serialised {
  readonly json: string;
  constructor(json: string) {
    this.json = json;
  }
}

export type Handler<M extends MethodDeclaration> = (
  params: ParamsOf<M>,
  caller: Caller,
) => ResultOf<M> | Serialised | Promise<ResultOf<M> | Serialised>;

export interface BoundMethod {
  readonly declaration: MethodDeclaration;
  /** `params` have passed the declaration's schema. */
  run(params: unknown, caller: Caller): unknown;
}

/** Ties a handler to its declaration; the types of both must agree. */
export function handle<M extends MethodDeclaration>(declaration: M, handler: Handler<M>): BoundMethod {
  // The dispatcher hands over what this very schema made, which is what the handler's type says.
  return { declaration, run: (params, caller) => handler(params as z.output<M["params"]>, caller) };
}
