/** `openclaw approvals`: what waits for a person's yes, and the answer. */
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import { visibleText } from "../../domain/visible-text.ts";
import type { approvalGet, approvalList, approvalResolve } from "../../protocol/methods/approvals.ts";
import type { budgetGet } from "../../protocol/methods/budget.ts";
import { createQuestioner, howToAnswer, outcomeText, questionText, type ShownApproval } from "../approval-question.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";
import type { GatewayClient } from "../gateway-client.ts";
import { registerAllowlist } from "./approvals-allowlist.ts";
import { lineAsker } from "../line-asker.ts";
import { excerptOf, momentOf } from "../shown-rows.ts";

export function register(program: Command, context: CliContext): void {
  const approvals = program.command("approvals").description("Look at what waits for a yes, and answer it");
  withConnection(approvals.command("list", { isDefault: true }).description("List open questions")).action(
    (options: ConnectOptions) => list(options, context),
  );
  withConnection(approvals.command("show").description("Show all that a question is about"))
    .argument("<id>")
    .action((id: string, options: ConnectOptions) => show(id, options, context));
  withConnection(approvals.command("allow").description("Allow it once"))
    .argument("<id>")
    .option("--always", "from now on too, as the question describes it")
    .action((id: string, { always, ...options }: ConnectOptions & { always?: boolean }) =>
      decide(id, always === true ? "allow-always" : "allow-once", { options, context }),
    );
  withConnection(approvals.command("deny").description("Do not allow it"))
    .argument("<id>")
    .action((id: string, options: ConnectOptions) => decide(id, "deny", { options, context }));
  withConnection(approvals.command("watch").description("Wait for questions and answer them here")).action(
    (options: ConnectOptions) => watch(options, context),
  );
  registerAllowlist(approvals, context);
}

async function list(options: ConnectOptions, context: CliContext): Promise<void> {
  const { output } = context;
  await withGateway(options, context, async (client) => {
    const [{ approvals }, money] = await Promise.all([
      client.call<typeof approvalList>("exec.approval.list", {}),
      client.call<typeof budgetGet>("budget.get", {}),
    ]);
    output.result({ approvals, budgets: money.approvals }, (open) => {
      const blocks: string[] = [];
      if (open.approvals.length > 0) {
        const rows = open.approvals.map(({ id, tool, shown, sessionKey, expiresMs }) => [
          id,
          tool,
          sessionKey,
          momentOf(expiresMs),
          excerptOf(visibleText(shown)),
        ]);
        blocks.push(output.table(["ID", "TOOL", "SESSION", "UNTIL (UTC)", "BEGINS WITH"], rows));
        blocks.push("look at all of one with: openclaw approvals show <id>, then allow <id> or deny <id>");
      }
      if (open.budgets.length > 0) {
        const ids = open.budgets.map(({ id }) => id).join(", ");
        blocks.push(`about money: ${ids}; see openclaw budget show`);
      }
      return blocks.length === 0 ? "nothing waits for you" : blocks.join("\n\n");
    });
  });
}

async function show(id: string, options: ConnectOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const { output } = context;
    const view = await client.call<typeof approvalGet>("exec.approval.get", { id });
    output.result(view, (seen) =>
      [questionText(seen, output), ...(seen.state === "open" ? [howToAnswer(seen)] : [])].join("\n\n"),
    );
  });
}

async function decide(
  id: string,
  decision: "allow-once" | "allow-always" | "deny",
  { options, context }: { readonly options: ConnectOptions; readonly context: CliContext },
): Promise<void> {
  await withGateway(options, context, async (client) => {
    const answer = await client.call<typeof approvalResolve>("exec.approval.resolve", { id, decision });
    context.output.result(answer, outcomeText);
    if (answer.outcome === "late") context.exit(1);
  });
}

/** By the local socket where the gateway is this machine's, which needs no token of the gateway; else over its port. */
async function watch(options: ConnectOptions, context: CliContext): Promise<void> {
  if (options.url !== undefined || options.token !== undefined) return watchGateway(options, context);
  const { connectLocalApprover } = await import("../../app/acting/local-approvals.ts");
  const approver = await connectLocalApprover(context.environment.stateDir, process.platform).catch(
    (thrown: unknown) => {
      if (AppError.from(thrown).code !== "SYS_002") throw thrown;
      return null;
    },
  );
  if (approver === null) return watchGateway(options, context);
  const answering: Pick<GatewayClient, "call"> = {
    async call(_method, params) {
      const { id, decision } = params as unknown as { id: string; decision: ShownApproval["answer"] & string };
      const { outcome, state } = await approver.answer(id, decision);
      if (outcome !== "decided" && outcome !== "late")
        throw new AppError("RPC_008", `That is not possible: ${outcome}.`);
      const always = decision === "allow-always" && outcome === "decided" ? "written" : null;
      return { ok: outcome === "decided", id, outcome, state, decidedBy: null, always } as never;
    },
  };
  const questioner = createQuestioner(answering, context, lineAsker(context));
  context.signal.addEventListener("abort", () => approver.close(), { once: true });
  await approver.watch({
    asked: (view) => questioner.asked(view as unknown as ShownApproval),
    resolved: (id, state, by) => questioner.resolved(id, state, by),
  });
  context.output.note(context.output.dim("Waiting for questions. Ctrl-C ends."));
  const refusal = await approver.closed;
  if (!context.signal.aborted)
    throw new AppError("SYS_002", `The gateway is gone${refusal === null ? "" : `: ${refusal}`}.`);
}

async function watchGateway(options: ConnectOptions, context: CliContext): Promise<void> {
  await withGateway(options, context, async (client) => {
    const questioner = createQuestioner(client, context, lineAsker(context));
    client.on("exec.approval.requested", ({ approval }) => questioner.asked(approval as ShownApproval));
    client.on("exec.approval.resolved", ({ id, state, resolvedBy }) =>
      questioner.resolved(String(id), String(state), typeof resolvedBy === "string" ? resolvedBy : null),
    );
    const { approvals } = await client.call<typeof approvalList>("exec.approval.list", {});
    for (const view of approvals.toReversed()) questioner.asked(view as ShownApproval);
    context.output.note(context.output.dim("Waiting for questions. Ctrl-C ends."));
    context.signal.addEventListener("abort", () => client.close(), { once: true });
    await client.closed;
  });
}
