/** Known answers: vectors that others have published, through our own functions; and what a change of one bit does. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decrypt, deriveKey, encrypt, freshBytes, passphraseKey, seal, unseal } from "./sealing.ts";

interface Vector {
  readonly name: string;
  readonly key: string;
  readonly nonce: string;
  readonly plain: string;
  readonly context: string;
  readonly cipher: string;
  readonly tag: string;
}

const longPlain =
  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
const longCipher =
  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
const macsecHead = "68f2e77696ce7ae8e2ca4ec588e541002e58495c";
const macsecKey = "4c973dbc7364621674f8b5b89e5c15511fced9216490fb1c1a2caa0ffe0407e5";
const specKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
const zeros = "00".repeat(32);

/** AES-256 with a nonce of 96 bits and a tag of 128: the one form that is used here. */
// oxfmt-ignore
const vectors: readonly Vector[] = [
  // NIST CAVP, gcmEncryptExtIV256.rsp: no text and no context, context alone, text alone.
  { name: "CAVP 0/0 #0", key: "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4", nonce: "516c33929df5a3284ff463d7", plain: "", context: "", cipher: "", tag: "bdc1ac884d332457a1d2664f168c76f0" },
  { name: "CAVP 0/0 #1", key: "5fe0861cdc2690ce69b3658c7f26f8458eec1c9243c5ba0845305d897e96ca0f", nonce: "770ac1a5a3d476d5d96944a1", plain: "", context: "", cipher: "", tag: "196d691e1047093ca4b3d2ef4baba216" },
  { name: "CAVP 0/128 #0", key: "78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223", nonce: "d79cf22d504cc793c3fb6c8a", plain: "", context: "b96baa8c1c75a671bfb2d08d06be5f36", cipher: "", tag: "3e5d486aa2e30b22e040b85723a06e76" },
  { name: "CAVP 0/128 #1", key: "4457ff33683cca6ca493878bdc00373893a9763412eef8cddb54f91318e0da88", nonce: "699d1f29d7b8c55300bb1fd2", plain: "", context: "6749daeea367d0e9809e2dc2f309e6e3", cipher: "", tag: "d60c74d2517fde4a74e0cd4709ed43a9" },
  { name: "CAVP 128/0 #0", key: "31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22", nonce: "0d18e06c7c725ac9e362e1ce", plain: "2db5168e932556f8089a0622981d017d", context: "", cipher: "fa4362189661d163fcd6a56d8bf0405a", tag: "d636ac1bbedd5cc3ee727dc2ab4a9489" },
  // The GCM specification of McGrew and Viega, cases 13 to 16.
  { name: "GCM 13", key: zeros, nonce: "00".repeat(12), plain: "", context: "", cipher: "", tag: "530f8afbc74536b9a963b4f1c4cb738b" },
  { name: "GCM 14", key: zeros, nonce: "00".repeat(12), plain: "00".repeat(16), context: "", cipher: "cea7403d4d606b6e074ec5d3baf39d18", tag: "d0d1c8a799996bf0265b98b5d48ab919" },
  { name: "GCM 15", key: specKey, nonce: "cafebabefacedbaddecaf888", plain: longPlain, context: "", cipher: longCipher, tag: "b094dac5d93471bdec1a502270e3cc6c" },
  { name: "GCM 16", key: specKey, nonce: "cafebabefacedbaddecaf888", plain: longPlain.slice(0, 120), context: "feedfacedeadbeeffeedfacedeadbeefabaddad2", cipher: longCipher.slice(0, 120), tag: "76fc6ece0f4e1768cddf8853bb2d551b" },
  // IEEE 802.1AE: a frame that is authenticated alone (2.7.2), and one that is encrypted too (2.8.2).
  { name: "IEEE 2.7.2", key: macsecKey, nonce: "7ae8e2ca4ec500012e58495c", plain: "", context: `${macsecHead}08000f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d0007`, cipher: "", tag: "00bda1b7e87608bcbf470f12157f4c07" },
  { name: "IEEE 2.8.2", key: macsecKey, nonce: "7ae8e2ca4ec500012e58495c", plain: "08000f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748490008", context: "68f2e77696ce7ae8e2ca4ec588e54d002e58495c", cipher: "ba8ae31bc506486d6873e4fce460e7dc57591ff00611f31c3834fe1c04ad80b66803afcf5b27e6333fa67c99da47c2f0ced68d531bd741a943cff7a6713bd0", tag: "2611cd7daa01d61c5c886dc1a8170107" },
];

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");

describe("sealing", () => {
  it.each(vectors)("S3: the published vector $name is met, sealing and unsealing", (vector) => {
    const parameters = { key: bytes(vector.key), nonce: bytes(vector.nonce), context: bytes(vector.context) };
    const sealed = encrypt(parameters, bytes(vector.plain));
    expect(sealed.toString("hex")).toBe(vector.nonce + vector.cipher + vector.tag);
    expect(decrypt(parameters, bytes(vector.cipher + vector.tag))?.toString("hex")).toBe(vector.plain);
    for (const at of [0, vector.cipher.length / 2 + 15]) {
      const wrong = bytes(vector.cipher + vector.tag);
      wrong.writeUInt8(wrong.readUInt8(at) ^ 1, at);
      expect(decrypt(parameters, wrong)).toBeNull();
    }
  });

  it("S3: what was sealed comes back under the same key and context, and under no other", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), fc.string(), (plain, context, other) => {
        const key = freshBytes(32);
        const sealed = seal(key, plain, context);
        expect(unseal(key, sealed, context)?.equals(plain)).toBe(true);
        expect(unseal(freshBytes(32), sealed, context)).toBeNull();
        if (other !== context) expect(unseal(key, sealed, other)).toBeNull();
      }),
    );
  });

  it("S3: any changed bit and any cut end is noticed", () => {
    const key = freshBytes(32);
    const sealed = seal(key, Buffer.from("a secret"), "here");
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const wrong = Buffer.from(sealed);
      wrong.writeUInt8(wrong.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(unseal(key, wrong, "here")).toBeNull();
    }
    for (let length = 0; length < sealed.length; length += 1)
      expect(unseal(key, sealed.subarray(0, length), "here")).toBeNull();
  });

  it("S3: the same text is never sealed the same way twice", () => {
    const key = freshBytes(32);
    const made = Array.from({ length: 500 }, () => seal(key, Buffer.from("same"), "").toString("hex"));
    expect(new Set(made.map((text) => text.slice(0, 24))).size).toBe(500);
  });

  it("S3: keys are derived as RFC 5869 has it, and another purpose is another key", () => {
    // Its third case: no salt and no info.
    expect(deriveKey(Buffer.alloc(22, 0x0b), "").toString("hex")).toBe(
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
    );
    const key = freshBytes(32);
    expect(deriveKey(key, "one").equals(deriveKey(key, "other"))).toBe(false);
  });

  it("S2: a passphrase makes the key that RFC 7914 says, however its accents were typed", async () => {
    const derivation = { salt: Buffer.from("NaCl"), cost: 1024, blockSize: 8, parallelization: 16 };
    expect((await passphraseKey("password", derivation, 64)).toString("hex")).toBe(
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
    );
    const [composed, decomposed] = await Promise.all(
      ["caf\u00e9 au lait", "cafe\u0301 au lait"].map((phrase) => passphraseKey(phrase, derivation)),
    );
    expect(composed).toEqual(decomposed);
  });
});
