/** What people do in a simulation, and when. Small on purpose: each is run once for every place at which it can be cut. */
import type { SaidMessage } from "../truth.ts";
import type { ModelBehaviour, Writing } from "./simulated-model.ts";
import type { PlatformSkills, SendBehaviour } from "./simulated-platform.ts";

export interface ScenarioChat {
  readonly accountId: string;
  readonly chatId: string;
  readonly kind: "dm" | "group";
}

export type ScenarioStep = { readonly atMs: number } & (
  | {
      readonly what: "say";
      readonly chat: ScenarioChat;
      readonly words: string;
      readonly expect: SaidMessage["expect"];
      readonly mention: boolean;
    }
  /** An operator closes groups for every account: nothing goes there any more. */
  | { readonly what: "close-groups" }
  /** A signal; the next process starts a moment later. */
  | { readonly what: "restart" }
);

export interface Scenario {
  readonly name: string;
  readonly steps: readonly ScenarioStep[];
  /** The first sends and model calls go this way; what comes after them goes well. */
  readonly sends?: readonly SendBehaviour[];
  readonly models?: readonly ModelBehaviour[];
  /** Settings of both accounts beyond those that every scenario has. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What the platform can do with a message that is shown; nothing where absent. */
  readonly can?: PlatformSkills;
  readonly writing?: Writing;
}

const ann: ScenarioChat = { accountId: "one", chatId: "ann", kind: "dm" };
const bob: ScenarioChat = { accountId: "two", chatId: "bob", kind: "dm" };
const room: ScenarioChat = { accountId: "one", chatId: "room", kind: "group" };

function say(atMs: number, chat: ScenarioChat, words = "question"): ScenarioStep {
  return { atMs, what: "say", chat, words, expect: "answer", mention: true };
}

/** A block holds one paragraph of an answer, so that four are written as three blocks and a rest. */
const inBlocks: Pick<Scenario, "settings" | "writing"> = {
  settings: { streaming: "block", blockStreaming: { minChars: 8, maxChars: 28, idleMs: 1_000 } },
  writing: { pieces: 4, paceMs: 250, separator: "\n\n" },
};

/** One message, shown with its first line and edited with each further one. */
const byEdits: Pick<Scenario, "settings" | "writing"> = {
  settings: { streaming: "edit" },
  writing: { pieces: 4, paceMs: 700, separator: "\n" },
};
const canEdit: PlatformSkills = { edits: true, deletes: false };
const canBoth: PlatformSkills = { edits: true, deletes: true };

const plainScenarios: readonly Scenario[] = [
  { name: "one question", steps: [say(0, ann)] },
  {
    name: "two people at once, one in a hurry",
    steps: [say(0, ann), say(10, bob), say(20, ann), say(400, ann)],
  },
  { name: "an answer that needs a tool", steps: [say(0, ann, "question for a tool"), say(50, ann)] },
  {
    name: "a group that talks, to us and past us",
    steps: [
      say(0, room),
      { atMs: 5, what: "say", chat: room, words: "chatter", expect: "silence", mention: false },
      say(300, room),
    ],
  },
  { name: "a platform in trouble", steps: [say(0, ann), say(5, ann), say(10, bob)], sends: ["busy", "error", "busy"] },
  {
    name: "answers of the platform that get lost",
    steps: [say(0, ann), say(10, bob)],
    sends: ["lost", "accept", "break", "lost"],
  },
  { name: "a model in trouble", steps: [say(0, ann), say(10, bob), say(20, ann)], models: ["fail", "cut", "slow"] },
  {
    name: "a stop in order, in the middle",
    steps: [say(0, ann), say(100, bob), { atMs: 250, what: "restart" }, say(400, ann)],
  },
  {
    name: "a chat that is closed while it waits",
    steps: [
      say(0, ann),
      { ...say(0, room), expect: "either" } as ScenarioStep,
      { atMs: 200, what: "close-groups" },
      { atMs: 500, what: "say", chat: room, words: "question", expect: "silence", mention: true },
    ],
  },
];

const streamedScenarios: readonly Scenario[] = [
  { name: "an answer in blocks", steps: [say(0, ann), say(100, ann)], ...inBlocks },
  { name: "blocks that can be deleted", steps: [say(0, ann), say(100, ann)], ...inBlocks, can: canBoth },
  {
    name: "blocks on a platform in trouble",
    steps: [say(0, ann), say(5, bob)],
    sends: ["lost", "busy", "accept", "break", "error"],
    ...inBlocks,
  },
  { name: "an answer that grows", steps: [say(0, ann), say(100, ann)], ...byEdits, can: canEdit },
  { name: "an answer that grows and can be deleted", steps: [say(0, ann), say(100, ann)], ...byEdits, can: canBoth },
  {
    name: "an answer that grows into several messages",
    steps: [say(0, ann)],
    ...byEdits,
    writing: { pieces: 4, paceMs: 700, separator: "\n\n" },
    can: canBoth,
  },
  {
    name: "an answer that grows on a platform in trouble",
    steps: [say(0, ann), say(5, bob)],
    sends: ["lost", "accept", "error", "lost", "busy", "break"],
    ...byEdits,
    can: canBoth,
  },
  {
    name: "a chat that is closed while an answer grows in it",
    steps: [{ ...say(0, room), expect: "either" } as ScenarioStep, { atMs: 1_500, what: "close-groups" }],
    ...byEdits,
    can: canBoth,
  },
];

export const scenarios: readonly Scenario[] = [...plainScenarios, ...streamedScenarios];
