/** Opens providers by name and keeps them open as long as their endpoint stays the same: connections and SDKs are reused. */
import { AppError } from "../domain/app-error.ts";
import type { ModelProvider, ProviderDeps, ProviderEndpoint } from "./contract.ts";
import { providerModule } from "./registry.ts";

/** `endpointOf` is asked at each call, so a changed configuration holds from the next turn. Throws MODEL_001 where it knows none. */
export function providerOpener(
  endpointOf: (id: string) => ProviderEndpoint | undefined,
  deps: ProviderDeps,
): (id: string) => Promise<ModelProvider> {
  const open = new Map<string, { readonly endpoint: string; readonly provider: Promise<ModelProvider> }>();
  return (id) => {
    const endpoint = endpointOf(id);
    if (endpoint === undefined)
      return Promise.reject(new AppError("MODEL_001", `There is no model provider named ${JSON.stringify(id)}.`));
    const written = JSON.stringify(endpoint);
    const known = open.get(id);
    if (known?.endpoint === written) return known.provider;
    const provider = providerModule(endpoint.api).then((module) => module.open(endpoint, deps));
    open.set(id, { endpoint: written, provider });
    // A protocol that could not be loaded is tried again by the next call.
    provider.catch(() => open.delete(id));
    return provider;
  };
}
