/**
 * What a session was set to, as its turns take it: read once when a turn begins, so that a change takes effect with the
 * next turn and never in the middle of one.
 */
import type { Config } from "../config/schema/root.ts";
import type { ChoiceRequest } from "../models/contract.ts";
import type { SessionRow } from "../store/session-port.ts";
import type { TurnOptions } from "./turn-options.ts";

export interface TurnSettings {
  /** Reference, alias or bare id; undefined where the session has no model of its own. */
  readonly model: string | undefined;
  /** A login, e.g. `openai:work`. */
  readonly authProfile: string | undefined;
  /** What the session says about the query router. */
  readonly routing: ChoiceRequest["sessionRouting"];
  /** How much the model is to think; undefined leaves it to the model. */
  readonly thinking: string | undefined;
  /** Whether the chat is told how an answer came about. */
  readonly notices: boolean;
  /** What the session says about messages that come during a turn; undefined leaves it to the channel. */
  readonly queueMode: string | undefined;
}

/** What the caller of the turn says wins over the session, that over its agent, and that over the common default. */
export function turnSettings(
  session: SessionRow | null,
  { options, config, agentId }: { readonly options: TurnOptions; readonly config: Config; readonly agentId: string },
): TurnSettings {
  const said = (key: string): string | undefined => {
    const value = session?.settings[key];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const { defaults, list } = config.agents;
  const agent = list.find(({ id }) => id === agentId);
  const verbose = said("verboseLevel");
  return {
    model: said("model"),
    authProfile: said("authProfile"),
    routing: routings.find((routing) => routing === said("routing")),
    thinking: options.thinking ?? said("thinkingLevel") ?? agent?.thinkingDefault ?? defaults.thinkingDefault,
    notices: verbose === undefined ? config.messages.notices : verbose !== "off",
    queueMode: said("queueMode"),
  };
}

const routings = ["auto", "off", "fast", "balanced", "capable"] as const;
