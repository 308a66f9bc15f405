/** Answers a request of OpenAI's chat protocol with a turn of an agent: whole, or as a stream. */
import type { GatewayDeps } from "../../deps.ts";
import type { AuthorisedExchange, GuardedRoute } from "../contract.ts";
import type { FollowRun, RunRequest } from "../follow-run.ts";
import { readJsonBody } from "../read-body.ts";
import { sendJson } from "../respond.ts";
import { openEventStream } from "../sse.ts";
import { chatCompletion, chatStream, type ChatHead } from "./chat-answer.ts";
import { chatBody, chatConversation, chatOptions, type ChatBody } from "./chat-body.ts";
import { saidOptions, splitConversation } from "./new-input.ts";
import { parseBody } from "./parse.ts";
import { chooseRunId } from "./run-id.ts";
import { resolveTarget } from "./target.ts";

export function createChatAnswer(deps: GatewayDeps, followRun: FollowRun): GuardedRoute["handle"] {
  return async (exchange) => {
    const { json, raw } = await readJsonBody(exchange);
    const body = parseBody(chatBody, json);
    const request = await runRequest(deps, exchange, { body, raw });
    const created = Math.floor(deps.clock.nowMs() / 1000);
    const head: ChatHead = { id: `chatcmpl-${request.runId}`, created, model: body.model };
    if (body.stream === true) await answerStreaming(exchange, { followRun, request, head, body });
    else {
      const run = await followRun(exchange, request, { onText: () => undefined });
      sendJson(exchange, 200, chatCompletion(head, run));
    }
  };
}

async function runRequest(
  deps: GatewayDeps,
  exchange: AuthorisedExchange,
  { body, raw }: { readonly body: ChatBody; readonly raw: Buffer },
): Promise<RunRequest> {
  const { principal, req } = exchange;
  const target = resolveTarget(deps, { principal, headers: req.headers, model: body.model, user: body.user ?? null });
  const said = splitConversation(chatConversation(body), "messages");
  const options = {
    ...chatOptions(body),
    ...saidOptions(said, target.ephemeral),
    ...(target.model === null ? {} : { model: target.model }),
  };
  const runId = await chooseRunId(deps, exchange, raw);
  const { sessionKey, agentId, ephemeral } = target;
  return { runId, sessionKey, agentId, ephemeral, content: said.content, options };
}

interface Streaming {
  readonly followRun: FollowRun;
  readonly request: RunRequest;
  readonly head: ChatHead;
  readonly body: ChatBody;
}

/** The header waits for the first word: a run that fails before it answers with a status that says so. */
async function answerStreaming(
  exchange: AuthorisedExchange,
  { followRun, request, head, body }: Streaming,
): Promise<void> {
  const stream = openEventStream(exchange);
  const answer = chatStream(head, stream, body.stream_options?.include_usage === true);
  try {
    answer.finish(await followRun(exchange, request, { onText: (delta) => answer.text(delta) }));
  } catch (error) {
    if (!stream.started) throw error;
    answer.fail(error);
  }
}
