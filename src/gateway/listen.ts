/** Opens the port, or says in one sentence why not. */
import type { Server } from "node:http";
import { AppError } from "../domain/app-error.ts";

export interface Listening {
  readonly port: number;
  readonly addresses: readonly string[];
}

/** Takes the first address that can be had. Throws SYS_005 where none can. */
export async function listenOn(server: Server, port: number, addresses: readonly string[]): Promise<Listening> {
  let failure: unknown;
  for (const address of addresses) {
    try {
      await listenOnce(server, port, address);
      const bound = server.address();
      if (bound === null || typeof bound === "string") break;
      return { port: bound.port, addresses: [bound.address] };
    } catch (error) {
      failure = error;
    }
  }
  const code = failure instanceof Error && "code" in failure ? failure.code : undefined;
  const why =
    code === "EADDRINUSE" ? "is in use" : code === "EACCES" ? "may not be used by this user" : "cannot be used";
  const where = `${addresses.join(" or ")}:${port}`;
  throw new AppError("SYS_005", `The address ${where} ${why}.`, { cause: failure, details: { port } });
}

function listenOnce(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}
