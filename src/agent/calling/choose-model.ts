/** Asks the desk for the models of a turn, best first, and tells the decision to those who ask why. */
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { messageText } from "../../domain/message.ts";
import type { ChoiceRequest, ModelChoice } from "../../models/contract.ts";
import { textTokens } from "../context/token-estimate.ts";
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";
import { noticeOf } from "./failover-notice.ts";
import { patienceOf, waitUntil } from "./patience.ts";

/**
 * Throws MODEL_001 for a model that is not there or not allowed, MODEL_009 where none can answer now. One that comes back
 * soon enough is waited for.
 */
export async function chooseModel(turn: Turn, deps: AgentDeps): Promise<ModelChoice> {
  const choice = await chooseInTime(requestOf(turn), turn, deps);
  const { considered, tier, score, candidates } = choice;
  const [{ model, profileId }] = candidates;
  emitOf(turn, deps, { type: "model.chosen", model: model.ref, profileId, tier, score, considered });
  const meant = considered.find(({ verdict, step }) => verdict === "used" || step === "attempt");
  if (meant !== undefined && meant.model !== model.ref) {
    noticeOf(turn, `${meant.model} cannot answer now; ${model.ref} answers instead.`, deps);
  }
  return choice;
}

async function chooseInTime(request: ChoiceRequest, turn: Turn, deps: AgentDeps): Promise<ModelChoice> {
  const endMs = deps.clock.nowMs() + patienceOf(turn, deps);
  for (;;) {
    try {
      return await deps.desk.choose(request);
    } catch (thrown) {
      const againMs = againAfter(thrown, deps.clock.nowMs());
      if (againMs === null || againMs > endMs || !(await waitUntil(againMs, turn, deps))) throw thrown;
    }
  }
}

/** Null where waiting does not help. */
function againAfter(thrown: unknown, nowMs: number): number | null {
  if (!(thrown instanceof AppError) || thrown.code !== "MODEL_009" || thrown.retryAfterMs === undefined) return null;
  // Never at once: while another turn tries a model, its standing is looked at again and again.
  return nowMs + Math.max(thrown.retryAfterMs, limits.modelPauseFloorMs);
}

function requestOf(turn: Turn): ChoiceRequest {
  const { row, options, settings } = turn;
  const text = messageText(row.message);
  return {
    agentId: row.agentId,
    sessionKey: row.sessionKey,
    requested: options.model,
    sessionModel: settings.model,
    sessionProfile: settings.authProfile,
    sessionRouting: settings.routing,
    text,
    needsVision: hasPicture(turn),
    estimatedTokens: textTokens(text),
  };
}

function hasPicture({ row, options }: Turn): boolean {
  const ofMessage = row.message.content.flatMap(({ attachments }) => attachments ?? []);
  const ofCaller = (options.input ?? []).flatMap((message) =>
    message.role === "user" ? message.content.flatMap((part) => (part.type === "file" ? [part.attachment] : [])) : [],
  );
  return [...ofMessage, ...ofCaller].some(({ mimeType }) => mimeType?.startsWith("image/") === true);
}
