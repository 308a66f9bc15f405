/** Who can speak: bots and people, and how the Bot API shows them. */

export interface Actor {
  readonly id: number;
  readonly isBot: boolean;
  readonly firstName: string;
  readonly username: string | null;
}

/** A `User` object. */
export function userObject(actor: Actor): Readonly<Record<string, unknown>> {
  return {
    id: actor.id,
    is_bot: actor.isBot,
    first_name: actor.firstName,
    ...(actor.username === null ? {} : { username: actor.username }),
    ...(actor.isBot ? {} : { language_code: "en" }),
  };
}
