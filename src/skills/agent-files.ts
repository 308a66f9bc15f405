/** The named files of a workspace, for people who edit them from afar. A name is looked up and never joined to a path. */
import { constants } from "node:fs";
import path from "node:path";
import type { Config } from "../config/schema/root.ts";
import { workspaceOf } from "../config/workspace.ts";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { utf8Bytes } from "../domain/text.ts";
import { ensurePrivateDir, isErrno, writeFileAtomic } from "../platform/atomic-file.ts";
import { openInside, resolveInside } from "../platform/safe-path.ts";
import type { AgentFile, AgentFiles } from "./contract.ts";
import { readWorkspaceFile, workspaceFiles } from "./workspace-files.ts";

export function createAgentFiles(deps: {
  readonly config: () => Config;
  readonly agentIds: () => readonly string[];
}): AgentFiles {
  const workspace = (agentId: string): string => {
    if (!deps.agentIds().includes(agentId))
      throw new AppError("RPC_007", `There is no agent ${JSON.stringify(agentId)}.`, { details: { agentId } });
    return workspaceOf(deps.config(), agentId);
  };
  return {
    async list(agentId) {
      const folder = workspace(agentId);
      return { workspace: folder, files: await Promise.all(workspaceFiles.map(({ name }) => look(folder, name))) };
    },
    async get(agentId, name) {
      const folder = workspace(agentId);
      const known = knownName(name);
      const content = await readWorkspaceFile(folder, known);
      return { ...(await look(folder, known)), content: content ?? "" };
    },
    async set(agentId, name, content) {
      const folder = workspace(agentId);
      const known = knownName(name);
      if (utf8Bytes(content) > limits.workspaceFileBytes)
        throw new AppError("MSG_003", `${known} may have ${limits.workspaceFileBytes} bytes.`);
      await ensurePrivateDir(folder);
      // The rename replaces a link instead of following it, and nothing but the folder itself stands before the name.
      await writeFileAtomic(path.join(folder, known), content);
      return look(folder, known);
    },
  };
}

function knownName(name: string): string {
  const known = workspaceFiles.find((file) => file.name === name);
  if (known === undefined) {
    const names = workspaceFiles.map((file) => file.name).join(", ");
    throw new AppError("RPC_007", `There is no such file. There are: ${names}.`);
  }
  return known.name;
}

async function look(folder: string, name: string): Promise<AgentFile> {
  const absent: AgentFile = { name, missing: true, sizeBytes: 0, updatedMs: null };
  try {
    const handle = await openInside(
      await resolveInside(folder, name),
      constants.O_RDONLY | (constants.O_NONBLOCK ?? 0),
    );
    try {
      const found = await handle.stat();
      if (!found.isFile()) return absent;
      return { name, missing: false, sizeBytes: found.size, updatedMs: Math.round(found.mtimeMs) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    // A workspace that is not made yet, or a link that leads elsewhere: there is no file of that name here.
    if (isErrno(error, "ENOENT") || error instanceof AppError) return absent;
    throw error;
  }
}
