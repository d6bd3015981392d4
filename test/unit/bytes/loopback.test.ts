import { expect, it } from 'vitest';
import { isLoopback } from '../../../src/bytes/loopback.ts';

it.each(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'LOCALHOST'])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true);
});

it.each([
  '10.0.0.1',
  '0.0.0.0',
  '::',
  '::11',
  '127.0.0.1.example',
  '127.evil.example',
  'localhost.example',
  'app.localhost',
  'index',
  '',
])('%j may be another one', (host) => {
  expect(isLoopback(host)).toBe(false);
});
