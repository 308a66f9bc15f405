/** Free ports are found, taken ones passed over, and a typing mistake is named. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { findAvailablePort, isListening, isPortAvailable, parsePort } from "./ports.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function occupy(port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ port, host: "127.0.0.1", exclusive: true });
  const listening = await Promise.race([
    once(server, "listening").then(() => true),
    once(server, "error").then(() => false),
  ]);
  if (listening) servers.push(server);
  return listening;
}

/** Seven neighbouring ports that nobody else uses now, taken by us. */
async function occupySeven(): Promise<number> {
  for (let start = 28_789; start < 60_000; start += 50) {
    let taken = 0;
    while (taken < 7 && (await occupy(start + taken))) taken += 1;
    if (taken === 7 && (await isPortAvailable(start + 7))) return start;
    for (const server of servers.splice(0)) server.close();
  }
  throw new Error("no seven free ports in a row");
}

describe("ports", () => {
  it("A15: with seven ports in a row taken, the finder returns the eighth", async () => {
    const start = await occupySeven();
    expect(await isPortAvailable(start)).toBe(false);
    expect(await findAvailablePort(start)).toBe(start + 7);
  });

  it("A15: gives up after its attempts, and at the last port there is", async () => {
    const start = await occupySeven();
    await expect(findAvailablePort(start, { attempts: 7 })).rejects.toMatchObject({ code: "SYS_005" });
    expect(await findAvailablePort(start, { attempts: 8 })).toBe(start + 7);
    await expect(findAvailablePort(65_536)).rejects.toMatchObject({ code: "SYS_005" });
  });

  it("refuses an address that is not ours by a typed error", async () => {
    await expect(isPortAvailable(28_000, "192.0.2.1")).rejects.toMatchObject({ code: "SYS_005" });
  });

  it.each([
    [18_789, 18_789],
    ["18789", 18_789],
    [" 80 ", 80],
    ["0", 0],
    [65_535, 65_535],
  ])("A15: reads %j", (value, expected) => {
    expect(parsePort(value, "gateway.port")).toBe(expected);
  });

  it.each([
    "",
    " ",
    "x",
    "18789x",
    "1e3",
    "0x50",
    "-1",
    "65536",
    "80.5",
    "８０",
    "80 81",
    65_536,
    -1,
    1.5,
    Number.NaN,
    null,
    undefined,
    {},
    true,
  ])("A15: a bad value is refused and its source named: %j", (value) => {
    expect(() => parsePort(value, "OPENCLAW_GATEWAY_PORT")).toThrow(
      expect.objectContaining({ code: "SYS_005", message: expect.stringContaining("OPENCLAW_GATEWAY_PORT") }),
    );
  });
});

describe("whether somebody listens", () => {
  it("is true for a server, false for a port without one and for one that does not answer in time", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await isListening(new URL(`http://127.0.0.1:${port}/v1`), 1_000)).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    expect(await isListening(new URL(`http://127.0.0.1:${port}/v1`), 1_000)).toBe(false);
    expect(await isListening(new URL(`http://[::1]:${port}/v1`), 1_000)).toBe(false);
    // An address that is set aside for documents: whatever answers for it is not there in a moment.
    expect(await isListening(new URL("http://192.0.2.1/"), 50)).toBe(false);
  });
});
