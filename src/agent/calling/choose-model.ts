/** Asks the desk for the models of a turn, best first, and tells the decision to those who ask why. */
import { messageText } from "../../domain/message.ts";
import type { ModelChoice } from "../../models/contract.ts";
import type { SessionRow } from "../../store/port.ts";
import { textTokens } from "../context/token-estimate.ts";
import { emitOf, type AgentDeps, type Turn } from "../turn.ts";

/** Throws MODEL_001 for a model that is not there or not allowed, MODEL_009 where none can answer now. */
export async function chooseModel(turn: Turn, session: SessionRow | null, deps: AgentDeps): Promise<ModelChoice> {
  const { row, options } = turn;
  const text = messageText(row.message);
  const choice = await deps.desk.choose({
    agentId: row.agentId,
    sessionKey: row.sessionKey,
    requested: options.model,
    sessionModel: stringSetting(session, "model"),
    sessionProfile: stringSetting(session, "authProfile"),
    text,
    needsVision: hasPicture(turn),
    estimatedTokens: textTokens(text),
  });
  const { considered, tier, score, candidates } = choice;
  const [{ model, profileId }] = candidates;
  emitOf(turn, deps, { type: "model.chosen", model: model.ref, profileId, tier, score, considered });
  return choice;
}

function hasPicture({ row, options }: Turn): boolean {
  const ofMessage = row.message.content.flatMap(({ attachments }) => attachments ?? []);
  const ofCaller = (options.input ?? []).flatMap((message) =>
    message.role === "user" ? message.content.flatMap((part) => (part.type === "file" ? [part.attachment] : [])) : [],
  );
  return [...ofMessage, ...ofCaller].some(({ mimeType }) => mimeType?.startsWith("image/") === true);
}

function stringSetting(session: SessionRow | null, key: string): string | undefined {
  const value = session?.settings[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}
