/** The tools an agent has, loaded with the first turn and not with the gateway. */
import type { ToolSet } from "../agent/turn.ts";

export function createToolSet(): () => Promise<ToolSet> {
  let loading: Promise<ToolSet> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}

async function load(): Promise<ToolSet> {
  const [{ builtInTools }, { toolSpecs }] = await Promise.all([
    import("../tools/registry.ts"),
    import("../tools/run-tool.ts"),
  ]);
  const tools = builtInTools();
  return { tools, specs: toolSpecs(tools) };
}
