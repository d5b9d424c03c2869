import { closeSync, openSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FirstPlaces } from '../../../tools/hoskie/import/first-places.ts';
import { readElements } from '../../../tools/hoskie/import/read-text.ts';
import { entry, openImportCloud } from './import-cloud.ts';
import { runCli } from './run-cli.ts';

const { cloud, users, write } = openImportCloud();

const MEGABYTE = 1024 * 1024;

test('a dump larger than the memory is imported', async () => {
  const path = write('large.json', '');
  const file = openSync(path, 'w');
  const post = JSON.stringify({ model: 'blog.post', pk: 1, fields: { text: 'x'.repeat(MEGABYTE / 4) } });
  writeSync(file, '[');
  for (let i = 1; i <= 480; i += 1) {
    writeSync(file, `${post},`);
    if (i % 40 === 0) writeSync(file, `${JSON.stringify(entry(i, { username: `user-${i}` }))},`);
  }
  writeSync(file, `${JSON.stringify(entry(undefined, { username: 'last' }))}]`);
  closeSync(file);
  // The file has 120 MB, the heap less.
  const env = { ...cloud().env, NODE_OPTIONS: '--max-old-space-size=80' };
  const result = await runCli(cloud(), ['user', 'import', path, '--json'], { env });
  expect(result, result.stderr.slice(0, 500)).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(result.stdout)).toMatchObject({ read: 13, other_models: 480, added: 13, complete: true });
  expect(await users()).toHaveLength(13);
}, 120_000);

describe('readElements', () => {
  const VALUES = [{ a: '"],[{\\' }, { b: [1, { c: '}' }] }, 'x\\"', [], 'é😀', 12, null];

  async function* inChunks(text: string, size: number): AsyncGenerator<string> {
    for (let i = 0; i < text.length; i += size) yield await Promise.resolve(text.slice(i, i + size));
  }

  test('finds the same elements wherever the chunks end', async () => {
    const text = ` ${JSON.stringify(VALUES, null, 2)}\n`;
    for (let size = 1; size <= text.length; size += 1) {
      const found: unknown[] = [];
      for await (const element of readElements(inChunks(text, size))) found.push(JSON.parse(element));
      expect(found).toEqual(VALUES);
    }
  });
});

test('FirstPlaces knows where each of many keys was first seen', () => {
  const places = new FirstPlaces();
  for (let i = 1; i <= 50_000; i += 1) {
    expect(places.find(`key ${i}`)).toBeNull();
    places.add(`key ${i}`, i);
  }
  for (let i = 1; i <= 50_000; i += 1) expect(places.find(`key ${i}`)).toBe(i);
  expect(places.find('key 0')).toBeNull();
});
