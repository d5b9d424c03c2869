import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { parseSigningKeys, type SigningKey } from '../../../src/lib/signing-keys.ts';
import { newSigningKey, toKeySet } from '../../signing-keys.ts';
import { addCommand, setAction, type Finish } from '../command.ts';
import { CliError, EXIT } from '../exit.ts';
import { say } from '../output.ts';

interface NewKeyOptions {
  readonly add?: true;
}

export function addKeyCommands(program: Command, finish: Finish): void {
  const keys = program
    .command('keys')
    .description('keys that sign who a request is from, for apps behind the service');
  const command = addCommand(keys, {
    signature: 'new',
    summary: 'print a new ASSERTION_KEYS; a secret, so send it to a file or to wrangler',
    examples: [
      ['keys new > keys.json', 'the first key; keep it, as wrangler gives no secret back'],
      [
        'keys new --add < keys.json > new-keys.json',
        'a new key that signs, with the old ones still published',
      ],
    ],
  }).option('--add', 'put the new key before those on standard input');
  setAction<NewKeyOptions>(command, finish, async ({ add }) => {
    if (add === true && process.stdin.isTTY)
      throw new CliError(
        EXIT.usage,
        'Send the present keys to standard input: hoskie keys new --add < keys.json',
      );
    const known = add === true ? readKeys(await text(process.stdin)) : [];
    say(toKeySet([newSigningKey(), ...known]));
  });
}

function readKeys(input: string): readonly SigningKey[] {
  const keys = parseSigningKeys(input);
  if (keys !== null) return keys;
  throw new CliError(
    EXIT.usage,
    "Standard input isn't a JSON Web Key Set of private ES256 keys (see ASSERTION_KEYS).",
  );
}
