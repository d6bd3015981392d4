import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/version.ts';
import { hasWrk } from './load.ts';
import { nginxVersion } from './nginx.ts';
import { markdown, type Row } from './table.ts';

const REPORT = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const BEGIN = '<!-- npm run bench writes from here -->';
const END = '<!-- to here -->';

/** Puts the table, and where and when it was taken, between the marks of docs/performance.md. */
export function writeReport(rows: readonly Row[]): void {
  const report = readFileSync(REPORT, 'utf8');
  const [begin, end] = [report.indexOf(BEGIN), report.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`${REPORT} has lost its marks`);
  const written = [BEGIN, '', circumstances(), '', markdown(rows), '', ''].join('\n');
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
