/**
 * Creates responses by the OpenResponses specification, answered whole or as a stream, and keeps them for their owner.
 * A response is stored unless its caller says `store: false`, and only its owner can see it or go on from it.
 */
import { AppError } from "../../../domain/app-error.ts";
import type { GatewayDeps } from "../../deps.ts";
import type { AuthorisedExchange, GuardedRoute } from "../contract.ts";
import type { EndedRun, FollowRun, RunRequest } from "../follow-run.ts";
import { readJsonBody } from "../read-body.ts";
import { sendJson } from "../respond.ts";
import { openEventStream } from "../sse.ts";
import { saidOptions, splitConversation } from "./new-input.ts";
import { parseBody } from "./parse.ts";
import {
  contributionOf,
  responsesBody,
  responsesOptions,
  type Contribution,
  type ResponsesBody,
} from "./responses-body.ts";
import { responseObject, type ResponseHead } from "./responses-object.ts";
import { answerOf, finalState, messageStatus } from "./responses-result.ts";
import { ResponsesStream } from "./responses-stream.ts";
import { chooseRunId } from "./run-id.ts";
import { createStoredResponses, type StoredResponses } from "./stored-response.ts";
import { resolveTarget } from "./target.ts";

export interface ResponseHandlers {
  readonly create: GuardedRoute["handle"];
  readonly fetch: GuardedRoute["handle"];
  readonly remove: GuardedRoute["handle"];
}

export function createResponseHandlers(deps: GatewayDeps, followRun: FollowRun): ResponseHandlers {
  const stored = createStoredResponses(deps);
  return {
    create: (exchange) => create(exchange, { deps, followRun, stored }),
    fetch: async (exchange) => {
      const { response } = await stored.get(exchange.principal, exchange.param ?? "");
      sendJson(exchange, 200, response);
    },
    remove: async (exchange) => {
      const id = exchange.param ?? "";
      await stored.remove(exchange.principal, id);
      sendJson(exchange, 200, { id, object: "response", deleted: true });
    },
  };
}

interface Kitchen {
  readonly deps: GatewayDeps;
  readonly followRun: FollowRun;
  readonly stored: StoredResponses;
}

interface Prepared {
  readonly head: ResponseHead;
  readonly request: RunRequest;
  readonly contribution: Contribution;
}

async function create(exchange: AuthorisedExchange, kitchen: Kitchen): Promise<void> {
  const { json, raw } = await readJsonBody(exchange);
  const body = parseBody(responsesBody, json);
  const prepared = await prepare(exchange, kitchen, { body, raw });
  if (body.stream === true) {
    await answerStreaming(exchange, kitchen, prepared);
    return;
  }
  const run = await kitchen.followRun(exchange, prepared.request, { onText: () => undefined });
  sendJson(exchange, 200, await finish(exchange, kitchen, prepared, run));
}

async function prepare(
  exchange: AuthorisedExchange,
  { deps, stored }: Kitchen,
  { body, raw }: { readonly body: ResponsesBody; readonly raw: Buffer },
): Promise<Prepared> {
  const { principal, req } = exchange;
  const model = body.model ?? "openclaw";
  const previousId = body.previous_response_id ?? null;
  // A chain tells its own history, so it needs no session beside it.
  const user = previousId === null ? (body.user ?? null) : null;
  const target = resolveTarget(deps, { principal, headers: req.headers, model, user });
  if (previousId !== null && !target.ephemeral) {
    const message = "previous_response_id and a session key exclude each other.";
    throw new AppError("RPC_003", message, { details: { param: "previous_response_id" } });
  }
  const before: Contribution =
    previousId === null ? { system: [], messages: [] } : await stored.conversation(principal, previousId);
  const contribution = contributionOf(body);
  const said = splitConversation([...before.messages, ...contribution.messages], "input");
  const options = {
    ...responsesOptions(body, [...before.system, ...contribution.system]),
    ...saidOptions(said, target.ephemeral),
    ...(target.model === null ? {} : { model: target.model }),
  };
  const runId = await chooseRunId(deps, exchange, raw);
  const { sessionKey, agentId, ephemeral } = target;
  const createdAt = Math.floor(deps.clock.nowMs() / 1000);
  return {
    head: { id: `resp_${runId.replaceAll("-", "")}`, createdAt, model, body },
    request: { runId, sessionKey, agentId, ephemeral, content: said.content, options },
    contribution,
  };
}

async function answerStreaming(exchange: AuthorisedExchange, kitchen: Kitchen, prepared: Prepared): Promise<void> {
  const stream = openEventStream(exchange);
  const answer = new ResponsesStream(prepared.head, stream);
  try {
    const run = await kitchen.followRun(exchange, prepared.request, {
      onAccepted: () => answer.begin(),
      onText: (delta) => answer.text(delta),
    });
    answer.closeItems(run);
    const response = await finish(exchange, kitchen, prepared, run);
    answer.complete(response, messageStatus(run) === "incomplete" ? "incomplete" : "completed");
  } catch (error) {
    if (!stream.started) throw error;
    answer.fail(error);
  }
}

/** Stores before it answers: who has read an id can use it at once. */
async function finish(
  { principal }: AuthorisedExchange,
  { deps, stored }: Kitchen,
  { head, contribution }: Prepared,
  run: EndedRun,
): Promise<unknown> {
  const completedAt = Math.floor(deps.clock.nowMs() / 1000);
  const response = responseObject(head, finalState(head, run, completedAt));
  if (head.body.store === false) return response;
  await stored.keep(principal, head.id, {
    response,
    previousId: head.body.previous_response_id ?? null,
    system: contribution.system,
    messages: [...contribution.messages, ...answerOf(run)],
  });
  return response;
}
