import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { describedApi, type ApiDescription } from '../support/api-description.ts';
import { addUser } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { decodeEntities } from '../support/visitor.ts';

const environment = useTestEnvironment();
const run = promisify(execFile);

let document: ApiDescription;
let html: string;
beforeAll(async () => {
  document = await describedApi(environment.worker.visitor());
  html = (await environment.worker.visitor({ origin: environment.worker.localOrigin }).get('/api/v1/docs'))
    .body;
});

const all = (pattern: RegExp, text = html): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? '');
const operationsOf = ({ paths }: ApiDescription) =>
  Object.values(paths).flatMap((each) => Object.values(each));

test('is a page that browsers style, without a script', async () => {
  const { status, headers, setCookies } = await environment.worker.visitor().get('/api/v1/docs');
  expect({ status, setCookies }).toEqual({ status: 200, setCookies: [] });
  expect(headers.get('Content-Type')).toMatch(/^text\/html/);
  expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'; style-src 'self'");
  expect(html).not.toMatch(/<script| on\w+=| style=/);
  for (const path of all(/<(?:link|img)[^>]+(?:href|src)="([^"]+)"/g))
    expect((await environment.worker.visitor().get(path)).status, path).toBe(200);
});

test('is English, whatever the browser speaks', async () => {
  const { body, headers } = await environment.worker
    .visitor()
    .get('/api/v1/docs', { 'Accept-Language': 'ar' });
  expect(all(/<html lang="(\w+)" dir="ltr">/g, body)).toEqual(['en']);
  expect(headers.get('Content-Language')).toBe('en');
});

test('each link leads to a heading, or to the document', async () => {
  const ids = all(/ id="([^"]+)"/g);
  expect(new Set(ids).size).toBe(ids.length);
  const [main = ''] = all(/<main[^>]*>([^]*)<\/main>/g);
  const links = all(/href="([^"]+)"/g, main);
  expect(links).toContain('/api/v1/openapi.json');
  for (const link of links.filter((each) => each.startsWith('#'))) expect(ids).toContain(link.slice(1));
  for (const labelledBy of all(/aria-labelledby="([^"]+)"/g)) expect(ids).toContain(labelledBy);
});

test('each operation has its parameters, statuses and examples, each object its members', () => {
  for (const { operationId, summary, parameters = [], requestBody, responses } of operationsOf(document)) {
    const [section = ''] = all(
      new RegExp(`<section aria-labelledby="${operationId}">([^]*?)</section>`, 'g'),
    );
    const text = decodeEntities(section);
    expect(text).toContain(`>${summary}</h2>`);
    for (const { name } of parameters) expect(text).toContain(`<code>${name}</code>`);
    expect(all(/<th scope="row">(\d+)<\/th>/g, section)).toEqual(Object.keys(responses));
    const example = requestBody?.content['application/json']?.example;
    if (example !== undefined) expect(text).toContain(`<pre>${JSON.stringify(example, null, 2)}</pre>`);
  }
  for (const [name, { properties = {} }] of Object.entries(document.components.schemas)) {
    const [section = ''] = all(new RegExp(`<section aria-labelledby="${name}">([^]*?)</section>`, 'g'));
    expect(all(/<th scope="row"><code>(\w+)/g, section)).toEqual(Object.keys(properties as object));
  }
});

describe('its curl lines work as they stand', () => {
  test('for every operation', async () => {
    const user = await addUser(environment.cloud, { username: 'ada' });
    const lines = all(/<pre>(curl [^]*?)<\/pre>/g).map(decodeEntities);
    const statuses = operationsOf(document).map(({ responses }) => Object.keys(responses)[0]);
    expect(lines).toHaveLength(statuses.length);
    for (const [i, line] of lines.entries()) {
      const { session } = await seedSession(environment.cloud, user, { kind: 'cookie' });
      const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
      // The one thing that a reader changes: whose session it is.
      const command = line.replace(/\/sessions\/\w{26}/, `/sessions/${session.id}`);
      const shell = ['-c', `${command} -s -o /dev/null -w '%{http_code}'`];
      const { stdout } = await run('sh', shell, { env: { PATH: process.env['PATH'], TOKEN: token } });
      expect(stdout, line).toBe(statuses[i]);
    }
  });
});
