/**
 * What each call of a turn is asked: the conversation as it fits the model that is asked now, and what can be done to it
 * when it did not fit. Made anew for every model, since windows and abilities differ.
 */
import { AppError, type AppErrorJson } from "../../domain/app-error.ts";
import type { ModelInfo, ModelMessage } from "../../domain/conversation.ts";
import type { FailureReason } from "../../domain/failure-reason.ts";
import type { ModelRequest } from "../../providers/contract.ts";
import type { CallFacts, TurnContext } from "../context/contract.ts";
import { promptFacts, systemPrompt } from "../prompt/system-prompt.ts";
import { toolsOfTier } from "../../tools/tier-tools.ts";
import type { AgentDeps, ToolSet, Turn } from "../turn.ts";
import type { ModelAnswer } from "./model-call.ts";

export interface PreparedRequest {
  readonly request: ModelRequest;
  /** The most it can read and write, for the budget. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface StepRequests {
  /** Throws MODEL_007 where system prompt and tools alone fill the window. */
  for(model: ModelInfo): Promise<PreparedRequest>;
  /** After an overflow, once a turn. True: the next request is smaller. */
  compact(model: ModelInfo, error: AppErrorJson): Promise<boolean>;
  /** After pictures that were too large, once a turn. True: the next request has smaller ones. */
  shrinkImages(model: ModelInfo, reason: FailureReason): Promise<boolean>;
  /** A request was refused. True: the history is left out from here on, and it may be asked once more. */
  refused(error: AppErrorJson): Promise<boolean>;
  /** Beside the turn: nobody waits for it. */
  answered(model: ModelInfo, answer: ModelAnswer): void;
}

function hasFile(message: ModelMessage): boolean {
  return message.role === "user" && message.content.some(({ type }) => type === "file");
}

/** `turn.context` must be open. */
export function createStepRequests(turn: Turn, tools: ToolSet, deps: AgentDeps): StepRequests {
  return new TurnRequests(turn, tools, deps);
}

class TurnRequests implements StepRequests {
  readonly #turn: Turn;
  readonly #tools: ToolSet;
  readonly #deps: AgentDeps;
  /** Set once pictures were refused: every request from then on has smaller ones. */
  #refusedPictures: FailureReason | null = null;

  constructor(turn: Turn, tools: ToolSet, deps: AgentDeps) {
    this.#turn = turn;
    this.#tools = tools;
    this.#deps = deps;
  }

  async for(model: ModelInfo): Promise<PreparedRequest> {
    const plain = this.#plain(model);
    const assembled = await this.#context.assemble(this.#facts(plain));
    const { messages, inputTokens, outputTokens, maxOutputTokens } = assembled;
    const request = {
      ...plain,
      messages: await this.#withPictures(messages, model),
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    };
    return { request, inputTokens, outputTokens };
  }

  async compact(model: ModelInfo, error: AppErrorJson): Promise<boolean> {
    const outcome = await this.#context.compactNow("overflow", this.#facts(this.#plain(model)), { error });
    return outcome.compacted;
  }

  async shrinkImages(model: ModelInfo, reason: FailureReason): Promise<boolean> {
    if (this.#deps.shrinkImages === undefined || this.#refusedPictures !== null) return false;
    this.#refusedPictures = reason;
    const { messages } = await this.#context.assemble(this.#facts(this.#plain(model)));
    return (await this.#withPictures(messages, model)) !== messages;
  }

  refused(error: AppErrorJson): Promise<boolean> {
    return this.#context.refused(error);
  }

  answered(model: ModelInfo, { usage, estimated }: ModelAnswer): void {
    this.#context.answered(model, usage, { estimated }).catch((thrown: unknown) => {
      const error = AppError.from(thrown).toJSON();
      this.#deps.log.warn("the count of a model's answer could not be kept", { model: model.ref, error });
    });
  }

  get #context(): TurnContext {
    const { context } = this.#turn;
    if (context === null) throw new AppError("SYS_001", "A model was to be asked before its context was opened.");
    return context;
  }

  #withPictures(messages: readonly ModelMessage[], model: ModelInfo): Promise<readonly ModelMessage[]> {
    const { shrinkImages } = this.#deps;
    const reason = this.#refusedPictures;
    if (shrinkImages === undefined || !messages.some(hasFile)) return Promise.resolve(messages);
    return shrinkImages(messages, { model, reason, signal: this.#turn.signal });
  }

  #facts({ model, system, tools, maxOutputTokens }: ModelRequest): CallFacts {
    return { model, system, tools, steps: this.#turn.conversation, maxOutputTokens };
  }

  /** A tier that was chosen for the question is shown as many tools as it can handle. */
  #offered(): ToolSet["specs"] {
    const { choice, config } = this.#turn;
    return toolsOfTier(this.#tools.specs, choice?.tier ?? null, config.router.toolLimits);
  }

  /** Everything but the conversation. */
  #plain(model: ModelInfo): ModelRequest {
    const { options, row, config, settings } = this.#turn;
    // A caller that brings tools of its own gets these alone: it expects its own names back, and nothing else.
    const specs = options.toolChoice === "none" ? [] : (options.tools ?? this.#offered());
    return {
      model,
      system: systemPrompt(
        promptFacts(config, {
          agentId: row.agentId,
          address: row.message.address,
          toolNames: specs.map((spec) => spec.name),
          instructions: options.instructions,
          surroundings: this.#turn.surroundings.sections,
        }),
      ),
      messages: [],
      tools: specs,
      cacheKey: row.sessionKey,
      ...(options.toolChoice === undefined ? {} : { toolChoice: options.toolChoice }),
      ...(options.maxOutputTokens === undefined ? {} : { maxOutputTokens: options.maxOutputTokens }),
      ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
      ...(options.topP === undefined ? {} : { topP: options.topP }),
      ...(options.stop === undefined ? {} : { stop: options.stop }),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      ...(settings.thinking === undefined ? {} : { thinking: settings.thinking }),
      ...(options.responseFormat === undefined ? {} : { responseFormat: options.responseFormat }),
    };
  }
}
