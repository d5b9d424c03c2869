import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dictionary } from '@zxcvbn-ts/language-common';
import { characterCount } from '../src/lib/text.ts';
import { openApiDocument } from './openapi-document.ts';

// `npm run generate`: generates what is bundled into the Worker. Run by `npm ci` and by wrangler.
//   common-passwords.json  from @zxcvbn-ts/language-common (MIT), ranked by frequency in leaks
//   openapi.json           from the zod schemas that validate requests

const DIRECTORY = 'src/generated';
/**
 * Of the 3,000 most common passwords, 675 have the 8 characters that a new one must have; the others are refused for
 * their length. These are the 700 most common of that length, the 675 among them.
 */
const COMMON_PASSWORDS = 700;
const POLICY_MIN_CHARACTERS = 8;
/** Front coding counts with the letters A to Z. */
const SHARED_MAX = 25;

/**
 * Front coding: sorted, each word as a capital letter (how many characters it shares with the previous one, A = 0) and
 * the rest. Two thirds of the plain list after gzip. Words are in lower case, so capitals are free.
 */
function frontCode(words: readonly string[]): string {
  let previous = '';
  let text = '';
  for (const word of [...words].sort()) {
    let shared = 0;
    while (shared < SHARED_MAX && shared < previous.length && word[shared] === previous[shared]) shared += 1;
    text += String.fromCharCode(65 + shared) + word.slice(shared);
    previous = word;
  }
  return text;
}

const ranked = dictionary['passwords-common'].map((word) => word.toLowerCase());
const common = [...new Set(ranked.filter((word) => characterCount(word) >= POLICY_MIN_CHARACTERS))];

/** `npm run dev` watches the folder: what is written anew without a change would be built again for ever. */
function writeIfChanged(name: string, content: unknown): void {
  const path = `${DIRECTORY}/${name}`;
  const text = JSON.stringify(content);
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
}

mkdirSync(DIRECTORY, { recursive: true });
writeIfChanged('common-passwords.json', frontCode(common.slice(0, COMMON_PASSWORDS)));
writeIfChanged('openapi.json', openApiDocument());
