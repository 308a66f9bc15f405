/**
 * AES-256-GCM as the vault uses it: a fresh random nonce for every text, and what the text belongs to authenticated
 * with it. Knows no file and no secret's name. What comes out of `unseal` is exactly what went into `seal`, or nothing.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

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
  return Buffer.from(hkdfSync("sha256", key, Buffer.alloc(0), Buffer.from(purpose, "utf8"), keyBytes));
}

export function authenticate(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text, "utf8").digest();
}

export function isAuthentic(key: Uint8Array, text: string, mac: Uint8Array): boolean {
  const expected = authenticate(key, text);
  return mac.length === expected.length && timingSafeEqual(expected, mac);
}
