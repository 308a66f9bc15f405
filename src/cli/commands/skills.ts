/** `openclaw skills`: the packs there are for an agent, what is missing for them, and a new one from a zip file. */
import { open } from "node:fs/promises";
import type { Command } from "commander";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import type { skillsInstall, skillsStatus } from "../../protocol/methods/skills.ts";
import { withConnection, withGateway } from "../connect-options.ts";
import type { CliContext, ConnectOptions } from "../contract.ts";

interface ListOptions extends ConnectOptions {
  readonly agent?: string;
}

export function register(program: Command, context: CliContext): void {
  const skills = program.command("skills").description("Show skill packs and what is missing for them, and add one");
  withConnection(skills.command("list", { isDefault: true }).description("List the packs of an agent"))
    .option("--agent <id>", "of this agent")
    .action((options: ListOptions) => list(options, context));
  withConnection(
    skills.command("install").description("Put a pack on the shelf of all agents; one of its name is replaced"),
  )
    .argument("<file>", "a zip file with a SKILL.md in it")
    .action((file: string, options: ConnectOptions) => install(file, options, context));
}

async function list(options: ListOptions, context: CliContext): Promise<void> {
  const { output } = context;
  await withGateway(options, context, async (client) => {
    const status = await client.call<typeof skillsStatus>(
      "skills.status",
      options.agent === undefined ? {} : { agentId: options.agent },
    );
    output.result(status, ({ skills }) => {
      if (skills.length === 0)
        return "There are no skills. Put one into the folder skills of the workspace, or: openclaw skills install FILE.zip";
      const rows = skills.map(({ name, source, eligible, missing, description }) => [
        name,
        source,
        eligible ? "yes" : missing.join(" "),
        description,
      ]);
      return output.table(["SKILL", "FROM", "CAN BE USED", "WHAT IT DOES"], rows);
    });
  });
}

async function install(file: string, options: ConnectOptions, context: CliContext): Promise<void> {
  const zip = await readZip(file);
  await withGateway(options, context, async (client) => {
    const done = await client.call<typeof skillsInstall>("skills.install", { zip: zip.toString("base64") });
    context.output.result(done, ({ message }) => message);
  });
}

async function readZip(file: string): Promise<Buffer> {
  const handle = await open(file).catch((cause: unknown) => {
    throw new AppError("SYS_003", `${file} cannot be opened.`, { cause });
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new AppError("SYS_003", `${file} is not a file; pack its folder into a zip file first.`);
    if (found.size > limits.packZipBytes)
      throw new AppError("MSG_003", `A pack may have ${limits.packZipBytes} bytes.`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
