import { expect, test } from 'vitest';
import { readBearer } from '../../../src/session/credential.ts';
import { newToken } from '../../../src/session/token.ts';

const token = newToken();

test.each([[`Bearer ${token}`], [`bearer ${token}`], [`BEARER   ${token}`], [`  Bearer ${token}  `]])(
  '%j is a token',
  (header) => {
    expect(readBearer(header)).toEqual({ status: 'token', token });
  },
);

test.each([null, undefined, '', 'Basic abc', token, `Bearer${token}`, `Bearers ${token}`, `Token ${token}`])(
  '%j is no bearer credential',
  (header) => {
    expect(readBearer(header)).toEqual({ status: 'missing' });
  },
);

test.each([
  'Bearer',
  'Bearer ',
  'Bearer garbage',
  `Bearer ${token} ${token}`,
  `Bearer ${token},x`,
  `Bearer "${token}"`,
])('%j is one that was never given out', (header) => {
  expect(readBearer(header)).toEqual({ status: 'malformed' });
});
