import { createReadStream, statSync } from 'node:fs';
import { CliError, EXIT } from '../exit.ts';

const CHUNK_BYTES = 256 * 1024;
/** A row of any model, with its texts. A bound for files whose quotes never close. */
const PIECE_MAX_CHARACTERS = 16 * 1024 * 1024;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The text of a file, chunk by chunk. Throws `CliError` if it is no readable file of UTF-8 text. */
export async function* readText(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    // An import reads its file more than once.
    if (!statSync(path).isFile()) throw new CliError(EXIT.usage, `${path} is no regular file.`);
    const chunks = createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if (error instanceof CliError) throw error;
    const isNotText = error instanceof TypeError;
    throw new CliError(EXIT.usage, isNotText ? `${path} is not UTF-8 text.` : `${path} can't be read.`);
  }
}

/** A piece of the text that isn't what it should be; the caller knows its name. */
export class MalformedTextError extends Error {
  override readonly name = 'MalformedTextError';
}

/** The lines of a text, without their ends. */
export async function* readLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = bounded(lines.pop() ?? '');
    yield* lines;
  }
  yield rest;
}

/** The texts between the brackets and commas of a JSON array; whether each is JSON is for the caller to find out. */
export async function* readElements(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let depth = 0;
  let isString = false;
  let isEscaped = false;
  let isFirst = true;
  let element = '';
  for await (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i += 1) {
      const code = chunk.charCodeAt(i);
      if (isString) {
        if (isEscaped) isEscaped = false;
        else if (code === BACKSLASH) isEscaped = true;
        else if (code === QUOTE) isString = false;
        continue;
      }
      if (code === QUOTE) isString = true;
      else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
        depth += 1;
        if (depth === 1) start = i + 1;
      } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth -= 1;
      const isEnd = depth === 0 && code === CLOSE_BRACKET;
      if (isEnd || (depth === 1 && code === COMMA)) {
        const text = element + chunk.slice(start, i);
        if (!(isEnd && isFirst && text.trim() === '')) yield text;
        element = '';
        start = i + 1;
        isFirst = false;
      }
    }
    element = bounded(element + chunk.slice(start));
  }
  if (depth !== 0 || isString || element.trim() !== '') throw new MalformedTextError();
}

function bounded(piece: string): string {
  if (piece.length > PIECE_MAX_CHARACTERS) throw new MalformedTextError();
  return piece;
}
