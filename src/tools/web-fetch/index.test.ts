/** The tool reads what is public, within its bounds, and says whose words it hands on. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { systemClock } from "../../platform/clock.ts";
import { createEgress, type Egress } from "../../platform/egress.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog } from "../../platform/log.ts";
import type { Tool, ToolOutput } from "../contract.ts";
import { runTool } from "../run-tool.ts";
import { toolContext } from "../tool-context.fixture.ts";
import { createWebFetchTool, type WebFetchDeps } from "./index.ts";

const servers: Server[] = [];
const opened: Egress[] = [];
afterEach(async () => {
  for (const egress of opened.splice(0)) await egress.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface Site {
  readonly tool: Tool;
  readonly clock: FakeClock;
  readonly at: (path: string) => string;
  readonly asked: string[];
  read(url: string, maxChars?: number): Promise<ToolOutput>;
}

/** A server at a name that is allowed; every other name leads to it too, and is not. */
async function site(listener: RequestListener, part: Partial<WebFetchDeps> = {}): Promise<Site> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    listener(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  const clock = new FakeClock();
  const egress = createEgress({
    allowPrivate: (url) => url.hostname === "site.test",
    resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    log: silentLog(),
  });
  opened.push(egress);
  const tool = createWebFetchTool({ egress, clock, maxChars: () => 50_000, version: "1.2.3", ...part }) as Tool;
  return {
    tool,
    clock,
    asked,
    at: (path) => `http://site.test:${port}${path}`,
    read: (url, maxChars) =>
      runTool(tool, { url, ...(maxChars === undefined ? {} : { maxChars }) }, toolContext({ clock })),
  };
}

function page(body: string | Uint8Array, type = "text/html; charset=utf-8"): RequestListener {
  return (_request, response) =>
    void response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}

/** Sends it piece by piece, as fast as it is taken, and counts what was. */
function pieces(body: Uint8Array, encoding: string, count: (bytes: number) => void): RequestListener {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "text/html", "content-encoding": encoding });
    const send = (at: number): void => {
      if (response.destroyed) return;
      if (at >= body.length) return void response.end();
      const piece = body.subarray(at, at + 65_536);
      response.write(piece, () => {
        count(piece.length);
        send(at + piece.length);
      });
    };
    send(0);
  };
}

const failsWith = (words: string) =>
  expect.objectContaining({ code: "RUN_003", message: expect.stringContaining(words) });

