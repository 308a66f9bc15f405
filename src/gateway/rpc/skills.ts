/** Handlers of what an agent's folder says: its named files, and skill packs. */
import { agentFilesGet, agentFilesList, agentFilesSet } from "../../protocol/methods/agent-files.ts";
import { skillsBins, skillsInstall, skillsStatus, skillsUpdate } from "../../protocol/methods/skills.ts";
import type { AgentFile } from "../../skills/contract.ts";
import { defaultAgentId } from "../default-agent.ts";
import { handle, type BoundMethod } from "./handler.ts";
import type { RpcServices } from "./services.ts";

export function agentFileMethods({ deps: { agentFiles } }: RpcServices): readonly BoundMethod[] {
  return [
    handle(agentFilesList, async ({ agentId }) => {
      const { workspace, files } = await agentFiles.list(agentId);
      return { agentId, workspace, files: files.map(shownFile) };
    }),
    handle(agentFilesGet, async ({ agentId, name }) => {
      const { content, ...file } = await agentFiles.get(agentId, name);
      return { agentId, file: { ...shownFile(file), content } };
    }),
    handle(agentFilesSet, async ({ agentId, name, content }) => ({
      ok: true as const,
      agentId,
      file: shownFile(await agentFiles.set(agentId, name, content)),
    })),
  ];
}

function shownFile({ name, missing, sizeBytes, updatedMs }: AgentFile) {
  return { name, missing, size: sizeBytes, updatedAtMs: updatedMs };
}

export function skillMethods({ deps, configWrites }: RpcServices): readonly BoundMethod[] {
  const { skills } = deps;
  return [
    handle(skillsStatus, async ({ agentId = defaultAgentId(deps) }) => ({
      agentId,
      skills: (await skills.list(agentId)).map(
        ({ name, description, source, folder, eligible, missing, emoji, homepage }) => ({
          name,
          description,
          source,
          baseDir: folder,
          eligible,
          missing: [...missing],
          ...(emoji === null ? {} : { emoji }),
          ...(homepage === null ? {} : { homepage }),
        }),
      ),
    })),
    handle(skillsBins, async () => ({ bins: [...(await skills.bins())] })),
    handle(skillsInstall, async (params) => {
      if ("zip" in params) {
        const name = await skills.install(Buffer.from(params.zip, "base64"));
        return { ok: true, name, message: `The skill ${name} is there for every agent, from the next message on.` };
      }
      const message = await skills.installHint(params.agentId ?? defaultAgentId(deps), params.name, params.installId);
      return { ok: false, message };
    }),
    handle(skillsUpdate, async ({ skillKey, ...entry }, caller) => {
      configWrites.take(skillsUpdate.name, caller);
      await deps.config.write({ kind: "patch", patch: { skills: { entries: { [skillKey]: entry } } } });
      return { ok: true as const, skillKey };
    }),
  ];
}
