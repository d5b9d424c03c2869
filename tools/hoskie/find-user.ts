import type { UserId } from '../../src/lib/ids.ts';
import type { StoredUser } from './stores/user-admin.ts';
import { CliError, EXIT } from './exit.ts';
import { printable } from './output.ts';
import type { Stores } from './stores.ts';

/** With `--id` the argument is a number from `users.id`, not a name. */
export interface ById {
  readonly id?: boolean;
}

/** The column could hold twice as much, but what reads ids elsewhere has signed integers. */
export const USER_ID_MAX = 2n ** 63n - 1n;

/** Parses `users.id`. Null: it isn't one. */
export function parseUserId(text: string): UserId | null {
  if (!/^[1-9]\d{0,18}$/.test(text) || BigInt(text) > USER_ID_MAX) return null;
  return text as UserId;
}

export function requireUserId(text: string): UserId {
  const id = parseUserId(text);
  if (id === null)
    throw new CliError(
      EXIT.usage,
      `With --id, the argument is a number from users.id, at most ${USER_ID_MAX}.`,
    );
  return id;
}

export async function requireUser(stores: Stores, text: string, { id }: ById): Promise<StoredUser> {
  const user =
    id === true ? await stores.users.findById(requireUserId(text)) : await stores.users.findByUsername(text);
  if (user !== null) return user;
  throw new CliError(
    EXIT.notFound,
    `There is no user ${id === true ? 'with the id ' : ''}${printable(text)}.`,
  );
}

/** A user's id; with `--id` also of a deleted user, whose sessions may still be open; `command` takes it. */
export async function requireIdOf(
  stores: Stores,
  text: string,
  byId: ById,
  command: string,
): Promise<UserId> {
  if (byId.id === true) return requireUserId(text);
  const user = await stores.users.findByUsername(text);
  if (user !== null) return user.id;
  throw new CliError(
    EXIT.notFound,
    `There is no user ${printable(text)}. If they were deleted or renamed, use their id: ${command} --id N.`,
  );
}
