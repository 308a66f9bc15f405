/** The address that is dialled is the address that was judged, however a resolver changes its mind. */
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { createEgress } from "../egress.ts";
import { silentLog } from "../log.ts";
import { guardedConnector, type Connector, type ResolvedAddress } from "./connector.ts";

type Target = Parameters<Connector>[0];

/** What a connector does: the addresses that it would dial, or the code of its refusal. */
async function dialled(settings: {
  checked: string;
  target?: string;
  answers?: readonly (readonly string[])[];
  allowPrivate?: boolean;
}): Promise<{ outcome: string; questions: number }> {
  let questions = 0;
  const answers = settings.answers ?? [];
  const outcome = await new Promise<string>((resolve) => {
    const connector = guardedConnector({
      hostname: settings.checked,
      allowPrivate: settings.allowPrivate ?? false,
      resolve: async () => {
        const answer = answers[Math.min(questions, answers.length - 1)] ?? [];
        questions += 1;
        return answer.map((address): ResolvedAddress => ({ address, family: address.includes(":") ? 6 : 4 }));
      },
      dial: (addresses) => () => resolve(addresses.map(({ address }) => address).join()),
    });
    const target = { hostname: settings.target ?? settings.checked, port: "80", protocol: "http:" } as Target;
    connector(target, (...[error]) => resolve((error as { code?: string } | null)?.code ?? "connected"));
  });
  return { outcome, questions };
}

describe("connector", () => {
  it("R084: resolves once and dials exactly what it judged, so a second answer is never heard", async () => {
    const answers = [["8.8.8.8", "2606:4700::1111"], ["127.0.0.1"]];
    expect(await dialled({ checked: "flip.test", answers })).toEqual({
      outcome: "8.8.8.8,2606:4700::1111",
      questions: 1,
    });
  });

  it.each([
    [["127.0.0.1"]],
    [["8.8.8.8", "127.0.0.1"]],
    [["2606:4700::1111", "::1"]],
    [["8.8.8.8", "::ffff:10.0.0.1"]],
    [["169.254.169.254"]],
    [["not an address"]],
  ])("R084: one answer that is not public refuses them all: %j", async (answer) => {
    expect((await dialled({ checked: "mixed.test", answers: [answer] })).outcome).toBe("SEC_005");
  });

  it("R082: a literal is judged although no resolver is asked for it", async () => {
    expect(await dialled({ checked: "127.0.0.1" })).toEqual({ outcome: "SEC_005", questions: 0 });
    expect(await dialled({ checked: "[::1]", target: "::1" })).toEqual({ outcome: "SEC_005", questions: 0 });
    expect(await dialled({ checked: "8.8.8.8" })).toEqual({ outcome: "8.8.8.8", questions: 0 });
    expect(await dialled({ checked: "127.0.0.1", allowPrivate: true })).toEqual({ outcome: "127.0.0.1", questions: 0 });
  });

  it("R086: refuses a host that is not the one that was checked", async () => {
    expect((await dialled({ checked: "example.org", target: "other.test", answers: [["8.8.8.8"]] })).outcome).toBe(
      "SEC_005",
    );
  });

  it("tells a name without an address from one that is not allowed", async () => {
    expect((await dialled({ checked: "empty.test", answers: [[]] })).outcome).toBe("CONN_001");
  });
});

/** A name server that gives the next of its answers to every question for an A record. */
async function nameServer(
  answers: readonly (readonly string[])[],
): Promise<{ resolver: Resolver; questions: () => number; close: () => void }> {
  const socket = createSocket("udp4");
  let questions = 0;
  socket.on("message", (query, from) => {
    const records = answers[Math.min(questions++, answers.length - 1)] ?? [];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const body = records.map((record) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...record.split(".").map(Number)]),
    );
    socket.send(Buffer.concat([header, question, ...body]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return { resolver, questions: () => questions, close: () => socket.close() };
}

describe("a name server that lies", () => {
  it("R15: a name that resolves to this machine, at once or after a while, never reaches it", async () => {
    let hits = 0;
    const victim = createServer((_request, response) => {
      hits += 1;
      response.end("secret");
    }).listen(0, "127.0.0.1");
    await once(victim, "listening");
    const { port } = victim.address() as AddressInfo;
    // The attacker answers with a public address beside ours, then with ours alone.
    const names = await nameServer([["93.184.216.34", "127.0.0.1"], ["127.0.0.1"], ["169.254.169.254"], ["0.0.0.0"]]);
    const resolve = async (hostname: string): Promise<ResolvedAddress[]> =>
      (await names.resolver.resolve4(hostname)).map((address) => ({ address, family: 4 }));
    const egress = createEgress({ allowPrivate: () => false, resolve, log: silentLog() });
    const url = `http://rebind.test:${port}/`;
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      expect(egress.check(url).url.hostname).toBe("rebind.test");
      await expect(egress.fetch(url)).rejects.toMatchObject({ code: "SEC_005" });
      expect(names.questions()).toBe(attempt);
    }
    expect(hits).toBe(0);
    // The same server is reached where an administrator allows it: it was the guard that kept us away.
    const allowed = createEgress({
      allowPrivate: () => true,
      resolve: async () => [{ address: "127.0.0.1", family: 4 }],
      log: silentLog(),
    });
    expect(await (await allowed.fetch(url)).text()).toBe("secret");
    expect(hits).toBe(1);
    names.close();
    victim.close();
  });
});