describe("web_fetch", () => {
  it("R15: returns a page as Markdown, with its address, as words from there", async () => {
    const { read, at } = await site(
      page("<title>Rain</title><h1>It rains</h1><p>Bring a <a href='/coat'>coat</a>.</p>"),
    );
    const url = at("/weather");
    expect(await read(url)).toEqual({
      text: `# Rain\n<${url}>\n\n# It rains\n\nBring a [coat](${at("/coat")}).`,
      from: { class: "foreign", source: `web page ${url}` },
    });
  });

  it("R15: says who asks, honestly, and what it reads", async () => {
    let headers: Record<string, unknown> = {};
    const { read, at } = await site((request, response) => {
      headers = request.headers;
      response.writeHead(200, { "content-type": "text/plain" }).end("x");
    });
    await read(at("/"));
    expect(headers["user-agent"]).toMatch(/^OpenClaw\/1\.2\.3 /);
    expect(headers).not.toHaveProperty("cookie");
    expect(headers).not.toHaveProperty("referer");
  });

  it("R15: plans exactly the address that it asks, and refuses in the plan what the guard refuses", async () => {
    const { tool, at } = await site(page("x"));
    const context = toolContext();
    expect(await tool.plan?.({ url: at("/a/../b?q=1#frag") }, context)).toEqual({
      kind: "fetch",
      url: at("/b?q=1#frag"),
    });
    for (const url of [
      "file:///etc/passwd",
      "http://127.0.0.1/",
      "http://u:p@site.test/",
      "ftp://site.test/",
      "x",
      "http://localhost./",
    ]) {
      await expect((async () => tool.plan?.({ url }, context))()).rejects.toMatchObject({ code: "SEC_005" });
    }
  });

  it.each([
    ["http://127.0.0.1:PORT/"],
    ["http://localhost:PORT/"],
    ["http://localhost.:PORT/"],
    ["http://[::1]:PORT/"],
    ["http://[::ffff:127.0.0.1]:PORT/"],
    ["http://0x7f.1:PORT/"],
    ["http://2130706433:PORT/"],
    ["http://017700000001:PORT/"],
    ["http://rebound.test:PORT/"],
    ["http://169.254.169.254/latest/meta-data/"],
    ["http://[fd00:ec2::254]/"],
    ["file:///etc/passwd"],
    ["http://user:pass@site.test:PORT/"],
  ])("R081 R082 R083 R084 R086: never asks %s", async (template) => {
    const { read, at, asked } = await site(page("secret"));
    const url = template.replace("PORT", new URL(at("/")).port);
    await expect(read(url)).rejects.toMatchObject({ code: "SEC_005" });
    expect(asked).toEqual([]);
  });

  it("R085: judges every hop of a redirect, follows five, and names where it ended", async () => {
    const house = await site((request, response) => {
      const port = request.socket.localPort;
      if (request.url === "/private")
        return response.writeHead(302, { location: `http://127.0.0.1:${port}/secret` }).end();
      if (request.url === "/file") return response.writeHead(302, { location: "file:///etc/passwd" }).end();
      if (request.url === "/round") return response.writeHead(302, { location: "/round" }).end();
      if (request.url === "/moved") return response.writeHead(301, { location: "/new" }).end();
      return response.writeHead(200, { "content-type": "text/plain" }).end("here");
    });
    await expect(house.read(house.at("/private"))).rejects.toMatchObject({ code: "SEC_005" });
    await expect(house.read(house.at("/file"))).rejects.toMatchObject({ code: "SEC_005" });
    await expect(house.read(house.at("/round"))).rejects.toEqual(failsWith("could not be reached"));
    expect(house.asked.filter((line) => line.endsWith("/round"))).toHaveLength(6);
    expect(house.asked.some((line) => line.endsWith("/secret"))).toBe(false);
    expect(await house.read(house.at("/moved"))).toMatchObject({ from: { source: `web page ${house.at("/new")}` } });
  });

  it("R15: text, JSON and Markdown come as they are; what is no text is named and not read", async () => {
    for (const [type, body, shown] of [
      ["text/plain", "a <b>", "a <b>"],
      ["application/json; charset=utf-8", '{"a": "<p>"}', '{"a": "<p>"}'],
      ["text/markdown", "# H", "# H"],
      ["application/ld+json", "{}", "{}"],
      [
        "application/pdf",
        "%PDF-1.7",
        "[This address is a PDF document (application/pdf, 8 bytes). web_fetch reads pages and text only.]",
      ],
      [
        "image/png",
        "png",
        "[This address is a picture; the tool image can look at one (image/png, 3 bytes). web_fetch reads pages and text only.]",
      ],
      [
        "text/plain",
        "a\u0000b",
        "[This address is no text (text/plain, 3 bytes). web_fetch reads pages and text only.]",
      ],
      ["<script>/x", "bytes", "bytes"],
      ["", "<!doctype html><p>page</p>", "page"],
    ] as const) {
      const { read, at } = await site(page(body, type));
      expect((await read(at("/"))).text).toBe(`<${at("/")}>\n\n${shown}`);
    }
  });

  it("R15: reads every charset: as the server says, as the page says, by its mark, and unknown ones", async () => {
    const latin = Buffer.from("<p>Grüße</p>", "latin1");
    const shiftJis = Buffer.from([0x93, 0xfa, 0x96, 0x7b]);
    for (const [body, type, shown] of [
      [latin, "text/html; charset=iso-8859-1", "Grüße"],
      [latin, 'text/html; charset="ISO-8859-1"', "Grüße"],
      [Buffer.concat([Buffer.from("<meta charset=windows-1252>"), latin]), "text/html", "Grüße"],
      [
        Buffer.concat([Buffer.from('<meta http-equiv=x content="text/html; charset=shift_jis">'), shiftJis]),
        "text/html",
        "日本",
      ],
      [Buffer.from("\ufeffGrüße", "utf16le"), "text/plain", "Grüße"],
      [Buffer.from("Grüße"), "text/plain; charset=klingon", "Grüße"],
      [Buffer.from([0x61, 0xff, 0x62]), "text/plain", "a\ufffdb"],
    ] as const) {
      const { read, at } = await site(page(body, type));
      expect((await read(at("/"))).text).toContain(shown);
    }
  });

  it("R15: what fails is said in our words, with what to do, and none of the server's", async () => {
    for (const [status, words] of [
      [404, "no such page"],
      [403, "wants a login"],
      [429, "too often"],
      [500, "status 500"],
    ] as const) {
      const { read, at } = await site((_request, response) => void response.writeHead(status).end("EVIL"));
      await expect(read(at("/"))).rejects.toEqual(failsWith(words));
      await expect(read(at("/"))).rejects.not.toThrow("EVIL");
    }
    const { read, at } = await site((request) => request.socket.destroy());
    await expect(read(at("/"))).rejects.toEqual(failsWith("could not be reached"));
  });

  it("a page is cut at its limit, in the tool's input or in the settings, and says so", async () => {
    const { read, at } = await site(page("x".repeat(100), "text/plain"), { maxChars: () => 60 });
    expect((await read(at("/"))).text).toMatch(/\n\nx{60}\n\n\[cut: 60 of 100 characters shown\]$/);
    expect((await read(at("/"), 10)).text).toMatch(/\n\nx{10}\n\n\[cut: 10 of 100 characters shown\]$/);
    expect((await read(at("/"), 1_000)).text).toContain("cut: 60");
    const whole = await site(page("x".repeat(60), "text/plain"), { maxChars: () => 60 });
    expect((await whole.read(whole.at("/"))).text).not.toContain("cut");
    await expect(whole.read(`${whole.at("/")}?${"x".repeat(limits.webUrlChars)}`)).rejects.toMatchObject({
      code: "RUN_003",
    });
  });

  it("a page is kept for some minutes, and asked for again after them", async () => {
    const { read, at, asked, clock } = await site(page("x", "text/plain"));
    await read(at("/"));
    await clock.advance(limits.webCacheMs - 1);
    await read(at("/"));
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    await read(at("/"));
    expect(asked).toHaveLength(2);
    for (let index = 0; index < limits.webCacheEntries; index += 1) await read(at(`/${index}`));
    await read(at("/"));
    expect(asked).toHaveLength(limits.webCacheEntries + 3);
  });

  it("R089: a page over its size is not read on: announced or not", async () => {
    const { read, at } = await site((request, response) => {
      if (request.url === "/edge") return response.end("x".repeat(limits.webPageBytes));
      const more = (): void => void (response.destroyed || response.write("x".repeat(100_000), more));
      if (request.url === "/announced") response.setHeader("content-length", String(limits.webPageBytes + 1));
      return more();
    });
    await expect(read(at("/announced"))).rejects.toEqual(failsWith("larger than 5 MiB"));
    await expect(read(at("/endless"))).rejects.toEqual(failsWith("larger than 5 MiB"));
    expect((await read(at("/edge"))).text).toContain("cut: 50000 of 1000000");
  });

  it.each(bombs())("R098: 10 MiB that unpack to gigabytes are left at the limit: %s", async (_name, encoding, make) => {
    const bomb = make();
    let sent = 0;
    const { read, at } = await site(pieces(bomb, encoding, (bytes) => (sent += bytes)));
    const before = process.memoryUsage();
    await expect(read(at("/"))).rejects.toEqual(failsWith("larger than 5 MiB"));
    const after = process.memoryUsage();
    expect(after.rss - before.rss + (after.arrayBuffers - before.arrayBuffers)).toBeLessThan(200 * 1024 * 1024);
    // What fits into the buffers of two sockets, and not the bomb.
    if (bomb.length > 9_000_000) expect(sent).toBeLessThan(bomb.length);
  });

  it("a page that keeps its reader busy is left, and the process goes on", async () => {
    const thread = new URL(`data:text/javascript,for(;;);`);
    const clock = new FakeClock();
    const { createPageReader } = await import("./page-reader.ts");
    const reader = createPageReader({ clock, thread });
    const reading = reader({ html: "<p>x", url: "https://a.example/" }, new AbortController().signal);
    const failed = reading.catch((error: unknown) => error);
    // The thread is started in a later turn of the loop.
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(limits.webReadTimeoutMs);
    expect(await failed).toEqual(failsWith("takes too long"));
    const aborted = new AbortController();
    const second = reader({ html: "<p>x", url: "https://a.example/" }, aborted.signal);
    const gone = second.catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    aborted.abort();
    expect(await gone).toMatchObject({ code: "RUN_001" });
  });

  it("a page that takes its reader's memory is left, and the process goes on", async () => {
    const thread = new URL(`data:text/javascript,const all=[];for(;;)all.push(new Array(1e5).fill({}));`);
    const { createPageReader } = await import("./page-reader.ts");
    const reader = createPageReader({ clock: new FakeClock(), thread });
    await expect(reader({ html: "", url: "https://a.example/" }, new AbortController().signal)).rejects.toEqual(
      failsWith("cannot be read"),
    );
  });

  it.each([
    ["elements in elements", "<div>".repeat(50_000)],
    ["tables in tables", "<table><tr><td>".repeat(3_000)],
    ["links that never close", "<a href=x>".repeat(50_000)],
    ["attributes", `<p ${"a=b ".repeat(200_000)}>x`],
    ["entities", "&amp;".repeat(200_000)],
    ["half a tag", `<${"<".repeat(500_000)}`],
    ["comments", "<!--".repeat(200_000)],
    ["style sheets", `<style>${"a{b".repeat(100_000)}</style>`],
    ["rules", `<style>${"@media x{".repeat(20_000)}</style><p style="${"display:".repeat(50_000)}">x`],
  ])("a page made of %s has an answer", async (_name, html) => {
    const { createPageReader } = await import("./page-reader.ts");
    const reader = createPageReader({ clock: systemClock(), timeoutMs: 400 });
    const answer = await reader({ html, url: "https://a.example/" }, new AbortController().signal).catch(
      (error: unknown) => error,
    );
    const isText = typeof (answer as { markdown?: unknown }).markdown === "string";
    expect(isText || (answer as { code?: string }).code === "RUN_003").toBe(true);
  });
});

function bombs(): [string, string, () => Uint8Array][] {
  const zeros = Buffer.alloc(1024 * 1024);
  const block = deflateRawSync(zeros, { finishFlush: constants.Z_FULL_FLUSH });
  const repeated = (piece: Uint8Array): Uint8Array[] =>
    Array.from({ length: Math.ceil((10 * 1024 * 1024) / piece.length) }, () => piece);
  return [
    // One member behind the other: 10 GiB.
    ["gzip", "gzip", () => Buffer.concat(repeated(gzipSync(zeros)))],
    ["deflate", "deflate", () => Buffer.concat([Buffer.from([0x78, 0x9c]), ...repeated(block)])],
    ["gzip in gzip", "gzip, gzip", () => gzipSync(Buffer.concat(repeated(gzipSync(zeros))))],
    ["deflate in gzip", "deflate, gzip", () => gzipSync(deflateSync(Buffer.alloc(64 * 1024 * 1024)))],
    [
      "brotli",
      "br",
      () => brotliCompressSync(Buffer.alloc(256 * 1024 * 1024), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
    ],
  ];
}
