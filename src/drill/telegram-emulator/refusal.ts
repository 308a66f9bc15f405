/** A call that the Bot API turns down, in the words of the real one. A value that is returned; nothing here is thrown. */

export interface RefusalParameters {
  readonly retry_after?: number;
  readonly migrate_to_chat_id?: number;
}

export class Refusal {
  readonly status: number;
  readonly description: string;
  readonly parameters: RefusalParameters | undefined;

  constructor(status: number, description: string, parameters?: RefusalParameters) {
    this.status = status;
    this.description = description;
    this.parameters = parameters;
  }
}

/** The real server writes what its own code says in lower case, and what Telegram's core says (`REACTION_INVALID`) as it is. */
export function badRequest(why: string, parameters?: RefusalParameters): Refusal {
  return new Refusal(400, `Bad Request: ${why}`, parameters);
}

export function forbidden(why: string): Refusal {
  return new Refusal(403, `Forbidden: ${why}`);
}

export function conflict(why: string): Refusal {
  return new Refusal(409, `Conflict: ${why}`);
}

export function tooManyRequests(retryAfterS: number): Refusal {
  return new Refusal(429, `Too Many Requests: retry after ${retryAfterS}`, { retry_after: retryAfterS });
}
