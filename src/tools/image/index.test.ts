/** The tool shows a model pictures of the workspace and of public addresses, and nothing else of this machine. */
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../domain/limits.ts";
import { createEgress, type Egress } from "../../platform/egress.ts";
import { silentLog } from "../../platform/log.ts";
import { imageFacts } from "../../providers/images/image-facts.ts";
import type { Tool, ToolOutput } from "../contract.ts";
import { runTool } from "../run-tool.ts";
import { toolContext } from "../tool-context.fixture.ts";
import { createVisionDesk, type LookRequest } from "../vision.ts";
import { createImageTool } from "./index.ts";

/** A PNG's header with these sides; nothing that looks at it reads on. */
function png(width: number, height: number, sizeBytes = 64): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

let root = "";
let workspace = "";
let looked: LookRequest[] = [];
const servers: Server[] = [];
const opened: Egress[] = [];

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "openclaw-image-"));
  workspace = path.join(root, "workspace");
  await mkdir(path.join(workspace, "in"), { recursive: true });
  looked = [];
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
  for (const egress of opened.splice(0)) await egress.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

function imageTool(): Tool {
  const egress = createEgress({
    allowPrivate: (url) => url.hostname === "site.test",
    resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    log: silentLog(),
  });
  opened.push(egress);
  const desk = createVisionDesk();
  desk.open("run-1", (request) => {
    looked.push(request);
    return Promise.resolve("A cat.");
  });
  return createImageTool({ egress, vision: desk, header: imageFacts }) as Tool;
}

function look(input: Record<string, unknown>): Promise<ToolOutput> {
  return runTool(imageTool(), { question: "What is it?", ...input }, toolContext({ workspace }));
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return `http://site.test:${(server.address() as AddressInfo).port}`;
}

