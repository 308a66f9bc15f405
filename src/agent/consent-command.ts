/**
 * `/approve` and `/deny`, and `/allow` where it names a question about an act: answered when the message is admitted, since
 * its own turn waits behind the very turn that asks. That turn then only says what became of it, where nobody did.
 */
import type { AnswerOutcome, Answer, ApprovalDesk } from "../approvals/contract.ts";
import { limits } from "../domain/limits.ts";
import { messageText, type InboundMessage } from "../domain/message.ts";

export interface ConsentDeps {
  readonly approvals: Pick<ApprovalDesk, "answer" | "find">;
  readonly isOwner: (message: InboundMessage) => boolean;
  /**
   * Tells the chat at once what became of an answer; false where its own turn has to. Known messages are told once, over
   * restarts too.
   */
  readonly tell: (message: InboundMessage, sessionKey: string, markdown: string) => Promise<boolean>;
}

export interface ConsentDesk {
  /**
   * Null where the message answers no question about an act. `told`: the chat knows already. One message is carried out
   * once, whoever asks first, the door or its turn.
   */
  answer(
    message: InboundMessage,
    sessionKey: string,
  ): Promise<{ readonly text: string; readonly told: boolean } | null>;
}

export function createConsentDesk(deps: ConsentDeps): ConsentDesk {
  const answers = new Map<string, ReturnType<ConsentDesk["answer"]>>();
  return {
    answer(message, sessionKey) {
      const wish = wishOf(messageText(message));
      if (wish === null) return Promise.resolve(null);
      const known = answers.get(message.id);
      if (known !== undefined) return known;
      const answering = carryOut(wish, { message, sessionKey }, deps);
      answers.set(message.id, answering);
      const [oldest] = answers.keys();
      if (answers.size > limits.rememberedAnswers && oldest !== undefined) answers.delete(oldest);
      // What failed may be tried again, by its own turn.
      answering.catch(() => answers.delete(message.id));
      return answering;
    },
  };
}

async function carryOut(
  wish: Wish | "unclear",
  { message, sessionKey }: { message: InboundMessage; sessionKey: string },
  deps: ConsentDeps,
): ReturnType<ConsentDesk["answer"]> {
  const text = await textFor(wish, message, deps);
  return text === null ? null : { text, told: await deps.tell(message, sessionKey, text) };
}

interface Wish {
  readonly id: string;
  readonly answer: Answer;
}

const usage = "Say which one: `/approve 1a2b3c4d`, `/approve 1a2b3c4d always` or `/deny 1a2b3c4d`.";

/** Null where it is no such command at all. */
function wishOf(text: string): Wish | "unclear" | null {
  const [name = "", id = "", how = "once", ...more] = text.trim().toLowerCase().split(/\s+/);
  switch (name) {
    case "/approve":
      if (id === "" || more.length > 0) return "unclear";
      if (how === "always") return { id, answer: "allow-always" };
      return how === "once" ? { id, answer: "allow-once" } : "unclear";
    case "/allow":
      return { id, answer: "allow-once" };
    case "/deny":
      return { id, answer: "deny" };
    default:
      return null;
  }
}

async function textFor(wish: Wish | "unclear", message: InboundMessage, deps: ConsentDeps): Promise<string | null> {
  if (wish === "unclear") return usage;
  const { approvals, isOwner } = deps;
  // The same words decide about money: those ids are another desk's.
  if (wish.id === "" || (await approvals.find(wish.id)) === null) return null;
  const by = { id: `${message.address.channel}:${message.sender.id}`, via: "chat", isOwner: isOwner(message) } as const;
  return outcomeSentence(await approvals.answer(wish.id, wish.answer, by));
}

/** What whoever answered is told. */
function outcomeSentence(outcome: AnswerOutcome): string {
  switch (outcome.outcome) {
    case "decided":
      return decidedSentence(outcome);
    case "late":
      return outcome.row.state === "expired"
        ? "The time for that is over: nobody answered, so it was not done."
        : `That was decided already: it is ${outcome.row.state}.`;
    case "unknown":
      return "There is no such question.";
    case "not-yours":
      return "That is not for you to ask.";
    case "refused":
      return outcome.why === "only-once"
        ? `That can be allowed once, but not for good: \`/approve ${outcome.row.id}\`.`
        : `It is too long to be shown in a chat, so it cannot be allowed here: \`openclaw approvals show ${outcome.row.id}\` shows it.`;
  }
}

function decidedSentence({ row, always }: Extract<AnswerOutcome, { outcome: "decided" }>): string {
  if (row.state !== "allowed") return "🚫 It is not done.";
  switch (always) {
    case "written":
      return "✅ Allowed, from now on too.";
    case "failed":
      return "✅ Allowed this once. That it is allowed from now on could not be written down.";
    case null:
      return "✅ Allowed, this once.";
  }
}
