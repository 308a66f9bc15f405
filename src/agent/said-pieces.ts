/**
 * What a message says, piece by piece, and whose words each is: what the sender typed, and what they only handed on (a
 * forwarded message, a card, a preview).
 */
import type { Content, InboundMessage } from "../domain/message.ts";

export interface SaidPiece {
  readonly text: string;
  /** Whose words they are, where they are not the sender's. */
  readonly quoted: string | null;
}

/** In order; neighbours of one origin are one piece. */
export function saidPieces({ content }: Pick<InboundMessage, "content">): readonly SaidPiece[] {
  const pieces: SaidPiece[] = [];
  for (const piece of content.flatMap(piecesOf)) {
    const last = pieces.at(-1);
    if (piece.text === "") continue;
    if (last?.quoted === piece.quoted) pieces[pieces.length - 1] = { ...last, text: `${last.text}\n${piece.text}` };
    else pieces.push(piece);
  }
  return pieces;
}

function piecesOf(content: Content): readonly SaidPiece[] {
  const text = content.text ?? content.caption ?? "";
  const quoted = content.quoted ?? null;
  switch (content.type) {
    case "contact":
      return [{ text: text === "" ? contactText(content) : text, quoted: quoted ?? "contact card" }];
    case "location":
      // Bare coordinates are nobody's words.
      return [{ text, quoted: quoted ?? (content.location?.title === undefined ? null : "name of a place") }];
    case "embed":
      return [{ text: [text, embedText(content)].filter((part) => part !== "").join("\n"), quoted: quoted ?? preview }];
    default:
      return [
        { text, quoted },
        { text: embedText(content), quoted: quoted ?? preview },
      ];
  }
}

const preview = "preview of a link";

function contactText({ contact }: Content): string {
  return contact === undefined ? "" : `Contact: ${[contact.name, contact.phone].filter(Boolean).join(", ")}`;
}

function embedText({ embed }: Content): string {
  return [embed?.title, embed?.text, embed?.url].filter((part) => part !== undefined && part !== "").join("\n");
}
