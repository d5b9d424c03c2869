import { expect, test } from 'vitest';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

test.each([
  ['/nowhere/', 'GET', 404],
  ['/home/', 'POST', 405],
  ['/sign-in/', 'POST', 403],
  ['/api/nothing', 'GET', 404],
])('%s by %s is a problem with every member', async (path, method, status) => {
  const response = await environment.worker.visitor().request(path, {
    method,
    headers: { Accept: path.startsWith('/api/') ? 'text/html' : 'application/json' },
  });
  expect(response.status).toBe(status);
  expect(response.headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
  expect(JSON.parse(response.body)).toEqual({
    type: expect.stringMatching(/^[a-z]+:/) as string,
    title: expect.stringMatching(/./) as string,
    status,
    detail: expect.stringMatching(/./) as string,
    code: expect.stringMatching(/^[a-z_]+$/) as string,
    request_id: expect.stringMatching(/^[\w-]+$/) as string,
  });
});

test.each([
  ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/html'],
  ['*/*', 'text/html'],
  ['application/json;q=0.5, text/html;q=0.9', 'text/html'],
  ['application/json', 'application/problem+json'],
  ['application/problem+json', 'application/problem+json'],
  ['application/json, text/html;q=0.9', 'application/problem+json'],
  ['application/json, text/plain, */*', 'application/problem+json'],
])('Accept: %s gets %s', async (Accept, type) => {
  const response = await environment.worker.visitor().get('/nowhere/', { Accept });
  expect(response.headers.get('Content-Type')).toContain(type);
});
