/** Bytes of the web as text: by their mark of order, by what the server says, by what the page says, else as UTF-8. */

/** Never throws: what is no text of that charset has replacement signs in it. */
export function decodeText(bytes: Uint8Array, contentType: string): string {
  const label = byMark(bytes) ?? named(contentType) ?? byPage(bytes, contentType) ?? "utf-8";
  return decoder(label).decode(bytes);
}

function byMark([first, second, third]: Uint8Array): string | null {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return first === 0xff && second === 0xfe ? "utf-16le" : null;
}

function named(text: string): string | null {
  return /charset\s*=\s*["']?\s*([\w:.-]{1,40})/i.exec(text)?.[1] ?? null;
}

/** A page names its charset in its first kilobytes, in letters that are the same in all of them. */
function byPage(bytes: Uint8Array, contentType: string): string | null {
  if (!/html|xml/i.test(contentType)) return null;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 4_096)).toString("latin1");
  const meta = /<meta[^>]{0,300}charset\s*=[^>]{0,100}>/i.exec(head)?.[0] ?? /^<\?xml[^>]{0,100}\?>/i.exec(head)?.[0];
  return meta === undefined ? null : (named(meta) ?? /encoding\s*=\s*["']([\w:.-]{1,40})/i.exec(meta)?.[1] ?? null);
}

function decoder(label: string): { decode(bytes: Uint8Array): string } {
  try {
    return new TextDecoder(label);
  } catch {
    // A charset that nobody knows.
    return new TextDecoder("utf-8");
  }
}
