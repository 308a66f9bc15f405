/**
 * Frame in, answer out. Decodes, finds the method, asks for the scope, checks the params and runs the handler; whatever
 * a handler does (throw, reject, never answer) stays within its own request.
 */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { coversScope } from "../../domain/scopes.ts";
import type { Log } from "../../platform/log.ts";
import { wireError } from "../../protocol/error-shape.ts";
import type { Request } from "../../protocol/frames.ts";
import { invalidParams } from "../../protocol/param-faults.ts";
import { Serialised } from "../rpc/handler.ts";
import type { MethodTable, Resolved } from "../rpc/method-table.ts";
import type { Connection } from "./connection.ts";

export interface Dispatcher {
  /** Answers the frame once, now or when its handler is done. Never throws. */
  receive(connection: Connection, text: string): void;
}

export function createDispatcher(table: MethodTable, log: Log): Dispatcher {
  function receive(connection: Connection, text: string): void {
    const decoded = connection.facts.codec.decode(text);
    if (!decoded.ok) {
      fail(connection, decoded.id, decoded.error);
      return;
    }
    const { request } = decoded;
    if (connection.inFlight >= limits.requestsInFlight) {
      // Before the handler, not behind it: what is refused has had no effect.
      fail(connection, request.id, tooManyRequests());
      return;
    }
    try {
      const outcome = run(connection, request);
      if (outcome instanceof Promise) settle(connection, request, outcome);
      else succeed(connection, request.id, outcome);
    } catch (error) {
      refuse(connection, request, error);
    }
  }

  function run(connection: Connection, request: Request): unknown {
    const { method, params } = resolve(connection, request);
    const { scope } = method.declaration;
    if (scope === null || !coversScope(connection.principal.scopes, scope)) throw missingScope(scope);
    const parsed = method.declaration.params.safeParse(params ?? {});
    if (!parsed.success) throw invalidParams(method.declaration.name, parsed.error);
    return method.run(parsed.data, connection);
  }

  function resolve(connection: Connection, { id, method, params }: Request): Resolved {
    if (method === "connect") throw new AppError("RPC_001", "connect is only valid as the first request");
    const found = table.resolve(method, params, { connectionId: connection.connectionId, requestId: id });
    if (found === null) throw new AppError("RPC_002", `unknown method: ${method.slice(0, 128)}`);
    return found;
  }

  function settle(connection: Connection, request: Request, pending: Promise<unknown>): void {
    connection.begin();
    pending
      .then(
        (result) => succeed(connection, request.id, result),
        (error: unknown) => refuse(connection, request, error),
      )
      // What cannot be serialised is our own fault; its caller still gets an answer.
      .catch((error: unknown) => refuse(connection, request, error))
      .finally(() => connection.end());
  }

  function succeed(connection: Connection, id: string, result: unknown): void {
    const json = result instanceof Serialised ? result.json : (JSON.stringify(result) ?? "null");
    connection.sendText(connection.facts.codec.response(id, json));
  }

  function refuse(connection: Connection, request: Request, thrown: unknown): void {
    const error = AppError.from(thrown);
    if (error.code === "SYS_001") {
      log.error("A request failed.", { method: request.method, connectionId: connection.connectionId, error: thrown });
    }
    fail(connection, request.id, error);
  }

  function fail(connection: Connection, id: string, error: AppError): void {
    connection.sendText(connection.facts.codec.failure(id, wireError(error)));
  }

  return { receive };
}

function missingScope(scope: string | null): AppError {
  const needed = scope ?? "operator.admin";
  return new AppError("SEC_004", `missing scope: ${needed}`, {
    details: { code: "MISSING_SCOPE", missingScope: needed, requiredScopes: [needed] },
  });
}

function tooManyRequests(): AppError {
  return new AppError("CONN_003", "too many requests are under way on this connection", { retryAfterMs: 1_000 });
}
