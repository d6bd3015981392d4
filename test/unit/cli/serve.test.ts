import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { isReadAgain } from '../../../src/cli/serve.ts';
import { loadConfig } from '../../../src/config/load.ts';

function configured(lines: string) {
  const folder = mkdtempSync(join(tmpdir(), 'verbatim-serve-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'verbatim.yaml');
  writeFileSync(file, `indexes:\n  main: { upstream: 'https://index.example/simple/', evidence: index }\n${lines}`);
  return loadConfig({ file, env: {} });
}

it.each([
  ['', false],
  ['server: { tls: { cert: a.pem, key: b.pem } }', true],
  ['server: { auth: { tokens: tokens } }', true],
  ["  team: { upstream: 'https://team.example/', evidence: index, credentials: { password_file: token } }", true],
])('SIGHUP does not end a server that has something to read again: %j', (lines, expected) => {
  expect(isReadAgain(configured(lines))).toBe(expected);
});
