/**
 * The model that is there when no provider is: it answers by rule, costs nothing, calls the `time` tool so that a
 * newcomer sees a tool work, and says in its first answer of every conversation what it is. Never touches the network.
 */
import type {
  ModelEvent,
  ModelProvider,
  ModelRequest,
  ProviderDeps,
  ProviderEndpoint,
  ProviderModule,
} from "../contract.ts";
import { callIds } from "../call-ids.ts";
import { guardedCall } from "../guarded-call.ts";
import { isFirstAnswer, questionOf, type DemoQuestion } from "./request.ts";

export const provider: ProviderModule = {
  api: "demo",
  open: (endpoint, deps) => new DemoProvider(endpoint, deps),
};

const label = "*Demo model: no provider is configured, so I answer by rule and not by thought.*";

const howTo =
  "For a real model, set one of OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or OPENROUTER_API_KEY, or run Ollama on this machine, and restart with `npm start`.";

class DemoProvider implements ModelProvider {
  readonly endpoint: ProviderEndpoint;
  readonly #deps: ProviderDeps;

  constructor(endpoint: ProviderEndpoint, deps: ProviderDeps) {
    this.endpoint = endpoint;
    this.#deps = deps;
  }

  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const scene = { request, endpoint: this.endpoint, deps: this.#deps, faultOf: () => null };
    return guardedCall(scene, signal, () => this.#events(request));
  }

  async *#events(request: ModelRequest): AsyncGenerator<ModelEvent> {
    const question = questionOf(request);
    const labelled = isFirstAnswer(request) ? `${label}\n\n` : "";
    if (question.kind === "time" && hasTime(request)) {
      const say = `${labelled}Let me look at the clock.`;
      yield* inPieces(say);
      const input = question.zone === undefined ? {} : { zone: question.zone };
      yield { type: "tool-call", callId: callIds(request.messages, this.#deps.ids)(""), tool: "time", input };
      yield { type: "end", reason: "tool-calls", usage: usageOf(request, say) };
      return;
    }
    const answer = labelled + answerTo(question);
    const limit = (request.maxOutputTokens ?? Number.POSITIVE_INFINITY) * charsPerToken;
    const isCut = answer.length > limit;
    const said = isCut ? answer.slice(0, limit) : answer;
    yield* inPieces(said);
    yield { type: "end", reason: isCut ? "length" : "stop", usage: usageOf(request, said) };
  }
}

function hasTime(request: ModelRequest): boolean {
  return request.toolChoice !== "none" && request.tools.some((tool) => tool.name === "time");
}

function answerTo(question: DemoQuestion): string {
  switch (question.kind) {
    case "tool-result":
      return question.result.isError
        ? `The tool \`${question.result.tool}\` failed: ${question.result.output}`
        : `It is ${question.result.output}.`;
    case "time":
      return "I have no clock in this conversation: the `time` tool is not among the tools I was given.";
    case "greeting":
      return `Hello! Try "what time is it?" to see a tool at work, or "echo" and some words. ${howTo}`;
    case "setup":
      return `I can greet, echo, and tell the time. ${howTo}`;
    case "echo":
      return question.text;
    case "other":
      return question.text === "" ? `I got a message without text. ${howTo}` : `You said: ${question.text}\n\n${howTo}`;
  }
}

/** Words in threes, which is about how real models stream. */
function* inPieces(text: string): Generator<ModelEvent> {
  for (const [piece] of text.matchAll(/(?:\s*\S+){1,3}\s*/g)) yield { type: "text", text: piece };
}

/** Four characters a token is the usual rule of thumb for English; there is no tokeniser whose count could be right. */
const charsPerToken = 4;

function usageOf(request: ModelRequest, answer: string): Extract<ModelEvent, { type: "end" }>["usage"] {
  const prompt = request.system.length + JSON.stringify(request.messages).length;
  return {
    input: Math.ceil(prompt / charsPerToken),
    output: Math.ceil(answer.length / charsPerToken),
    cacheRead: 0,
    cacheWrite: 0,
  };
}
