import { expect, test, vi } from 'vitest';
import { signedInAs } from '../../packages/client/src/testing.ts';
import { verifyAssertion } from '../../packages/client/src/verify-assertion.ts';

const ADA = { id: '7', username: 'ada' };
// Nothing listens there.
const LOGIN = 'https://login.example.org';
const APP = 'https://app.example.org';

test('makes a request of that user, which verifies without network', async () => {
  const request = await signedInAs(ADA);
  expect(request.url).toBe(`${APP}/`);
  expect(await verifyAssertion(request, { issuer: LOGIN, audience: APP })).toEqual({
    status: 'valid',
    user: ADA,
    sessionId: 'test-session',
  });
  const other = await signedInAs({ id: '8', username: 'grace' }, { sessionId: 's', url: `${APP}/x?y` });
  expect(other.url).toBe(`${APP}/x?y`);
  expect(await verifyAssertion(other, { issuer: LOGIN, audience: APP })).toMatchObject({
    user: { id: '8', username: 'grace' },
    sessionId: 's',
  });
  // The first one still does.
  expect(await verifyAssertion(request, { issuer: LOGIN, audience: APP })).toMatchObject({ user: ADA });
});

test('an app that expects another audience refuses it', async () => {
  const request = await signedInAs(ADA, { audience: 'https://other.example.org' });
  expect(await verifyAssertion(request, { issuer: LOGIN, audience: APP })).toEqual({
    status: 'invalid',
    reason: 'invalid',
  });
});

test('has the other headers of the gate too', async () => {
  const { headers } = await signedInAs({ id: '9', username: '100% Zoë\u00a0🌙~!' });
  expect(headers.get('Remote-User-Id')).toBe('9');
  expect(headers.get('Remote-User')).toBe('100%25%20Zo%C3%AB%C2%A0%F0%9F%8C%99~!');
});

test('warns once in production, where it must not be', async () => {
  vi.stubEnv('NODE_ENV', 'production');
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  vi.resetModules();
  const fresh = await import('../../packages/client/src/testing.ts');
  await fresh.signedInAs(ADA);
  await fresh.signedInAs(ADA);
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('for tests'));
  vi.unstubAllEnvs();
  warn.mockRestore();
});
