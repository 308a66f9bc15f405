/**
 * How a chat on IRC is named. A room is its name in small letters. A direct chat is nick and person, `alice!account:al`,
 * so that whoever takes the nick later begins a chat of their own; a nick alone is accepted for sending.
 */

export type Chat =
  | { readonly kind: "room"; readonly target: string }
  /** `identity` null: whoever has the nick. */
  | { readonly kind: "person"; readonly target: string; readonly identity: string | null };

export function roomChatId(name: string): string {
  return name.toLowerCase();
}

export function personChatId(nick: string, identity: string): string {
  return `${nick.toLowerCase()}!${identity}`;
}

/** Null where it is no name that IRC could have given: such a text is never put into a command. */
export function parseChatId(chatId: string): Chat | null {
  if (/^[~&@%+]?[#&+!][^\s,\0\x07]*$/.test(chatId)) return { kind: "room", target: chatId };
  const mark = chatId.indexOf("!");
  const target = mark === -1 ? chatId : chatId.slice(0, mark);
  // A dollar or star would address every user of a server, a comma several, a space would begin the next parameter.
  if (!/^[^\s,\0:#&+!@$*?~%][^\s,\0!@*?]*$/.test(target)) return null;
  return { kind: "person", target, identity: mark === -1 ? null : chatId.slice(mark + 1) };
}
