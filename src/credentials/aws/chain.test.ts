/** AWS's chain: where keys are looked for and in which order, how long they are kept, and whom nobody is made to ask. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { readEnvironment } from "../../config/environment.ts";
import { FakeClock } from "../../platform/fake-clock.ts";
import { silentLog } from "../../platform/log.ts";
import { createAwsChain } from "./chain.ts";
import { wordsOf } from "./key-program.ts";
import { containerUrl } from "./metadata.ts";
import { parseIni } from "./shared-files.ts";

interface Place {
  readonly variables?: Readonly<Record<string, string>>;
  readonly config?: string;
  readonly credentials?: string;
  readonly metadata?: boolean;
  /** By `METHOD url`; anything else is not there. */
  readonly services?: Readonly<Record<string, string | (() => string)>>;
}

async function chainAt({ variables = {}, config, credentials, metadata = false, services = {} }: Place = {}) {
  const home = await mkdtemp(path.join(os.tmpdir(), "openclaw-aws-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  await mkdir(path.join(home, ".aws"));
  const write = (name: string, text: string | undefined) =>
    text === undefined ? undefined : writeFile(path.join(home, ".aws", name), text);
  await write("config", config);
  await write("credentials", credentials);
  const clock = new FakeClock();
  const asked: string[] = [];
  const environment = readEnvironment({ HOME: home, PATH: process.env["PATH"], ...variables });
  const chain = createAwsChain({
    environment: () => environment,
    metadataAllowed: () => metadata,
    isWanted: () => true,
    clock,
    log: silentLog(),
    redact: () => undefined,
    fetchFor: (origin) => (input, init) => {
      const url = input as string;
      const name = `${init?.method ?? "GET"} ${url}`;
      asked.push(name);
      expect(url.startsWith(origin)).toBe(true);
      const answer = Object.hasOwn(services, name) ? services[name] : undefined;
      if (answer === undefined) return Promise.resolve(new Response("", { status: 404 }));
      return Promise.resolve(new Response(typeof answer === "string" ? answer : answer()));
    },
  });
  await chain.look();
  return { chain, clock, asked, home, write };
}

const region = { AWS_REGION: "eu-west-1" };
const ini = (name: string, id: string): string =>
  `[${name}]\naws_access_key_id = ${id}\naws_secret_access_key=s/${id}#1\n`;
const document = (id: string, expiresMs?: number): string =>
  JSON.stringify({
    Version: 1,
    AccessKeyId: id,
    SecretAccessKey: "s",
    Token: "t",
    ...(expiresMs === undefined ? {} : { Expiration: new Date(expiresMs).toISOString() }),
  });
const ec2 = "http://169.254.169.254/latest";
const role = {
  [`PUT ${ec2}/api/token`]: "session",
  [`GET ${ec2}/meta-data/iam/security-credentials/`]: "my-role\n",
  [`GET ${ec2}/meta-data/placement/region`]: "us-east-2",
};

describe("AWS's chain", () => {
  it("H13: variables go before the shared files, those before a machine's role, and each is used where it is the first", async () => {
    const variables = { ...region, AWS_ACCESS_KEY_ID: "ENV", AWS_SECRET_ACCESS_KEY: "s", AWS_SESSION_TOKEN: "t" };
    const services = { ...role, [`GET ${ec2}/meta-data/iam/security-credentials/my-role`]: document("ROLE") };
    const files = { credentials: ini("default", "FILE") };
    const all = await chainAt({ variables, ...files, services, metadata: true });
    expect(await all.chain.credential(null)).toEqual({
      region: "eu-west-1",
      accessKeyId: "ENV",
      secretAccessKey: "s",
      sessionToken: "t",
    });
    const withoutVariables = await chainAt({ variables: region, ...files, services, metadata: true });
    expect(await withoutVariables.chain.credential(null)).toMatchObject({
      accessKeyId: "FILE",
      secretAccessKey: "s/FILE#1",
      sessionToken: null,
    });
    const roleAlone = await chainAt({ services, metadata: true });
    expect(await roleAlone.chain.credential(null)).toMatchObject({ accessKeyId: "ROLE", region: "us-east-2" });
  });

  it("a named profile is that one and no other; the config file gives its region", async () => {
    const files = {
      config: "[default]\nregion = us-west-1\n[profile work]\nregion=eu-central-1\n[work]\nregion = no",
      credentials: ini("default", "HOME") + ini("work", "WORK"),
    };
    const work = await chainAt({ variables: { AWS_PROFILE: "work" }, ...files });
    expect(await work.chain.credential(null)).toMatchObject({ accessKeyId: "WORK", region: "eu-central-1" });
    const plain = await chainAt(files);
    expect(await plain.chain.credential(null)).toMatchObject({ accessKeyId: "HOME", region: "us-west-1" });
    const stored = { profileId: "bedrock:w", keys: null, awsProfile: "work", region: null };
    expect(await plain.chain.credential(stored)).toMatchObject({ accessKeyId: "WORK" });
    const wrong = await chainAt({ variables: { AWS_PROFILE: "gone" }, ...files, metadata: true });
    await expect(wrong.chain.credential(null)).rejects.toMatchObject({
      code: "MODEL_002",
      details: { reason: "auth" },
    });
    expect(wrong.asked).toEqual([]);
  });

  it("a helper program's keys are taken, with its words as words and without the secrets of the gateway", async () => {
    const script = `console.log(JSON.stringify({Version:1,AccessKeyId:process.argv[1],SecretAccessKey:String(process.env.OPENAI_API_KEY)}))`;
    const config = `[default]\ncredential_process = "${process.execPath}" -e '${script}' "a b;c"`;
    const { chain } = await chainAt({ variables: { ...region, OPENAI_API_KEY: "sk-1" }, config });
    expect(await chain.credential(null)).toMatchObject({ accessKeyId: "a b;c", secretAccessKey: "undefined" });
    for (const program of [
      `"${process.execPath}" -e 'process.exit(3)'`,
      "/no/such/program",
      '"open',
      `"${process.execPath}" -e 'console.log(1)'`,
    ]) {
      const bad = await chainAt({ variables: region, config: `[default]\ncredential_process = ${program}` });
      await expect(bad.chain.credential(null), program).rejects.toMatchObject({ code: "MODEL_002" });
    }
  });

  it("roles, single sign-on and web identities are refused with what to do instead", async () => {
    for (const field of ["role_arn = arn:aws:iam::1:role/x", "sso_session = corp", "web_identity_token_file = /x"]) {
      const config = `[default]\n${field}\naws_access_key_id = A\naws_secret_access_key = B`;
      const { chain } = await chainAt({ variables: region, config });
      await expect(chain.credential(null)).rejects.toThrow(/is not done here.*export-credentials/);
    }
  });

  it("the metadata services are asked only where the setting allows it, and never led elsewhere", async () => {
    const closed = await chainAt({ variables: region, services: role });
    await expect(closed.chain.credential(null)).rejects.toThrow(/auth\.aws\.metadata/);
    expect(closed.asked).toEqual([]);
    expect(closed.chain.isPresent()).toBe(false);
    const off = await chainAt({ variables: { AWS_EC2_METADATA_DISABLED: "true" }, metadata: true });
    await expect(off.chain.credential(null)).rejects.toMatchObject({ code: "MODEL_002" });
    expect(off.asked).toEqual([]);
    for (const uri of [
      "http://169.254.169.254/x",
      "http://10.0.0.1/x",
      "https://evil.example/x",
      "http://127.0.0.1@evil.example/",
      "file:///etc/passwd",
      "x",
    ]) {
      expect(() => containerUrl({ AWS_CONTAINER_CREDENTIALS_FULL_URI: uri }), uri).toThrow(/is not asked/);
    }
    expect(() => containerUrl({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: ".evil.example/x" })).toThrow(/is not asked/);
    expect(() => containerUrl({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "@evil.example/x" })).toThrow(/is not asked/);
    expect(containerUrl({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/x" })?.href).toBe("http://169.254.170.2/v2/x");
    expect(containerUrl({})).toBeNull();
  });

  it("a container's service is asked with its token", async () => {
    const { chain } = await chainAt({
      variables: { ...region, AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials" },
      metadata: true,
      services: { "GET http://169.254.170.23/v1/credentials": document("POD") },
    });
    expect(await chain.credential(null)).toMatchObject({ accessKeyId: "POD", sessionToken: "t" });
  });

  it("keys with an end are asked for once, and again five minutes before it; old ones serve while no new ones come", async () => {
    const name = `GET ${ec2}/meta-data/iam/security-credentials/my-role`;
    let issued = 0;
    let isDown = false;
    let startMs = 0;
    const services = {
      ...role,
      [name]: () => {
        if (isDown) return "{}";
        issued += 1;
        return document(`ROLE${issued}`, startMs + issued * 3_600_000);
      },
    };
    const { chain, clock } = await chainAt({ variables: region, metadata: true, services });
    startMs = clock.nowMs();
    const all = await Promise.all(Array.from({ length: 20 }, () => chain.credential(null)));
    expect(new Set(all.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(["ROLE1"]));
    await clock.advance(54 * 60_000);
    expect(await chain.credential(null)).toMatchObject({ accessKeyId: "ROLE1" });
    await clock.advance(2 * 60_000);
    isDown = true;
    expect(await chain.credential(null)).toMatchObject({ accessKeyId: "ROLE1" });
    isDown = false;
    expect(await chain.credential(null)).toMatchObject({ accessKeyId: "ROLE2" });
    expect(issued).toBe(2);
    isDown = true;
    await clock.advance(2 * 3_600_000);
    await expect(chain.credential(null)).rejects.toMatchObject({ code: "MODEL_002" });
  });

  it("H16: an edit of AWS's files is noticed, and changes what tells the keys apart", async () => {
    const { chain, write } = await chainAt({ variables: region, credentials: ini("default", "ONE") });
    const before = chain.identity();
    expect(await chain.credential(null)).toMatchObject({ accessKeyId: "ONE" });
    expect(await chain.look()).toBe(false);
    await write("credentials", ini("default", "TWO"));
    expect(await chain.look()).toBe(true);
    expect(chain.identity()).not.toBe(before);
    expect(await chain.credential(null)).toMatchObject({ accessKeyId: "TWO" });
  });

  it("keys without a region are told as that", async () => {
    const { chain } = await chainAt({ credentials: ini("default", "ONE") });
    await expect(chain.credential(null)).rejects.toThrow(/AWS_REGION/);
  });

  it("reads the files as AWS's tools do", () => {
    const text = [
      "; a comment",
      "stray = line",
      "[ default ]",
      "Region = eu-west-1   # where",
      "aws_secret_access_key = a#b;c==",
      "s3 =",
      "  region = nested",
      "output = json",
      "[profile 'two words']\r",
      "region=x\r",
      "[default]",
      "extra = 1",
      "no equals",
    ].join("\n");
    expect(JSON.parse(JSON.stringify([...parseIni(text)]))).toEqual([
      ["default", { region: "eu-west-1", aws_secret_access_key: "a#b;c==", s3: "", output: "json", extra: "1" }],
      ["profile two words", { region: "x" }],
    ]);
  });

  it("no text makes the readers throw, and quoting a word gives it back", () => {
    fc.assert(fc.property(fc.string(), (text) => void [parseIni(text), wordsOf(text)]));
    fc.assert(
      fc.property(fc.array(fc.string().filter((word) => !word.includes('"'))), (words) => {
        expect(wordsOf(words.map((word) => `"${word}"`).join(" "))).toEqual(words);
      }),
    );
  });
});
