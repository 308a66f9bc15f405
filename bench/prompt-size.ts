/** How much is sent to the model for one short line: the whole request, tools included. */
import { startModelEmulator } from "../src/drill/model-emulator/server.ts";
import { configWith, newStateDir, startGateway } from "../test/e2e/gateway-process.ts";
import { httpLoad } from "./http-load.ts";
import type { Figure } from "./measures.ts";

export async function promptSize(): Promise<readonly Figure[]> {
  const model = await startModelEmulator();
  const state = await newStateDir();
  const gateway = await startGateway({ stateDir: state.stateDir, config: configWith(model.url) });
  try {
    const body = JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "Hello there!" }] });
    const headers = { authorization: `Bearer ${gateway.token}` };
    await httpLoad({ url: `${gateway.url}/v1/chat/completions`, headers, body, concurrency: 1, count: 1 });
    const bytes = Buffer.byteLength(JSON.stringify(model.requests.at(-1)?.body));
    return [
      { name: "request for a one-line message", unit: "bytes", value: bytes, target: { at: "most", value: 8_192 } },
    ];
  } finally {
    await gateway.kill("SIGTERM");
    await model.close();
    await state.remove();
  }
}
