/** Cuts a `multipart/form-data` body into its parts (RFC 7578). Pure; says in words what is malformed. */

export interface MultipartPart {
  readonly name: string;
  /** Null: a plain field. */
  readonly fileName: string | null;
  readonly mimeType: string | null;
  readonly bytes: Uint8Array;
}

export function multipartParts(body: Buffer, boundary: string): readonly MultipartPart[] | string {
  if (boundary === "") return noBoundary;
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: MultipartPart[] = [];
  let start = body.indexOf(delimiter);
  while (start !== -1) {
    const afterDelimiter = start + delimiter.length;
    if (body.toString("latin1", afterDelimiter, afterDelimiter + 2) === "--") return parts;
    const end = body.indexOf(delimiter, afterDelimiter);
    if (end === -1) return noBoundary;
    const part = partOf(body.subarray(afterDelimiter, end));
    if (typeof part === "string") return part;
    parts.push(part);
    start = end;
  }
  return noBoundary;
}

const noBoundary = "boundary not found";

/** What stands between two delimiters: a line break, headers, an empty line, the content, a line break. */
function partOf(section: Buffer): MultipartPart | string {
  const headEnd = section.indexOf("\r\n\r\n");
  if (headEnd === -1 || section.toString("latin1", section.length - 2) !== "\r\n") {
    return "can't parse form data headers";
  }
  const head = section.toString("utf8", 0, headEnd);
  const disposition = /^content-disposition:\s*form-data;(.*)$/im.exec(head)?.[1] ?? "";
  const name = parameterOf(disposition, "name");
  if (name === null || name === "") return "field name in multipart/form-data not found";
  return {
    name,
    fileName: parameterOf(disposition, "filename"),
    mimeType: /^content-type:\s*(\S+)/im.exec(head)?.[1] ?? null,
    bytes: section.subarray(headEnd + 4, section.length - 2),
  };
}

function parameterOf(disposition: string, name: string): string | null {
  const found = new RegExp(`(?:^|[;\\s])${name}=(?:"([^"]*)"|([^;\\s]+))`, "i").exec(disposition);
  return found === null ? null : (found[1] ?? found[2] ?? "");
}
