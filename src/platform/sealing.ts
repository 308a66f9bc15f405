/**
 * AES-256-GCM with a fresh random nonce for every text, and what the text belongs to authenticated with it; and the
 * keys for it. Knows no file and no secret's name. What comes out of `unseal` is exactly what went into `seal`, or
 * nothing.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  scrypt,
  timingSafeEqual,
} from "node:crypto";

export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** From the system's generator alone: a key that a test could foresee is none. */
export function freshBytes(length: number): Buffer {
  return randomBytes(length);
}

/** Nonce, ciphertext and tag in one. `context` is not kept: who unseals has to say the same. */
export function seal(key: Uint8Array, plain: Uint8Array, context: string): Buffer {
  return encrypt({ key, nonce: randomBytes(nonceBytes), context: Buffer.from(context, "utf8") }, plain);
}

/** Null where the key is another one, or anything of text or context was changed. */
export function unseal(key: Uint8Array, sealed: Uint8Array, context: string): Buffer | null {
  if (sealed.length < nonceBytes + tagBytes) return null;
  const nonce = sealed.subarray(0, nonceBytes);
  return decrypt({ key, nonce, context: Buffer.from(context, "utf8") }, sealed.subarray(nonceBytes));
}

export interface CipherParameters {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly context: Uint8Array;
}

/** With a nonce that is given: for `seal`, and for the published vectors. Never the same nonce twice with one key. */
export function encrypt({ key, nonce, context }: CipherParameters, plain: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(context);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** `body`: ciphertext and tag. */
export function decrypt({ key, nonce, context }: CipherParameters, body: Uint8Array): Buffer | null {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(context);
  decipher.setAuthTag(body.subarray(body.length - tagBytes));
  const plain = decipher.update(body.subarray(0, body.length - tagBytes));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    // What was decrypted so far is not authentic, and is not handed out.
    plain.fill(0);
    return null;
  }
}

/** A key of its own for each purpose, so that no key is used in two ways. */
export function deriveKey(key: Uint8Array, purpose: string): Buffer {
  // oxlint-disable-next-line house/no-sync-io -- two hashes of 32 bytes: it waits for no disk and no child
  return Buffer.from(hkdfSync("sha256", key, Buffer.alloc(0), Buffer.from(purpose, "utf8"), keyBytes));
}

export function authenticate(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text, "utf8").digest();
}

export function isAuthentic(key: Uint8Array, text: string, mac: Uint8Array): boolean {
  const expected = authenticate(key, text);
  return mac.length === expected.length && timingSafeEqual(expected, mac);
}

/** How scrypt makes a key of a passphrase. */
export interface KeyDerivation {
  readonly salt: Buffer;
  /** A power of two. */
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
}

/** What a passphrase may cost to try, in memory. */
export const largestDerivationBytes = 256 * 1024 * 1024;

export function derivationBytes({ cost, blockSize }: Omit<KeyDerivation, "salt">): number {
  return 128 * cost * blockSize;
}

/** RFC 7914, off the main thread. `length` bytes; a key by default. */
export function passphraseKey(passphrase: string, derivation: KeyDerivation, length = keyBytes): Promise<Buffer> {
  const { salt, cost, blockSize, parallelization } = derivation;
  const options = { N: cost, r: blockSize, p: parallelization, maxmem: largestDerivationBytes * 2 };
  return new Promise((resolve, reject) => {
    // The same passphrase is the same key, whichever keyboard wrote its accents.
    scrypt(passphrase.normalize("NFKC"), salt, length, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
