/** What commands run in. The room of sandboxes looks; this passes it on. */
import { sandboxStatus } from "../../../protocol/methods/sandbox.ts";
import { handle, type BoundMethod } from "../handler.ts";
import type { RpcServices } from "../services.ts";

export function sandboxMethods({ deps }: RpcServices): readonly BoundMethod[] {
  return [handle(sandboxStatus, async () => ({ agents: [...(await deps.sandboxes())] }))];
}
