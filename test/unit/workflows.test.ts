import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from '@actions/languageservice';
import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parse } from 'yaml';

// GitHub's own parser reads the workflows, as it does before it runs them.

const WORKFLOWS = join(import.meta.dirname, '../../.github/workflows');

let documents = 0;

/** What is wrong, with the number of its line. */
async function lint(workflow: string): Promise<string[]> {
  // What it read is cached by name.
  const document = TextDocument.create(`file:///workflows/${(documents += 1)}.yml`, 'yaml', 1, workflow);
  const found = await validate(document);
  return found.map(
    ({ range, message }) =>
      `${range.start.line + 1}: ${typeof message === 'string' ? message : message.value}`,
  );
}

describe.each(readdirSync(WORKFLOWS))('%s', (name) => {
  const text = readFileSync(join(WORKFLOWS, name), 'utf8');

  test('is one that GitHub runs', async () => {
    expect(await lint(text)).toEqual([]);
  });

  test('has scripts that bash reads', () => {
    const { jobs } = parse(text) as { jobs: Record<string, { steps?: { run?: string }[] }> };
    for (const { run = '' } of Object.values(jobs).flatMap(({ steps = [] }) => steps))
      expect(spawnSync('bash', ['-n', '-c', run], { encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      });
  });
});

describe('a faulty workflow', () => {
  const faulty = (step: string, job = ''): string =>
    `on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps: [{ run: make }]
  deploy:
    runs-on: ubuntu-latest
    needs: build${job}
    steps:
      - id: first
        run: make
      - ${step}
`;

  test.each([
    ['an unknown key', faulty('{ run: make, shel: bash }'), "12: Unexpected value 'shel'"],
    [
      'a job that is not there',
      faulty('run: make').replace('needs: build', 'needs: biuld'),
      "8: Value 'biuld' is not valid",
    ],
    ['an unknown context', faulty("{ run: make, env: { A: '${{ gihub.ref }}' } }"), '12: Unrecognized'],
    ['an unknown step', faulty("{ run: make, if: steps.frist.outputs.ok == 'true' }"), '12: Context access'],
    ['a malformed condition', faulty("{ run: make, if: steps.first.outputs.ok = 'true' }"), '12: Unexpected'],
    ['two steps of one id', faulty('{ id: first, run: make }'), "12: The identifier 'first'"],
    ['an unknown permission', faulty('run: make', '\n    permissions: { content: read }'), '9: Unexpected'],
    ['malformed YAML', faulty('{ run: [make }'), '12: Flow sequence in block collection'],
  ])('with %s is found', async (_, workflow, message) => {
    expect(await lint(faulty('run: make'))).toEqual([]);
    expect(await lint(workflow)).toContainEqual(expect.stringContaining(message));
  });
});
