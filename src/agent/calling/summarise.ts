/** Has a piece of conversation summed up, by the turn's own models and on its bill. */
import type { Candidate } from "../../models/contract.ts";
import type { Summarise, SummaryRequest } from "../context/contract.ts";
import { conversationTokens, textTokens } from "../context/token-estimate.ts";
import type { AgentDeps, Turn } from "../turn.ts";
import { askBeside } from "./ask-beside.ts";
import type { PreparedRequest } from "./step-requests.ts";

export function createSummarise(turn: Turn, deps: AgentDeps): Summarise {
  return (request, signal) => {
    const prepare = (candidate: Candidate): Promise<PreparedRequest> => Promise.resolve(prepared(request, candidate));
    return askBeside({ candidates: candidatesFor(turn, request), prepare, signal }, turn, deps);
  };
}

/** The one whose window the request was made for, first: by whichever login. */
function candidatesFor({ choice }: Turn, { model }: SummaryRequest): readonly Candidate[] {
  const all = choice?.candidates ?? [];
  const fits = (candidate: Candidate): boolean =>
    (candidate.model.contextWindow ?? Number.POSITIVE_INFINITY) >= (model.contextWindow ?? 0);
  return [
    ...all.filter((one) => one.model.ref === model.ref),
    ...all.filter((one) => one.model.ref !== model.ref && fits(one)),
  ];
}

function prepared(summary: SummaryRequest, { model }: Candidate): PreparedRequest {
  const { system, messages, maxOutputTokens } = summary;
  return {
    request: { model, system, messages, tools: [], maxOutputTokens },
    inputTokens: textTokens(system) + conversationTokens(messages),
    outputTokens: maxOutputTokens,
  };
}