describe("image", () => {
  it("R15: a picture of the workspace is looked at, and what is said of it is the workspace's", async () => {
    await writeFile(path.join(workspace, "in", "cat.png"), png(10, 20));
    expect(await look({ path: "in/cat.png" })).toEqual({
      text: "A cat.",
      from: { class: "local", source: "picture in/cat.png" },
    });
    expect(looked).toMatchObject([
      {
        runId: "run-1",
        question: "What is it?",
        attachment: { type: "image", mimeType: "image/png", sizeBytes: 64, data: png(10, 20).toString("base64") },
      },
    ]);
    expect(await imageTool().plan?.({ path: "in/cat.png", question: "?" }, toolContext({ workspace }))).toMatchObject({
      kind: "file",
      access: "read",
      inside: true,
    });
  });

  it("R15: a picture of the web is looked at, and what is said of it is foreign", async () => {
    const base = await serve((_request, response) => void response.end(png(10, 20)));
    expect(await look({ url: `${base}/cat.png` })).toEqual({
      text: "A cat.",
      from: { class: "foreign", source: `picture ${base}/cat.png` },
    });
    expect(await imageTool().plan?.({ url: `${base}/a`, question: "?" }, toolContext())).toEqual({
      kind: "fetch",
      url: `${base}/a`,
    });
  });

  it.each([
    "/etc/passwd",
    "../secret.png",
    "in/../../secret.png",
    "~/secret.png",
    "file:///etc/passwd",
    "link.png",
    "linked/secret.png",
    "in\\..\\..\\secret.png",
    "C:/secret.png",
    "in/cat.png\u0000.txt",
  ])("R091: no file outside of the workspace is looked at, by whatever name: %j", async (name) => {
    await writeFile(path.join(root, "secret.png"), png(1, 1));
    await symlink(path.join(root, "secret.png"), path.join(workspace, "link.png"));
    await symlink(root, path.join(workspace, "linked"));
    const refused = await look({ path: name }).catch((error: unknown) => error);
    // `file:///…` is a name like another, of a file that is not there.
    expect(refused).toMatchObject({ code: name.startsWith("file:") ? "RUN_003" : "SEC_007" });
    expect(looked).toEqual([]);
  });

  it.each([
    "http://127.0.0.1/",
    "http://169.254.169.254/",
    "http://localhost/",
    "data:image/png;base64,AAAA",
    "file:///etc/passwd",
    "http://[::1]/",
    "media://x",
  ])("R081 R091: no address is asked that is not public: %s", async (url) => {
    await expect(look({ url })).rejects.toMatchObject({ code: "SEC_005" });
    expect(looked).toEqual([]);
  });

  it("R085: a redirect to a private address is not followed", async () => {
    const base = await serve(
      (_request, response) => void response.writeHead(302, { location: "http://127.0.0.1/x" }).end(),
    );
    await expect(look({ url: `${base}/` })).rejects.toMatchObject({ code: "SEC_005" });
  });

  it("R090: a file's size is known before it is read", async () => {
    const file = path.join(workspace, "huge.png");
    await writeFile(file, png(1, 1));
    // Sparse: read, it would be four gigabytes.
    await truncate(file, 4 * 1024 ** 3);
    const before = process.memoryUsage();
    await expect(look({ path: "huge.png" })).rejects.toMatchObject({
      code: "RUN_003",
      message: expect.stringContaining("20 MiB"),
    });
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(10 * 1024 * 1024);
    await truncate(file, limits.lookedAtImageBytes + 1);
    await expect(look({ path: "huge.png" })).rejects.toMatchObject({ code: "RUN_003" });
    await truncate(file, limits.lookedAtImageBytes);
    expect((await look({ path: "huge.png" })).text).toBe("A cat.");
  });

  it("R089 R090: an address is left at the limit, announced or not", async () => {
    const base = await serve((request, response) => {
      if (request.url === "/announced") response.setHeader("content-length", String(limits.lookedAtImageBytes + 1));
      const more = (): void => void (response.destroyed || response.write(Buffer.alloc(1_000_000), more));
      more();
    });
    for (const name of ["announced", "endless"]) {
      await expect(look({ url: `${base}/${name}` })).rejects.toMatchObject({
        message: expect.stringContaining("20 MiB"),
      });
    }
  });

  it("R098: a small file with a sea of pixels is decoded by nobody", async () => {
    await writeFile(path.join(workspace, "sea.png"), png(limits.imagePixels, 2));
    await writeFile(path.join(workspace, "edge.png"), png(limits.imagePixels, 1));
    await expect(look({ path: "sea.png" })).rejects.toMatchObject({ message: expect.stringContaining("pixels") });
    expect(looked).toEqual([]);
    await look({ path: "edge.png" });
    expect(looked).toHaveLength(1);
  });

  it("what is no picture is not shown: text, a page, a folder, a pipe, nothing", async () => {
    await writeFile(path.join(workspace, "key.png"), "-----BEGIN PRIVATE KEY-----");
    await writeFile(path.join(workspace, "svg.png"), "<svg/>");
    await writeFile(path.join(workspace, "empty.png"), "");
    await promisify(execFile)("mkfifo", [path.join(workspace, "pipe.png")]);
    for (const name of ["key.png", "svg.png", "empty.png", "in", "pipe.png", "missing.png"]) {
      await expect(look({ path: name })).rejects.toMatchObject({ code: "RUN_003" });
    }
    const base = await serve((_request, response) => void response.writeHead(404).end("EVIL"));
    await expect(look({ url: `${base}/` })).rejects.toMatchObject({ message: expect.not.stringContaining("EVIL") });
    expect(looked).toEqual([]);
  });

  it("asks for one picture and a question", async () => {
    for (const input of [
      {},
      { path: "a", url: "http://a.example/" },
      { path: "a", question: " " },
      { path: "a", question: "x".repeat(limits.imageQuestionChars + 1) },
    ]) {
      await expect(look(input)).rejects.toMatchObject({ code: "RUN_003" });
    }
  });

  it("a turn looks while it is open, and no longer", async () => {
    const desk = createVisionDesk();
    const request = {
      runId: "r",
      attachment: { type: "image" as const },
      question: "?",
      signal: new AbortController().signal,
    };
    await expect(desk.look(request)).rejects.toMatchObject({ code: "RUN_003" });
    const close = desk.open("r", () => Promise.resolve("first"));
    expect(await desk.look(request)).toBe("first");
    desk.open("r", () => Promise.resolve("second"));
    close();
    expect(await desk.look(request)).toBe("second");
  });
});
