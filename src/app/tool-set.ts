/** The tools an agent has, loaded with the first turn and not with the gateway. */
import type { ToolSet } from "../agent/turn.ts";
import type { TalkToolDeps } from "../tools/registry.ts";

/** `talk`: asked when the first turn needs tools, when the house is whole. */
export function createToolSet(talk: () => TalkToolDeps): () => Promise<ToolSet> {
  let loading: Promise<ToolSet> | undefined;
  return () => {
    loading ??= load(talk());
    return loading;
  };
}

async function load(talk: TalkToolDeps): Promise<ToolSet> {
  const [{ builtInTools, talkTools }, { toolSpecs }] = await Promise.all([
    import("../tools/registry.ts"),
    import("../tools/run-tool.ts"),
  ]);
  const tools = [...builtInTools(), ...talkTools(talk)];
  return { tools, specs: toolSpecs(tools) };
}
