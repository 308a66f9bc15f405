/**
 * Handlers that change what stands on a platform already. They find the message by our part or by the platform's id,
 * which the store keeps over a restart, and put the change into the outbox like anything else that is said.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../../domain/app-error.ts";
import { limits } from "../../../domain/limits.ts";
import type { Address } from "../../../domain/message.ts";
import type { MethodDeclaration, ParamsOf } from "../../../protocol/method.ts";
import { messageDelete, messageEdit, messageReact } from "../../../protocol/methods/message.ts";
import type { PartAction } from "../../../store/port.ts";
import { handle, type BoundMethod, type Caller } from "../handler.ts";
import { contentHash } from "../../../platform/content-hash.ts";
import type { RpcServices } from "../services.ts";

export function messageActionMethods(services: RpcServices): readonly BoundMethod[] {
  return [
    handle(messageEdit, (params, caller) =>
      act(services, { declaration: messageEdit, params, caller, steps: (ids) => editSteps(ids, params.message) }),
    ),
    handle(messageDelete, (params, caller) =>
      act(services, { declaration: messageDelete, params, caller, steps: (ids) => ids.map(deletion) }),
    ),
    handle(messageReact, (params, caller) => {
      const { emoji } = params;
      const steps = ([messageId]: readonly string[]): readonly Step[] =>
        messageId === undefined ? [] : [{ action: { type: "react", messageId, emoji }, markdown: "" }];
      return act(services, { declaration: messageReact, params, caller, steps, anybodys: true });
    }),
  ];
}

interface Step {
  readonly action: PartAction;
  readonly markdown: string;
}

/** The first piece says the new text; the pieces of the old one that followed it go. */
function editSteps([messageId, ...rest]: readonly string[], markdown: string): readonly Step[] {
  if (messageId === undefined) return [];
  return [{ action: { type: "edit", messageId }, markdown }, ...rest.map(deletion)];
}

function deletion(messageId: string): Step {
  return { action: { type: "delete", messageId }, markdown: "" };
}

type TargetParams = Omit<ParamsOf<typeof messageDelete>, "idempotencyKey">;

interface Act {
  readonly declaration: MethodDeclaration;
  readonly params: ParamsOf<typeof messageDelete>;
  readonly caller: Caller;
  /** What is to be done to the platform's messages, first to last. */
  readonly steps: (platformIds: readonly string[]) => readonly Step[];
  /** Also to messages that are not ours. */
  readonly anybodys?: boolean;
}

async function act({ deps, once }: RpcServices, { declaration, params, caller, steps, anybodys = false }: Act) {
  const { idempotencyKey, ...content } = params;
  const key = { principalId: caller.principal.id, method: declaration.name, key: idempotencyKey };
  // Before the key is taken: an order that names nothing has used up none.
  const { address, sessionKey, platformIds } = await targetOf(deps, params, anybodys);
  return once.keep(key, contentHash(content), async () => {
    // The ids follow from the key, so that a repetition after a crash finds the parts instead of making others.
    const name = createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 32);
    const partIds: string[] = [];
    for (const [index, { action, markdown }] of steps(platformIds).entries()) {
      const id = `${action.type}-${name}-${index}`;
      const expiresMs = deps.clock.nowMs() + limits.replyTtlMs;
      const draft = {
        id,
        address,
        action,
        replyToId: null,
        reply: { markdown },
        expiresMs,
        state: "prepared" as const,
      };
      await deps.enqueue(draft, { sessionKey, runId: null });
      partIds.push(id);
    }
    return { ok: true as const, partIds, channel: address.channel, chatId: address.chatId };
  });
}

interface Target {
  readonly address: Address;
  readonly sessionKey: string;
  readonly platformIds: readonly string[];
}

async function targetOf(deps: RpcServices["deps"], params: TargetParams, anybodys: boolean): Promise<Target> {
  const { partId, channel, chatId, platformId } = params;
  if (partId !== undefined) return targetOfPart(deps, partId);
  if (channel === undefined || chatId === undefined || platformId === undefined) {
    throw new AppError("RPC_003", "invalid params: must have 'partId', or 'channel', 'chatId' and 'platformId'", {
      details: { param: "partId" },
    });
  }
  const accountId = params.accountId ?? deps.channels.status().find((row) => row.channel === channel)?.accountId;
  const at = { channel, accountId: accountId ?? "default", chatId };
  const ours = await deps.store.outbox.byPlatformId(at, platformId);
  if (ours !== null) return { address: ours.address, sessionKey: ours.sessionKey, platformIds: [platformId] };
  const theirs = anybodys
    ? await deps.store.inbox.byDedupeKey(JSON.stringify([channel, at.accountId, chatId, platformId]))
    : null;
  if (theirs === null) throw new AppError("RPC_007", "no message of that id is known in that chat");
  return { address: theirs.message.address, sessionKey: theirs.sessionKey, platformIds: [platformId] };
}

async function targetOfPart({ store }: RpcServices["deps"], partId: string): Promise<Target> {
  const row = await store.outbox.get(partId);
  if (row === null) throw new AppError("RPC_007", "there is no such part in the outbox");
  if (row.platformMessageIds.length === 0) {
    throw new AppError("RPC_007", `that part has no message on its platform: it is ${row.state}`, {
      details: { state: row.state },
    });
  }
  return { address: row.address, sessionKey: row.sessionKey, platformIds: row.platformMessageIds };
}
