import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/version.ts';
import { hasWrk } from './load.ts';
import { nginxVersion } from './nginx.ts';
import { markdown, type Row } from './table.ts';

const REPORT = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
/** Puts the table that a command took, and where and when, between its marks in docs/performance.md. */
export function writeReport(command: string, rows: readonly Row[]): void {
  const [first, last] = [`<!-- ${command} writes from here -->`, '<!-- to here -->'];
  const report = readFileSync(REPORT, 'utf8');
  const begin = report.indexOf(first);
  const end = report.indexOf(last, begin);
  if (begin === -1 || end === -1) throw new Error(`${REPORT} has lost its marks of ${command}`);
  const written = [first, '', circumstances(), '', markdown(rows), '', ''].join('\n');
  writeFileSync(REPORT, report.slice(0, begin) + written + report.slice(end));
}

function circumstances(): string {
  const processors = cpus();
  const facts = [
    new Date().toISOString().slice(0, 10),
    `Verbatim ${VERSION}`,
    `node ${process.versions.node}`,
    nginxVersion === undefined ? 'nginx not installed' : `nginx ${nginxVersion}`,
    hasWrk ? 'load by wrk' : 'load by bench/children/load.ts',
    `${type()} ${release().split('-')[0]}`,
    `${processors.length} × ${processors[0]?.model.trim() ?? 'processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
  ];
  return `${facts.join(' · ')}.`;
}
